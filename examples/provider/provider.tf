terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source = "auditlog/auditlog"
    }
  }
}

# Credentials come from where the AWS CLI finds them: environment, profile, SSO, the machine's role.
provider "auditlog" {
  region = "eu-central-1"

  default_tags {
    tags = {
      application = "audit"
    }
  }
}
