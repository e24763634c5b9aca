variable "pipeline" {
  description = "The pipeline of the sealer: an `auditlog_pipeline` as it is."
  type = object({
    trust_policy = string
    sealer_toml  = string
    sealer_unit  = string
    folder       = optional(string)
    spool        = optional(string)
    listen       = optional(string)
    tls          = optional(object({ certificate = string, key = string, client_ca = optional(string) }))
    listeners    = map(number)
    tokens       = list(string)
  })
}

variable "name" {
  description = "Name of the container and of what Kubernetes calls the sealer. Default: `auditlog-sealer`."
  type        = string
  default     = "auditlog-sealer"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$", var.name))
    error_message = "A name has 1 to 42 small letters, digits and dashes, and begins with a letter."
  }
}

variable "container" {
  description = "A container on one machine: `image`, as the rendered Containerfile builds it. Default: no `compose.yaml`."
  type        = object({ image = string })
  default     = null
}

variable "kubernetes" {
  description = "A pod in Kubernetes: `image` and `namespace`; `role_arn` for the role of its service account, `storage_class` and `storage` of the spool, `memory` at most, and `labels`. Default: no `kubernetes.yaml`."
  type = object({
    image         = string
    namespace     = string
    role_arn      = optional(string)
    storage_class = optional(string)
    storage       = optional(string, "20Gi")
    memory        = optional(string, "1Gi")
    labels        = optional(map(string), {})
  })
  default = null

  validation {
    condition     = try(can(regex("[:@][^/]+$", var.kubernetes.image)) && !endswith(var.kubernetes.image, ":latest"), var.kubernetes == null)
    error_message = "Name the image with a version or a digest, so that the same sealer starts again."
  }
}
