# The smallest trail: a key that signs, a bucket that locks, and one log in it.
resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-audit"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-trail"

  # GOVERNANCE and a few days, so that a first try can be undone. Nobody can end COMPLIANCE early, not even AWS.
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

output "trust_policy" {
  value = auditlog_bucket.audit.trust_policy
}

# A trail for years, in which the bucket policy says who may do what.
resource "auditlog_bucket" "records" {
  bucket         = "acme-audit-records"
  administrators = ["arn:aws:iam::123456789012:role/terraform"]
  break_glass    = ["arn:aws:iam::123456789012:role/break-glass"]
  object_lock    = { mode = "COMPLIANCE", preset = "sec-17a-4", acknowledge_irreversible = "COMPLIANCE 2192 days" }
  storage        = { transitions = [{ days = 90, storage_class = "GLACIER_IR" }], expiration = "after_retention" }

  logs = {
    payments = {
      origin      = "acme.example/audit/payments"
      signing_key = auditlog_signing_key.audit.trust
      writers     = ["arn:aws:iam::123456789012:role/sealer"]
      readers     = ["arn:aws:iam::123456789012:role/auditor"]
      max_silence = "25h"
    }
  }
}
