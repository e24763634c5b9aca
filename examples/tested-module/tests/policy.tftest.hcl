# A mocked data source does not make a document. Here the provider is real and only the resources are replaced, so the policy
# is the real one. It needs no AWS and no credentials either: nothing is left to call.

provider "auditlog" {
  region                     = "eu-central-1"
  skip_requesting_account_id = true
}

override_resource {
  target = auditlog_bucket.audit
  values = {
    region        = "eu-central-1"
    account_id    = "123456789012"
    creation_date = "2026-01-01T00:00:00Z"
  }
}

override_resource {
  target = auditlog_signing_key.audit
  values = {
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

variables {
  name    = "acme-audit-trail"
  origins = ["acme.example/audit/payments"]
}

run "policy_of_a_real_trail" {
  variables {
    object_lock = { mode = "COMPLIANCE", years = 6 }
  }

  assert {
    condition     = jsondecode(output.trust_policy).lock[0].retention_days == 6 * 365
    error_message = "The policy does not require the retention of the bucket."
  }
}
