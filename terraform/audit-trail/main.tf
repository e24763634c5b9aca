# One audit trail: the key that signs, the bucket that locks, the logs in it, and the files of what sends to them.

resource "auditlog_signing_key" "this" {
  alias                   = coalesce(var.alias, "alias/${coalesce(var.bucket, trimsuffix(coalesce(var.bucket_prefix, "audit"), "-"))}")
  region                  = var.region
  key_spec                = var.key_spec
  description             = var.key_description
  administrators          = var.administrators
  signers                 = var.signers
  verifiers               = var.verifiers
  rotation                = var.rotation
  lost                    = var.lost
  compromised             = var.compromised
  on_destroy              = var.key_on_destroy
  deletion_window_in_days = var.key_deletion_window_in_days
  tags                    = var.tags
}

resource "auditlog_bucket" "this" {
  bucket            = var.bucket
  bucket_prefix     = var.bucket_prefix
  region            = var.region
  object_lock       = var.object_lock
  administrators    = var.administrators
  break_glass       = var.break_glass
  encryption        = var.encryption
  storage           = var.storage
  logging           = var.logging
  log_delivery      = var.log_delivery
  declared_prefixes = var.declared_prefixes
  extra_policy_json = var.extra_policy_json
  allow_weakening   = var.allow_weakening
  acknowledged      = var.acknowledged
  lock_spans        = var.lock_spans
  on_destroy        = var.on_destroy
  tags              = var.tags
  logs              = { for name, log in var.logs : name => merge(log, { signing_key = auditlog_signing_key.this.trust }) }
}

data "auditlog_pipeline" "this" {
  for_each        = var.pipelines
  trust_policy    = auditlog_bucket.this.trust_policy
  origin          = auditlog_bucket.this.logs[each.key].origin
  url             = each.value.url
  listen          = each.value.listen
  folder          = each.value.folder
  spool           = each.value.spool
  ack             = each.value.ack
  tls             = each.value.tls
  relp_port       = each.value.relp_port
  tcp_port        = each.value.tcp_port
  lumberjack_port = each.value.lumberjack_port
  senders         = each.value.senders
}

module "sealer" {
  source     = "../sealer"
  for_each   = var.pipelines
  name       = "auditlog-sealer-${lower(replace(each.key, "/[^a-zA-Z0-9]/", "-"))}"
  pipeline   = data.auditlog_pipeline.this[each.key]
  container  = each.value.container
  kubernetes = each.value.kubernetes
}
