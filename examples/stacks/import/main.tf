# A bucket that exists already, without a lock: the first plan shows what it lacks, and the first apply hardens it in place.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

import {
  to = auditlog_bucket.audit
  id = "acme-existing"
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-existing"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-existing"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }

  # what was there before
  declared_prefixes = ["old/"]
}

output "trust_policy" {
  value = auditlog_bucket.audit.trust_policy
}
