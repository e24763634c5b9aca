# The whole declaration of an audit trail: a bucket that nobody can rewrite, a key that signs, and the policy that a
# verifier holds both against.

terraform {
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

resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-demo"

  # COMPLIANCE: nobody can end this lock early, no administrator and not AWS. A real trail keeps its entries for years;
  # try it with days first.
  object_lock = {
    mode = "COMPLIANCE"
    days = 3
  }
}

resource "auditlog_signing_key" "audit" {
  alias       = "alias/acme-audit-demo"
  description = "Signs the audit log of the deployments"
}

data "auditlog_trust_policy" "audit" {
  bucket     = auditlog_bucket.audit.bucket
  region     = auditlog_bucket.audit.region
  account_id = auditlog_bucket.audit.account_id

  object_lock = {
    mode = auditlog_bucket.audit.object_lock.mode
    days = auditlog_bucket.audit.object_lock.days
    from = auditlog_bucket.audit.creation_date
  }

  logs                = [{ origin = "acme.example/audit/deployments" }]
  max_silence_seconds = 90000 # 25 hours: a log that has nothing to record writes an empty segment each day

  keys = [{
    public_key = auditlog_signing_key.audit.public_key_pem
    arn        = auditlog_signing_key.audit.arn
    valid_from = auditlog_signing_key.audit.creation_date
  }]
}

# Everything that the verifier will hold against the bucket. Keep it out of the writer's reach, in git for example.
output "trust_policy" {
  value = data.auditlog_trust_policy.audit.json
}

output "bucket" {
  value = auditlog_bucket.audit.bucket
}

output "key" {
  value = auditlog_signing_key.audit.arn
}
