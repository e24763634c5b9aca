resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-trail"

  object_lock = {
    mode = "GOVERNANCE"
    days = 3
  }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-audit-trail"
}

data "auditlog_trust_policy" "audit" {
  bucket     = auditlog_bucket.audit.bucket
  region     = auditlog_bucket.audit.region
  account_id = auditlog_bucket.audit.account_id

  object_lock = {
    mode  = auditlog_bucket.audit.object_lock.mode
    days  = auditlog_bucket.audit.object_lock.days
    years = auditlog_bucket.audit.object_lock.years
    from  = auditlog_bucket.audit.creation_date
  }

  # 25 hours: a log that has nothing to record writes an empty segment each day.
  max_silence_seconds = 90000

  logs = [
    { origin = "acme.example/audit/payments" },
    { origin = "acme.example/audit/logins", prefix = "logs/logins" },
  ]

  keys = [{
    public_key = auditlog_signing_key.audit.public_key_pem
    arn        = auditlog_signing_key.audit.arn
    valid_from = auditlog_signing_key.audit.creation_date
  }]
}

# Keep it out of the writer's reach, in git or in another account.
output "trust_policy" {
  value = data.auditlog_trust_policy.audit.json
}
