output "files" {
  description = "Files by their names: `auditlog-sealer.service`, `Containerfile`, and `compose.yaml` and `kubernetes.yaml` where they were asked for. They hold no secret."
  value = merge(
    {
      "auditlog-sealer.service" = var.pipeline.sealer_unit
      "Containerfile"           = local.containerfile
      "sealer.toml"             = var.pipeline.sealer_toml
      "trust-policy.json"       = var.pipeline.trust_policy
    },
    local.compose,
    local.pod,
  )

  precondition {
    condition     = local.is_reachable || (var.container == null && var.kubernetes == null)
    error_message = "Nobody reaches a sealer in a container that has no TLS or listens on a loopback address. Set `tls` and `listen` of the pipeline, such as \"0.0.0.0:9880\"."
  }

  precondition {
    condition     = var.kubernetes == null || local.is_below_folder
    error_message = "In Kubernetes, the files of `tls` are in the folder of the sealer: ${local.folder}."
  }

  precondition {
    condition     = local.volume != "/" && !startswith("${local.folder}/", "${local.volume}/") && !startswith("${local.volume}/", "${local.folder}/")
    error_message = "The spool has a folder of its own above it, which is the volume, such as /var/lib/auditlog for /var/lib/auditlog/spool."
  }
}
