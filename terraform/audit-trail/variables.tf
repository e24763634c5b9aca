variable "bucket" {
  description = "Name of the bucket. It is unique in all of AWS. Set either it or `bucket_prefix`."
  type        = string
  default     = null
}

variable "bucket_prefix" {
  description = "Beginning of the name of the bucket; the provider adds the rest, so that it is unique. Set either it or `bucket`."
  type        = string
  default     = null
}

variable "region" {
  description = "Region of bucket and key, such as `eu-central-1`. Default: that of the provider."
  type        = string
  default     = null
}

variable "alias" {
  description = "Alias of the signing key, with its `alias/`. Default: `alias/` and `bucket`, or `bucket_prefix` without a `-` at its end."
  type        = string
  default     = null
}

variable "object_lock" {
  description = "Lock of the bucket: `mode`, and `days`, `years` or `preset`. COMPLIANCE also needs `acknowledge_irreversible`."
  type = object({
    mode                     = string
    days                     = optional(number)
    years                    = optional(number)
    preset                   = optional(string)
    acknowledge_irreversible = optional(string)
    notice                   = optional(string)
  })
}

variable "logs" {
  description = "Logs by name, each with arguments of `logs` of auditlog_bucket."
  type = map(object({
    origin      = optional(string)
    prefix      = optional(string)
    writers     = optional(set(string))
    readers     = optional(set(string))
    max_silence = optional(string)
    began       = optional(string)
    lock_spans = optional(list(object({
      from = string
      mode = string
      days = number
    })))
    max_silence_spans = optional(list(object({
      from        = string
      max_silence = string
    })))
    object_lock = optional(object({
      mode   = string
      days   = optional(number)
      years  = optional(number)
      preset = optional(string)
    }))
    ended = optional(object({
      segment   = number
      size      = number
      root      = string
      sealed    = string
      stored    = string
      successor = optional(string)
    }))
  }))
}

variable "pipelines" {
  description = "What sends to a log, by the name of the log: `url` of its sealer and `senders`, each with arguments of auditlog_pipeline, and `container` and `kubernetes` of terraform/sealer, where the sealer runs there. Default: none."
  type = map(object({
    url             = string
    listen          = optional(string)
    folder          = optional(string)
    spool           = optional(string)
    ack             = optional(string)
    tls             = optional(object({ certificate = string, key = string, client_ca = optional(string) }))
    relp_port       = optional(number)
    tcp_port        = optional(number)
    lumberjack_port = optional(number)
    senders = map(object({
      program          = string
      paths            = optional(list(string))
      ca_file          = optional(string)
      certificate      = optional(string)
      key              = optional(string)
      folder           = optional(string)
      buffer_megabytes = optional(number)
      settings         = optional(map(string))
    }))
    container = optional(object({ image = string }))
    kubernetes = optional(object({
      image         = string
      namespace     = string
      role_arn      = optional(string)
      storage_class = optional(string)
      storage       = optional(string)
      memory        = optional(string)
      labels        = optional(map(string))
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for log in keys(var.pipelines) : contains(keys(var.logs), log)])
    error_message = "Each pipeline has the name of one of the logs."
  }
}

variable "administrators" {
  description = "ARNs of the roles that may change bucket and key. Terraform's own role must be among them. Default: IAM alone decides."
  type        = set(string)
  default     = null
}

variable "signers" {
  description = "ARNs of the roles that may sign with the key: the sealers. Default: IAM alone decides."
  type        = set(string)
  default     = null
}

variable "verifiers" {
  description = "ARNs of the roles that may verify signatures with KMS and read the public key. Default: IAM alone decides."
  type        = set(string)
  default     = null
}

variable "key_spec" {
  description = "Kind of the signing key, such as `ECC_NIST_P256`. Default: that of auditlog_signing_key."
  type        = string
  default     = null
}

variable "key_description" {
  description = "Description of the key in KMS. Default: empty."
  type        = string
  default     = null
}

variable "key_on_destroy" {
  description = "What a destroy does with the key: `retain` or `schedule_deletion`. Default: `retain`, which denies signing."
  type        = string
  default     = null
}

variable "key_deletion_window_in_days" {
  description = "Days that KMS waits before it deletes the key after a destroy with `schedule_deletion`, 7 to 30. Default: 30."
  type        = number
  default     = null
}

variable "rotation" {
  description = "When a new version of the key is made: `period_in_days`, `trigger`, and `grace_in_days`. Default: never by itself."
  type = object({
    period_in_days = optional(number)
    trigger        = optional(string)
    grace_in_days  = optional(number)
  })
  default = null
}

variable "lost" {
  description = "Versions of the key that are lost, by number. Default: none."
  type        = map(object({ at = string }))
  default     = null
}

variable "compromised" {
  description = "Versions of the key with which somebody else may have signed, by number. Default: none."
  type = map(object({
    at        = string
    last_good = optional(map(object({ segment = number, size = number, root = string })))
  }))
  default = null
}

variable "break_glass" {
  description = "ARNs of the roles that may delete objects and bypass GOVERNANCE. Default: IAM alone decides."
  type        = set(string)
  default     = null
}

variable "storage" {
  description = "Storage classes and expiration. Default: objects stay in STANDARD and never expire."
  type = object({
    transitions   = optional(list(object({ days = number, storage_class = string })))
    expiration    = optional(string)
    segment_bytes = optional(number)
  })
  default = null
}

variable "encryption" {
  description = "Encryption with a KMS key, which is not the signing key. Default: SSE-S3."
  type = object({
    kms_key_arn        = string
    bucket_key_enabled = optional(bool)
  })
  default = null
}

variable "logging" {
  description = "Server access logs of the bucket, to another bucket. Default: none."
  type = object({
    target_bucket = string
    target_prefix = optional(string)
  })
  default = null
}

variable "log_delivery" {
  description = "Services of AWS that deliver their logs to the bucket, beside the logs above. Default: none."
  type = object({
    cloudtrail     = optional(object({ prefix = optional(string), trails = optional(set(string)) }))
    load_balancers = optional(object({ prefix = optional(string), accounts = optional(set(string)) }))
  })
  default = null
}

variable "declared_prefixes" {
  description = "Prefixes, each ending in `/`, under which the bucket may contain anything else, such as archived trust policies. Default: none."
  type        = list(string)
  default     = null
}

variable "extra_policy_json" {
  description = "Policy document whose statements are added to the bucket policy. Default: none."
  type        = string
  default     = null
}

variable "lock_spans" {
  description = "Locks that the bucket had over time, only for an import of a bucket whose tags do not hold them. Default: what was declared."
  type        = list(object({ from = string, mode = string, days = number }))
  default     = null
}

variable "on_destroy" {
  description = "What a destroy does with the bucket: `refuse`, `forget` or `empty`. Default: `refuse`."
  type        = string
  default     = null
}

variable "allow_weakening" {
  description = "Changes that weaken the bucket and are meant, in the words of the error that asks for them."
  type        = list(string)
  default     = null
}

variable "acknowledged" {
  description = "Findings that a person has explained, each as the JSON object that the verifier prints. Default: none."
  type        = list(string)
  default     = null
}

variable "tags" {
  description = "Tags of bucket and key."
  type        = map(string)
  default     = null
}
