# A key that is replaced once a year, and whenever `rotate` changes. The sealer has a week to follow, and the trust policy knows all
# versions, so what an earlier one signed still verifies.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

variable "rotate" {
  description = "Any text: another one makes a new version of the key."
  type        = string
  default     = "first"
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-rotation"

  rotation = {
    period_in_days = 365
    trigger        = var.rotate
    grace_in_days  = 7
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-rotation"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

# Versions by number, with the time from which each must not sign any more.
output "versions" {
  value = auditlog_signing_key.audit.versions
}

output "trust_policy" {
  value = auditlog_bucket.audit.trust_policy
}
