output "trust_policy" {
  description = "Trust policy as JSON, for `auditlog-seal` and `auditlog-verify`. Keep it out of the writer's reach."
  value       = auditlog_bucket.this.trust_policy
}

output "trust_policy_sha256" {
  description = "SHA-256 of the trust policy, in hex."
  value       = auditlog_bucket.this.trust_policy_sha256
}

output "bucket" {
  description = "Name of the bucket."
  value       = auditlog_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = auditlog_bucket.this.arn
}

output "key_arn" {
  description = "ARN of the key that signs now."
  value       = auditlog_signing_key.this.arn
}

output "key_alias" {
  description = "Alias of the signing key, for `auditlog-seal --kms-key`."
  value       = auditlog_signing_key.this.alias
}

output "pipelines" {
  description = "Files by the name of the log: `sealer_toml` for `auditlog-seal run`, `sealer_unit` for systemd, `sealer_files` for a container and Kubernetes, `files` for the senders, and `limits`, what each sender cannot promise."
  value = {
    for log, pipeline in data.auditlog_pipeline.this : log => {
      sealer_toml  = pipeline.sealer_toml
      sealer_unit  = pipeline.sealer_unit
      sealer_files = module.sealer[log].files
      files        = pipeline.files
      limits       = pipeline.limits
    }
  }
}
