resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-audit-trail"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-audit-trail"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

data "auditlog_pipeline" "payments" {
  trust_policy = auditlog_bucket.audit.trust_policy
  url          = "https://sealer.acme.example:9880"

  senders = {
    payments-api = {
      program = "fluentd"
      paths   = ["/var/log/payments/*.json"]
    }
    payments-db = {
      program          = "syslog-ng"
      paths            = ["/var/log/postgresql/audit.log"]
      buffer_megabytes = 2048
      settings         = { batch-lines = "1000" }
    }
  }
}

# Write them where the programs are, for example with local_file or a template of your configuration management.
output "sealer_toml" {
  value = data.auditlog_pipeline.payments.sealer_toml
}

output "files" {
  value = data.auditlog_pipeline.payments.files
}
