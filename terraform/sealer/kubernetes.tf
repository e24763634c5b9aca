# One pod with a spool of its own, and what it needs. The spool is kept when the rest is removed.

locals {
  namespace = try(var.kubernetes.namespace, "")
  labels    = merge(try(var.kubernetes.labels, {}), { "app.kubernetes.io/name" = var.name })
  metadata  = { name = var.name, namespace = local.namespace, labels = local.labels }
  selector  = { "app.kubernetes.io/name" = var.name }
  annotations = try(var.kubernetes.role_arn, null) == null ? {} : {
    "eks.amazonaws.com/role-arn" = var.kubernetes.role_arn
  }

  # One volume, so that what is in the folder comes from several places.
  sources = concat(
    [{ configMap = { name = var.name } }],
    length(var.pipeline.tokens) == 0 ? [] : [{
      secret = {
        name  = "${var.name}-tokens"
        items = [for source in var.pipeline.tokens : { key = source, path = "tokens/${source}" }]
      }
    }],
    length(local.tls_files) == 0 ? [] : [{
      secret = {
        name  = "${var.name}-tls"
        items = [for key, path in local.tls_files : { key = key, path = trimprefix(path, "${local.folder}/") }]
      }
    }],
  )

  probe = { scheme = "HTTPS", port = "http" }

  container = {
    name            = "sealer"
    image           = try(var.kubernetes.image, "")
    imagePullPolicy = "IfNotPresent"
    command         = ["/usr/local/bin/auditlog-seal"]
    args            = ["run", "--config", "${local.folder}/sealer.toml"]
    ports           = [for name, port in var.pipeline.listeners : { name = name, containerPort = port }]
    # It answers at once; until it has found the head of each log, it is not ready.
    startupProbe = {
      httpGet          = merge(local.probe, { path = "/healthz" })
      periodSeconds    = 5
      failureThreshold = 60
    }
    readinessProbe = {
      httpGet          = merge(local.probe, { path = "/readyz" })
      periodSeconds    = 10
      timeoutSeconds   = 5
      failureThreshold = 3
    }
    # WatchdogSec of the unit: two minutes without an answer.
    livenessProbe = {
      httpGet          = merge(local.probe, { path = "/healthz" })
      periodSeconds    = 20
      timeoutSeconds   = 10
      failureThreshold = 6
    }
    resources = {
      requests = { cpu = "100m", memory = "256Mi" }
      limits   = { memory = try(var.kubernetes.memory, "") }
    }
    securityContext = {
      allowPrivilegeEscalation = false
      privileged               = false
      readOnlyRootFilesystem   = true
      capabilities             = { drop = ["ALL"] }
    }
    volumeMounts = [
      { name = "configuration", mountPath = local.folder, readOnly = true },
      { name = "spool", mountPath = local.volume },
    ]
  }

  claim = merge(
    {
      # One pod at a time, wherever it runs.
      accessModes = ["ReadWriteOncePod"]
      resources   = { requests = { storage = try(var.kubernetes.storage, "") } }
    },
    try(var.kubernetes.storage_class, null) == null ? {} : { storageClassName = var.kubernetes.storage_class },
  )

  objects = [
    {
      apiVersion                   = "v1"
      kind                         = "ServiceAccount"
      metadata                     = merge(local.metadata, { annotations = local.annotations })
      automountServiceAccountToken = false
    },
    {
      apiVersion = "v1"
      kind       = "ConfigMap"
      metadata   = local.metadata
      data = {
        "sealer.toml"       = var.pipeline.sealer_toml
        "trust-policy.json" = var.pipeline.trust_policy
      }
    },
    {
      apiVersion = "v1"
      kind       = "Service"
      metadata   = local.metadata
      spec = {
        selector = local.selector
        ports    = [for name, port in var.pipeline.listeners : { name = name, port = port, targetPort = name }]
      }
    },
    {
      apiVersion = "networking.k8s.io/v1"
      kind       = "NetworkPolicy"
      metadata   = local.metadata
      spec = {
        podSelector = { matchLabels = local.selector }
        policyTypes = ["Ingress"]
        ingress     = [{ ports = [for name, port in var.pipeline.listeners : { protocol = "TCP", port = port }] }]
      }
    },
    {
      apiVersion = "apps/v1"
      kind       = "StatefulSet"
      metadata   = local.metadata
      spec = {
        serviceName = var.name
        # Two sealers of one log stop each other.
        replicas       = 1
        selector       = { matchLabels = local.selector }
        updateStrategy = { type = "RollingUpdate" }
        # What was accepted and is not stored is nowhere else.
        persistentVolumeClaimRetentionPolicy = { whenDeleted = "Retain", whenScaled = "Retain" }
        volumeClaimTemplates                 = [{ metadata = { name = "spool" }, spec = local.claim }]
        template = {
          metadata = {
            labels = local.labels
            # A change of sealer.toml needs a restart. The trust policy is read again while the sealer runs.
            annotations = { "auditlog/sealer-toml-sha256" = sha256(var.pipeline.sealer_toml) }
          }
          spec = {
            serviceAccountName           = var.name
            automountServiceAccountToken = false
            enableServiceLinks           = false
            # Open requests are answered and what was accepted is sealed. What is left over is in the spool.
            terminationGracePeriodSeconds = local.seconds_to_end
            securityContext = {
              runAsNonRoot        = true
              runAsUser           = local.user
              runAsGroup          = local.user
              fsGroup             = local.user
              fsGroupChangePolicy = "OnRootMismatch"
              seccompProfile      = { type = "RuntimeDefault" }
            }
            containers = [local.container]
            volumes    = [{ name = "configuration", projected = { defaultMode = 288, sources = local.sources } }]
          }
        }
      }
    },
  ]
}
