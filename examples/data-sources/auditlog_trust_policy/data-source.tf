# A bucket that Terraform does not manage. Its retention was lengthened in March.
data "auditlog_trust_policy" "audit" {
  bucket     = "acme-audit-trail"
  region     = "eu-central-1"
  account_id = "123456789012"

  lock_spans = [
    { from = "2026-01-01T00:00:00Z", mode = "COMPLIANCE", days = 365 },
    { from = "2026-03-01T00:00:00Z", mode = "COMPLIANCE", days = 2192 },
  ]

  logs = [
    { origin = "acme.example/audit/payments" },
    { origin = "acme.example/audit/logins", prefix = "logs/logins", max_silence = "7d" },
  ]

  keys = [{
    valid_from = "2026-01-01T00:00:00Z"
    public_key = <<-PEM
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
      -----END PUBLIC KEY-----
    PEM
  }]

  declared_prefixes = ["archive/"]
}

# Keep it out of the writer's reach, in git or in another account.
output "trust_policy" {
  value = data.auditlog_trust_policy.audit.json
}
