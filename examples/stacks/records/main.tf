# Records that a rule asks for: COMPLIANCE for the days of a preset, and the policies say who may do what. Nobody can delete
# what is stored under this lock before its time.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

# Roles that exist. Terraform runs as the administrator.
variable "administrator" {
  type = string
}

variable "sealer" {
  type    = string
  default = "arn:aws:iam::000000000000:role/sealer"
}

variable "auditor" {
  type    = string
  default = "arn:aws:iam::000000000000:role/auditor"
}

resource "auditlog_signing_key" "records" {
  alias          = "alias/acme-records"
  administrators = [var.administrator]
  signers        = [var.sealer]
  verifiers      = [var.auditor]

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "records" {
  bucket         = "acme-records"
  administrators = [var.administrator]
  break_glass    = []

  object_lock = {
    mode                     = "COMPLIANCE"
    preset                   = "sec-17a-4"
    acknowledge_irreversible = "COMPLIANCE ${provider::auditlog::retention_days("sec-17a-4")} days"
  }

  storage = {
    transitions = [{ days = 90, storage_class = "GLACIER_IR" }]
    expiration  = "after_retention"
  }

  logs = {
    trades = {
      signing_key = auditlog_signing_key.records.trust
      writers     = [var.sealer]
      readers     = [var.auditor]
    }
  }
}

output "trust_policy" {
  value = auditlog_bucket.records.trust_policy
}

output "retention_days" {
  value = provider::auditlog::retention_days("sec-17a-4")
}
