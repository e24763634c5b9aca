resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-trail"

  # GOVERNANCE and a few days, so that a first try can be undone. Nobody can end COMPLIANCE early, not even AWS: use it
  # when you know for how many years the logs must be kept.
  object_lock = {
    mode = "GOVERNANCE"
    days = 3
  }

  tags = {
    owner = "security"
  }
}
