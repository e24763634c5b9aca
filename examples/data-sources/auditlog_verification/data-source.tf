# trust_policy of an auditlog_bucket, or a file: keep it out of the writer's reach.
variable "trust_policy" {
  type = string
}

# What auditlog-verify says of the last segments of each log, at every plan.
data "auditlog_verification" "audit" {
  trust_policy = var.trust_policy
}

# Warns, and lets the apply go on.
check "audit_trail" {
  assert {
    condition     = data.auditlog_verification.audit.verified
    error_message = data.auditlog_verification.audit.summary
  }
}

# Every segment, when somebody asks for it: terraform apply -var verify=full
variable "verify" {
  type    = string
  default = "head"
}

# Stops the apply of whatever depends on it.
data "auditlog_verification" "before_release" {
  trust_policy  = var.trust_policy
  depth         = var.verify
  timeout       = "5m"
  max_megabytes = 2000

  lifecycle {
    postcondition {
      condition     = self.verified
      error_message = "The audit trail does not verify: ${self.summary}"
    }
  }
}

output "verified" {
  value = data.auditlog_verification.before_release.logs
}
