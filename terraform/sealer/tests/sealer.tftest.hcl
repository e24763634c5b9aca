# No provider, no credentials: the module makes texts of texts.

variables {
  pipeline = {
    trust_policy = "{\"trust_policy\": 1}"
    sealer_toml  = "[[logs]]\npolicy = \"/etc/auditlog/trust-policy.json\"\n"
    sealer_unit  = "[Service]\nTimeoutStopSec=5min\n"
    listen       = "0.0.0.0:9880"
    tls          = { certificate = "/etc/auditlog/tls/sealer.pem", key = "/etc/auditlog/tls/sealer.key", client_ca = "/etc/auditlog/tls/senders.pem" }
    listeners    = { http = 9880, relp = 2514 }
    tokens       = ["payments-api"]
  }
  kubernetes = {
    image     = "images.acme.example/auditlog-sealer:1.0.0"
    namespace = "audit"
    role_arn  = "arn:aws:iam::123456789012:role/sealer"
  }
  container = { image = "images.acme.example/auditlog-sealer:1.0.0" }
}

run "files" {
  assert {
    condition     = join(" ", keys(output.files)) == "Containerfile auditlog-sealer.service compose.yaml kubernetes.yaml sealer.toml trust-policy.json"
    error_message = "Other files are rendered."
  }

  assert {
    condition     = [for text in split("---\n", output.files["kubernetes.yaml"]) : yamldecode(text).kind] == ["ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "StatefulSet"]
    error_message = "Other objects are rendered."
  }

  assert {
    condition     = yamldecode(split("---\n", output.files["kubernetes.yaml"])[4]).spec.replicas == 1
    error_message = "Two sealers of one log stop each other."
  }

  assert {
    condition     = yamldecode(split("---\n", output.files["kubernetes.yaml"])[4]).spec.template.spec.terminationGracePeriodSeconds >= 300
    error_message = "The pod is killed before the sealer has ended."
  }

  assert {
    condition = yamldecode(split("---\n", output.files["kubernetes.yaml"])[4]).spec.template.spec.volumes[0].projected.sources[2].secret == {
      name  = "auditlog-sealer-tls"
      items = [{ key = "ca.crt", path = "tls/senders.pem" }, { key = "tls.crt", path = "tls/sealer.pem" }, { key = "tls.key", path = "tls/sealer.key" }]
    }
    error_message = "The files of TLS are not where sealer.toml expects them."
  }

  assert {
    condition     = yamldecode(output.files["compose.yaml"]).services["auditlog-sealer"].volumes == ["/etc/auditlog:/etc/auditlog:ro", "spool:/var/lib/auditlog"]
    error_message = "The container has another spool or another configuration."
  }
}

run "only_the_unit" {
  variables {
    container  = null
    kubernetes = null
  }

  assert {
    condition     = join(" ", keys(output.files)) == "Containerfile auditlog-sealer.service sealer.toml trust-policy.json"
    error_message = "Other files are rendered."
  }
}

run "loopback_address" {
  command = plan

  variables {
    pipeline = {
      trust_policy = "{}", sealer_toml = "", sealer_unit = "", listeners = { http = 9880 }, tokens = []
    }
  }

  expect_failures = [output.files]
}

run "spool_that_is_a_mount" {
  command = plan

  variables {
    pipeline = {
      trust_policy = "{}", sealer_toml = "", sealer_unit = "", listeners = { http = 9880 }, tokens = []
      listen       = "0.0.0.0:9880", tls = { certificate = "/etc/auditlog/a", key = "/etc/auditlog/b" }, spool = "/spool"
    }
  }

  expect_failures = [output.files]
}

run "tls_elsewhere" {
  command = plan

  variables {
    pipeline = {
      trust_policy = "{}", sealer_toml = "", sealer_unit = "", listeners = { http = 9880 }, tokens = []
      listen       = "0.0.0.0:9880", tls = { certificate = "/etc/ssl/a.pem", key = "/etc/auditlog/b" }
    }
  }

  expect_failures = [output.files]
}

run "image_without_a_version" {
  command = plan

  variables {
    kubernetes = { image = "images.acme.example/auditlog-sealer", namespace = "audit" }
  }

  expect_failures = [var.kubernetes]
}
