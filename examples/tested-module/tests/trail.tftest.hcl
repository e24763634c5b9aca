# `terraform test` needs no AWS and no credentials here. The defaults give the computed attributes values of the right form,
# which Terraform would otherwise invent.

mock_provider "auditlog" {
  mock_resource "auditlog_bucket" {
    defaults = {
      trust_policy = "{}"
    }
  }
}

variables {
  name = "acme-audit-trail"
  logs = ["payments", "logins"]
}

run "first_try" {
  variables {
    object_lock = { mode = "GOVERNANCE", days = 3 }
  }

  assert {
    condition     = auditlog_bucket.audit.object_lock.days == 3
    error_message = "The bucket does not lock for three days."
  }

  assert {
    condition     = join(" ", keys(auditlog_bucket.audit.logs)) == "logins payments"
    error_message = "The bucket does not declare both logs."
  }
}

run "real_trail" {
  variables {
    object_lock = { mode = "COMPLIANCE", days = 2192, acknowledge_irreversible = "COMPLIANCE 2192 days" }
  }

  assert {
    condition     = auditlog_bucket.audit.object_lock.mode == "COMPLIANCE"
    error_message = "The bucket of a real trail does not lock in COMPLIANCE mode."
  }
}
