# A module that declares one audit trail. `terraform test` tests it without AWS, see tests/trail.tftest.hcl.

terraform {
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
  description = "Mode and retention: `days` or `years`."
  type = object({
    mode  = string
    days  = optional(number)
    years = optional(number)
  })
}

variable "origins" {
  description = "Origins of the logs."
  type        = set(string)
}

resource "auditlog_bucket" "audit" {
  bucket      = var.name
  object_lock = var.object_lock
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/${var.name}"
}

data "auditlog_trust_policy" "audit" {
  bucket     = auditlog_bucket.audit.bucket
  region     = auditlog_bucket.audit.region
  account_id = auditlog_bucket.audit.account_id

  lock_spans = [{
    from = auditlog_bucket.audit.creation_date
    mode = auditlog_bucket.audit.object_lock.mode
    days = coalesce(auditlog_bucket.audit.object_lock.days, try(365 * auditlog_bucket.audit.object_lock.years, null))
  }]

  # A log that has nothing to record writes an empty segment each day.
  max_silence = "25h"
  logs        = [for origin in sort(var.origins) : { origin = origin }]

  keys = [{
    public_key = auditlog_signing_key.audit.public_key_pem
    arn        = auditlog_signing_key.audit.arn
    valid_from = auditlog_signing_key.audit.creation_date
  }]
}

output "trust_policy" {
  description = "Trust policy as JSON. Keep it out of the writer's reach."
  value       = data.auditlog_trust_policy.audit.json
}
