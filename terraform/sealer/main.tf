# The files that run a sealer: a unit of systemd, a container, a pod in Kubernetes. They hold no secret: tokens and keys of TLS are put on the
# machine, or into secrets of Kubernetes, by other means.

locals {
  folder = coalesce(var.pipeline.folder, "/etc/auditlog")
  spool  = coalesce(var.pipeline.spool, "/var/lib/auditlog/spool")
  # The volume is above the spool, so that the sealer makes the folder of the spool itself.
  volume = dirname(local.spool)
  # Unit and manifest agree: TimeoutStopSec of the unit.
  seconds_to_end = 300
  # As in the Containerfile.
  user = 65532

  # Without TLS, or on a loopback address, nobody reaches the sealer from another container.
  is_reachable = var.pipeline.tls != null && length(regexall("^(127\\.|\\[::1\\])", coalesce(var.pipeline.listen, "127.0.0.1:9880"))) == 0

  # Names of the files in secrets, as `kubectl create secret tls` and cert-manager have them.
  tls_files = var.pipeline.tls == null ? {} : {
    for key, path in {
      "tls.crt" = var.pipeline.tls.certificate
      "tls.key" = var.pipeline.tls.key
      "ca.crt"  = var.pipeline.tls.client_ca
    } : key => path if path != null
  }
  is_below_folder = alltrue([for path in values(local.tls_files) : startswith(path, "${local.folder}/")])

  containerfile = templatefile("${path.module}/Containerfile.tftpl", {
    folder = local.folder
    volume = local.volume
    user   = local.user
  })

  compose = var.container == null ? {} : { "compose.yaml" = yamlencode(local.composed) }
  pod     = var.kubernetes == null ? {} : { "kubernetes.yaml" = join("---\n", [for object in local.objects : yamlencode(object)]) }

  composed = {
    services = {
      (var.name) = {
        image             = try(var.container.image, "")
        restart           = "on-failure"
        user              = "${local.user}:${local.user}"
        command           = ["run", "--config", "${local.folder}/sealer.toml"]
        read_only         = true
        cap_drop          = ["ALL"]
        security_opt      = ["no-new-privileges:true"]
        stop_signal       = "SIGTERM"
        stop_grace_period = "${local.seconds_to_end}s"
        ports             = [for name, port in var.pipeline.listeners : "${port}:${port}"]
        volumes           = ["${local.folder}:${local.folder}:ro", "spool:${local.volume}"]
        ulimits           = { nofile = 65536 }
      }
    }
    volumes = { spool = {} }
  }
}
