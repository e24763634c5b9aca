# The smallest trail: a key that signs, a bucket that locks, one log in it, and the trust policy to verify it with.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-quickstart"
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-quickstart"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

output "trust_policy" {
  value = auditlog_bucket.audit.trust_policy
}
