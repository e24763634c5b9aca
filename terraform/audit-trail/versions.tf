terraform {
  required_version = ">= 1.11"

  required_providers {
    auditlog = {
      source  = "auditlog/auditlog"
      version = ">= 0.1.0"
    }
  }
}
