# Three ways to verify a trail: a check that warns at each plan, a postcondition that stops an apply, and a job every night with pins, which
# alone notices that the log became shorter.

terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

# A log without a segment has nothing to verify: true once the sealer has started.
variable "sealing" {
  type    = bool
  default = false
}

# Changes with each release.
variable "release" {
  type    = string
  default = "1"
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-verified"

  lifecycle {
    prevent_destroy = true
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "acme-verified"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
}

# 1. At each plan, the last segments of each log. A check warns, and the apply goes on.
data "auditlog_verification" "audit" {
  count        = var.sealing ? 1 : 0
  trust_policy = auditlog_bucket.audit.trust_policy
}

check "audit_trail" {
  assert {
    condition     = alltrue(data.auditlog_verification.audit[*].verified)
    error_message = join("\n", concat(["The audit trail does not verify."], data.auditlog_verification.audit[*].summary))
  }
}

# 2. All segments before each release. Whatever depends on it is not changed.
data "auditlog_verification" "before_release" {
  count         = var.sealing ? 1 : 0
  trust_policy  = auditlog_bucket.audit.trust_policy
  depth         = "full"
  timeout       = "5m"
  max_megabytes = 2000

  lifecycle {
    postcondition {
      condition     = self.verified
      error_message = "The audit trail does not verify: ${self.summary}"
    }
  }
}

resource "terraform_data" "release" {
  input      = var.release
  depends_on = [data.auditlog_verification.before_release]
}

# 3. Every night, on a machine that the writer of the log does not control.
locals {
  service = <<-EOT
    # Verifies acme-verified. Rendered by Terraform, do not edit.
    [Unit]
    Description=auditlog verification
    Wants=network-online.target
    After=network-online.target
    # Alarm on it: another unit of yours.
    OnFailure=auditlog-alarm.service

    [Service]
    Type=oneshot
    ExecStart=/usr/local/bin/auditlog-verify --policy /etc/auditlog/trust-policy.json --pins /var/lib/auditlog-verify/pins.json --report /var/lib/auditlog-verify/report.html --report /var/lib/auditlog-verify/report.json
    User=auditlog-verify
    StateDirectory=auditlog-verify
    StateDirectoryMode=0700
    UMask=0077
    NoNewPrivileges=yes
    CapabilityBoundingSet=
    ProtectSystem=strict
    ProtectHome=yes
    PrivateTmp=yes
    PrivateDevices=yes
  EOT

  timer = <<-EOT
    # Verifies acme-verified every night. Rendered by Terraform, do not edit.
    [Unit]
    Description=auditlog verification every night

    [Timer]
    OnCalendar=*-*-* 03:00:00
    RandomizedDelaySec=30min
    # A night in which the machine was off is not left out.
    Persistent=yes

    [Install]
    WantedBy=timers.target
  EOT
}

output "nightly" {
  value = {
    "auditlog-verify.service" = local.service
    "auditlog-verify.timer"   = local.timer
    "trust-policy.json"       = auditlog_bucket.audit.trust_policy
  }
}

output "release" {
  value = terraform_data.release.output
}
