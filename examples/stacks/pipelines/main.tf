# A trail, and everything that sends to it: the files of each program, of the sealer, and of the pod in which the sealer runs.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-pipelines"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-pipelines"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

locals {
  # Programs without a token have a certificate.
  certificate = {
    ca_file     = "/etc/auditlog/ca.pem"
    certificate = "/etc/auditlog/sender.pem"
    key         = "/etc/auditlog/sender.key"
  }

  senders = {
    cluster   = { program = "kubernetes", ca_file = "/etc/auditlog/ca.pem" }
    collector = { program = "opentelemetry", paths = ["/var/log/collector/*.log"], ca_file = "/etc/auditlog/ca.pem" }
    mail      = merge(local.certificate, { program = "rsyslog", paths = ["/var/log/mail.log"] })
    orders    = { program = "fluent-bit", paths = ["/var/log/orders/*.json"], settings = { flush = "5" } }
    payments  = { program = "fluentd", paths = ["/var/log/payments/*.json"], buffer_megabytes = 2048 }
    postgres  = { program = "syslog-ng", paths = ["/var/log/postgresql/audit.log"] }
    printers  = merge(local.certificate, { program = "rsyslog-tcp", paths = ["/var/log/printers.log"] })
    search    = { program = "logstash", paths = ["/var/log/search/*.json"] }
    sessions  = { program = "hoop" }
    shop      = { program = "vector", paths = ["/var/log/shop/*.json"] }
    web       = merge(local.certificate, { program = "filebeat", paths = ["/var/log/web/*.log"] })
  }
}

data "auditlog_pipeline" "payments" {
  trust_policy = auditlog_bucket.audit.trust_policy
  url          = "https://auditlog-sealer.audit.svc:9880"
  listen       = "0.0.0.0:9880"
  tls = {
    certificate = "/etc/auditlog/tls/tls.crt"
    key         = "/etc/auditlog/tls/tls.key"
    client_ca   = "/etc/auditlog/tls/ca.crt"
  }
  senders = local.senders
}

module "sealer" {
  source     = "../../../terraform/sealer"
  pipeline   = data.auditlog_pipeline.payments
  kubernetes = { image = "images.acme.example/auditlog-sealer:1.0.0", namespace = "audit" }
}

output "senders" {
  value = data.auditlog_pipeline.payments.files
}

# What each cannot promise, to be read before one is chosen.
output "limits" {
  value = data.auditlog_pipeline.payments.limits
}

output "sealer" {
  value = module.sealer.files
}
