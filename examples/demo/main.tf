# The whole declaration of an audit trail: a bucket that nobody can rewrite, a key that signs, and the policy with which a
# verifier compares both.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

provider "auditlog" {
  region = "eu-central-1"

  default_tags {
    tags = {
      application = "auditlog-demo"
    }
  }
}

resource "auditlog_signing_key" "audit" {
  alias       = "alias/acme-audit-demo"
  description = "Signs the audit log of the deployments"
}

resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-demo"

  # GOVERNANCE and a few days, so that a first try can be undone. A real trail uses COMPLIANCE, which nobody can end early,
  # not even AWS, and the retention that its rules require.
  object_lock = { mode = "GOVERNANCE", days = 3 }

  logs = {
    deployments = {
      origin      = "acme.example/audit/deployments"
      signing_key = auditlog_signing_key.audit.trust
      max_silence = "25h" # a log that has nothing to record writes an empty segment each day
    }
  }
}

# The verifier compares the bucket with this. Keep it out of the writer's reach, for example in git.
output "trust_policy" {
  value = auditlog_bucket.audit.trust_policy
}

output "bucket" {
  value = auditlog_bucket.audit.bucket
}

output "key" {
  value = auditlog_signing_key.audit.arn
}
