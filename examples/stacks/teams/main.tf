# Several teams in one bucket: each has a log, a sealer and a key of its own, and one auditor in another account reads all of them.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

variable "teams" {
  description = "Teams by name, with the role of the sealer of each."
  type        = map(object({ sealer = string }))
  default = {
    orders   = { sealer = "arn:aws:iam::000000000000:role/orders-sealer" }
    payments = { sealer = "arn:aws:iam::000000000000:role/payments-sealer" }
  }
}

# It needs an IAM policy of its own there: auditor_json of auditlog_iam_policy.
variable "auditor" {
  type    = string
  default = "arn:aws:iam::111122223333:role/auditor"
}

resource "auditlog_signing_key" "team" {
  for_each  = var.teams
  alias     = "alias/acme-teams-${each.key}"
  signers   = [each.value.sealer]
  verifiers = [var.auditor]

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "teams" {
  bucket      = "acme-teams"
  object_lock = { mode = "GOVERNANCE", days = 3 }

  logs = {
    for team, of in var.teams : team => {
      signing_key = auditlog_signing_key.team[team].trust
      writers     = [of.sealer]
      readers     = [var.auditor]
    }
  }
}

data "auditlog_iam_policy" "teams" {
  region     = auditlog_bucket.teams.region
  account_id = auditlog_bucket.teams.account_id
  buckets    = [auditlog_bucket.teams.bucket]
}

# For the auditor's role, in the auditor's account.
output "auditor_policy" {
  value = data.auditlog_iam_policy.teams.auditor_json
}

output "trust_policy" {
  value = auditlog_bucket.teams.trust_policy
}
