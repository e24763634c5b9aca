resource "auditlog_signing_key" "audit" {
  alias       = "alias/acme-audit-trail"
  description = "Signs the audit logs of acme"
}
