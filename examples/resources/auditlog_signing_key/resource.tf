resource "auditlog_signing_key" "audit" {
  alias          = "alias/acme-audit"
  description    = "Signs the audit logs of acme"
  signers        = ["arn:aws:iam::123456789012:role/sealer"]
  verifiers      = ["arn:aws:iam::123456789012:role/auditor"]
  administrators = ["arn:aws:iam::123456789012:role/terraform"]
  rotation       = { period_in_days = 365, grace_in_days = 7 }

  lifecycle {
    prevent_destroy = true
  }
}
