# The rules beside this file, for one trail. It needs the AWS provider besides ours; give the topic a subscription.

variable "bucket" {
  description = "Name of the audit bucket."
  type        = string
}

variable "signing_keys" {
  description = "ARNs of all versions of the signing key, and that of its alias."
  type        = list(string)
}

variable "topic_arn" {
  description = "ARN of the SNS topic that wakes somebody up. Its policy has to let events.amazonaws.com and cloudwatch.amazonaws.com publish."
  type        = string
}

locals {
  examples = {
    signing-key = jsondecode(file("${path.module}/signing-key.json"))
    bucket      = jsondecode(file("${path.module}/bucket.json"))
    objects     = jsondecode(file("${path.module}/objects.json"))
    watchers    = jsondecode(file("${path.module}/watchers.json"))
  }
  # The same rules for this trail.
  of_this_trail = {
    signing-key = { resources = { ARN = var.signing_keys } }
    bucket      = { requestParameters = { bucketName = [var.bucket] } }
    objects     = { requestParameters = { bucketName = [var.bucket] } }
    watchers    = {} # every rule and every trail of the account and region
  }
  rules = {
    for name, rule in local.examples : name => merge(rule, { detail = merge(rule.detail, local.of_this_trail[name]) })
  }
  silence = jsondecode(file("${path.module}/silence.json"))
}

output "rules" {
  description = "Event pattern of each rule, as JSON."
  value       = { for name, rule in local.rules : name => jsonencode(rule) }
}
