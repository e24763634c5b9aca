# Without AWS and without credentials: the provider is replaced, and its resources accept what the module gives them.

mock_provider "auditlog" {
  mock_resource "auditlog_bucket" {
    defaults = {
      trust_policy = "{}"
    }
  }

  mock_data "auditlog_pipeline" {
    defaults = {
      sealer_toml = "[[logs]]"
      sealer_unit = "[Service]"
      listeners   = { http = 9880 }
      tokens      = ["payments-api"]
    }
  }
}

variables {
  bucket = "acme-audit-trail"
}

run "smallest_trail" {
  variables {
    object_lock = { mode = "GOVERNANCE", days = 3 }
    logs        = { payments = {} }
  }

  assert {
    condition     = auditlog_signing_key.this.alias == "alias/acme-audit-trail"
    error_message = "The alias does not follow the name of the bucket."
  }

  assert {
    condition     = keys(auditlog_bucket.this.logs) == tolist(["payments"])
    error_message = "The bucket does not declare the log."
  }

  assert {
    condition     = auditlog_bucket.this.administrators == null
    error_message = "A list of principals that was left out is not left out of the bucket."
  }
}

run "trail_whose_name_is_completed" {
  variables {
    bucket        = null
    bucket_prefix = "acme-audit-"
    object_lock   = { mode = "GOVERNANCE", days = 3 }
    logs          = { payments = {} }
  }

  assert {
    condition     = auditlog_bucket.this.bucket_prefix == "acme-audit-"
    error_message = "The beginning of the name is not passed on."
  }

  assert {
    condition     = auditlog_signing_key.this.alias == "alias/acme-audit"
    error_message = "The alias does not follow the beginning of the name."
  }
}

run "trail_for_years" {
  variables {
    alias          = "alias/records"
    object_lock    = { mode = "COMPLIANCE", preset = "sec-17a-4", acknowledge_irreversible = "COMPLIANCE 2192 days" }
    administrators = ["arn:aws:iam::123456789012:role/terraform"]
    break_glass    = []
    signers        = ["arn:aws:iam::123456789012:role/sealer"]
    rotation       = { period_in_days = 365 }
    compromised    = { "1" = { at = "2026-05-01T00:00:00Z" } }
    storage        = { expiration = "after_retention", segment_bytes = 1048576 }

    key_spec          = "ECC_NIST_P384"
    verifiers         = ["arn:aws:iam::123456789012:role/auditor"]
    encryption        = { kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1" }
    logging           = { target_bucket = "acme-access-logs", target_prefix = "audit/" }
    log_delivery      = { cloudtrail = { prefix = "trails" } }
    declared_prefixes = ["trust-policies/"]
    extra_policy_json = "{}"
    on_destroy        = "forget"

    region                      = "eu-west-1"
    key_description             = "signs the records"
    key_on_destroy              = "schedule_deletion"
    key_deletion_window_in_days = 7

    logs = {
      payments = {
        origin  = "acme.example/audit/payments"
        writers = ["arn:aws:iam::123456789012:role/sealer"]
        readers = ["arn:aws:iam::123456789012:role/auditor"]
      }
      orders = {
        object_lock = { mode = "GOVERNANCE", years = 10 }
        ended = {
          segment = 9, size = 99, root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
          sealed  = "2026-05-01T00:00:00Z", stored = "2026-05-01T00:00:01Z"
        }
      }
    }
  }

  assert {
    condition     = auditlog_signing_key.this.administrators == toset(["arn:aws:iam::123456789012:role/terraform"])
    error_message = "The administrators may not change the key."
  }

  assert {
    condition     = auditlog_signing_key.this.key_spec == "ECC_NIST_P384" && length(auditlog_signing_key.this.verifiers) == 1
    error_message = "The kind of the key or its verifiers are not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.encryption.kms_key_arn == "arn:aws:kms:eu-central-1:123456789012:key/1"
    error_message = "The encryption is not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.logging.target_prefix == "audit/" && auditlog_bucket.this.log_delivery.cloudtrail.prefix == "trails"
    error_message = "The access logs or the delivered logs are not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.declared_prefixes == tolist(["trust-policies/"]) && auditlog_bucket.this.extra_policy_json == "{}"
    error_message = "The declared prefixes or the added statements are not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.on_destroy == "forget"
    error_message = "What a destroy does is not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.region == "eu-west-1" && auditlog_signing_key.this.region == "eu-west-1"
    error_message = "The region is not passed on."
  }

  assert {
    condition     = auditlog_signing_key.this.description == "signs the records"
    error_message = "The description of the key is not passed on."
  }

  assert {
    condition     = auditlog_signing_key.this.on_destroy == "schedule_deletion" && auditlog_signing_key.this.deletion_window_in_days == 7
    error_message = "What a destroy does with the key is not passed on."
  }

  assert {
    condition     = auditlog_signing_key.this.rotation.period_in_days == 365 && length(auditlog_signing_key.this.signers) == 1
    error_message = "The rotation or the signers of the key are not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.logs["orders"].ended.size == 99
    error_message = "The end of a log is not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.logs["payments"].origin == "acme.example/audit/payments"
    error_message = "The origin of the log is not passed on."
  }

  assert {
    condition     = auditlog_bucket.this.storage.expiration == "after_retention" && auditlog_bucket.this.storage.segment_bytes == 1048576
    error_message = "The expiration is not passed on."
  }

  assert {
    condition     = output.key_alias == "alias/records"
    error_message = "The alias of the key is not the one that was given."
  }
}

run "trail_with_a_pipeline" {
  variables {
    object_lock = { mode = "GOVERNANCE", days = 3 }
    logs        = { payments = {}, orders = {} }
    pipelines = {
      payments = {
        url     = "https://sealer.acme.example:9880"
        senders = { payments-api = { program = "fluentd", paths = ["/var/log/payments/*.json"] } }
      }
    }
  }

  assert {
    condition     = data.auditlog_pipeline.this["payments"].senders["payments-api"].program == "fluentd"
    error_message = "The sender is not passed on."
  }

  assert {
    condition     = join(",", keys(output.pipelines)) == "payments"
    error_message = "Files are rendered for the logs that have a pipeline, and for no other."
  }
}

run "trail_with_a_sealer_in_kubernetes" {
  variables {
    object_lock = { mode = "GOVERNANCE", days = 3 }
    logs        = { payments = {} }
    pipelines = {
      payments = {
        url        = "https://auditlog-sealer-payments.audit.svc:9880"
        listen     = "0.0.0.0:9880"
        tls        = { certificate = "/etc/auditlog/tls/tls.crt", key = "/etc/auditlog/tls/tls.key" }
        senders    = { payments-api = { program = "vector", paths = ["/var/log/payments/*.json"] } }
        kubernetes = { image = "images.acme.example/auditlog-sealer:1.0.0", namespace = "audit" }
      }
    }
  }

  assert {
    condition     = strcontains(output.pipelines["payments"].sealer_files["kubernetes.yaml"], "\"kind\": \"StatefulSet\"")
    error_message = "The manifest of the sealer is not rendered."
  }

  assert {
    condition     = strcontains(output.pipelines["payments"].sealer_files["kubernetes.yaml"], "\"name\": \"auditlog-sealer-payments\"")
    error_message = "The sealer does not have the name of its log."
  }
}

run "pipeline_of_an_unknown_log" {
  command = plan

  variables {
    object_lock = { mode = "GOVERNANCE", days = 3 }
    logs        = { payments = {} }
    pipelines   = { paymets = { url = "https://sealer.acme.example:9880", senders = {} } }
  }

  expect_failures = [var.pipelines]
}
