# A module that declares one audit trail. `terraform test` tests it without AWS, see tests/trail.tftest.hcl.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

variable "name" {
  description = "Name of the bucket and, after `alias/`, of the key."
  type        = string
}

variable "object_lock" {
  description = "Mode and retention; COMPLIANCE also needs `acknowledge_irreversible`."
  type = object({
    mode                     = string
    days                     = number
    acknowledge_irreversible = optional(string)
  })
}

variable "logs" {
  description = "Names of the logs."
  type        = set(string)
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/${var.name}"
}

resource "auditlog_bucket" "audit" {
  bucket      = var.name
  object_lock = var.object_lock
  logs        = { for log in var.logs : log => { signing_key = auditlog_signing_key.audit.trust } }
}

output "trust_policy" {
  description = "Trust policy as JSON. Keep it out of the writer's reach."
  value       = auditlog_bucket.audit.trust_policy
}
