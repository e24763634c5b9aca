resource "auditlog_bucket" "audit" {
  bucket = "acme-audit-trail"

  # GOVERNANCE and a few days to begin with. COMPLIANCE cannot be taken back by anyone, AWS included: use it once you
  # know how long the logs have to be kept.
  object_lock = {
    mode = "GOVERNANCE"
    days = 7
  }

  tags = {
    owner = "security"
  }
}
