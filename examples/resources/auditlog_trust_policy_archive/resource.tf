resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-audit"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-audit-8f3a"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }

  # what the bucket contains besides the logs
  declared_prefixes = ["trust-policies/"]
}

resource "auditlog_trust_policy_archive" "audit" {
  bucket       = auditlog_bucket.audit.bucket
  prefix       = "trust-policies/"
  trust_policy = auditlog_bucket.audit.trust_policy
}
