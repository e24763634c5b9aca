//! The resources and data sources of the `auditlog` Terraform provider.
