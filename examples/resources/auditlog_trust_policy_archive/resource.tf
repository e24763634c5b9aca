data "auditlog_trust_policy" "audit" {
  bucket     = "acme-audit-trail"
  region     = "eu-central-1"
  account_id = "123456789012"
  lock_spans = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 3 }]
  logs       = [{ origin = "acme.example/audit/payments" }]

  keys = [{
    valid_from = "2026-01-01T00:00:00Z"
    public_key = <<-PEM
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
      -----END PUBLIC KEY-----
    PEM
  }]

  declared_prefixes = ["trust-policies/"]
}

resource "auditlog_trust_policy_archive" "audit" {
  bucket       = "acme-audit-trail"
  prefix       = "trust-policies/"
  trust_policy = data.auditlog_trust_policy.audit.json
}
