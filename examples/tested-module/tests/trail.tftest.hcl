# `terraform test` needs no AWS and no credentials here. The defaults give the computed attributes values of the right form,
# which Terraform would otherwise invent.

mock_provider "auditlog" {
  mock_resource "auditlog_bucket" {
    defaults = {
      region        = "eu-central-1"
      account_id    = "123456789012"
      creation_date = "2026-01-01T00:00:00Z"
    }
  }

  mock_resource "auditlog_signing_key" {
    defaults = {
      arn           = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
      creation_date = "2026-01-01T00:00:00Z"
      # the key of RFC 8032, section 7.1, test 1
      public_key_pem = <<-PEM
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----
      PEM
    }
  }
}

variables {
  name    = "acme-audit-trail"
  origins = ["acme.example/audit/payments", "acme.example/audit/logins"]
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
    condition     = data.auditlog_trust_policy.audit.logs[0].origin == "acme.example/audit/logins"
    error_message = "The policy does not list the logs in order."
  }
}

run "real_trail" {
  variables {
    object_lock = { mode = "COMPLIANCE", years = 6 }
  }

  assert {
    condition     = data.auditlog_trust_policy.audit.lock_spans[0].days == 2190
    error_message = "The policy does not declare the years of the bucket."
  }
}
