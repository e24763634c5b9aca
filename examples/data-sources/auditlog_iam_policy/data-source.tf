resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-trail"

  object_lock = {
    mode = "GOVERNANCE"
    days = 3
  }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-audit-trail"

  lifecycle {
    prevent_destroy = true
  }
}

data "auditlog_iam_policy" "audit" {
  region           = auditlog_bucket.audit.region
  account_id       = auditlog_bucket.audit.account_id
  buckets          = [auditlog_bucket.audit.bucket]
  log_prefixes     = ["logs/payments"]
  aliases          = [auditlog_signing_key.audit.alias]
  signing_key_arns = [auditlog_signing_key.audit.arn]
}

# Attach it to the sealer's role, for example with aws_iam_role_policy.
output "sealer_policy" {
  value = data.auditlog_iam_policy.audit.sealer_json
}
