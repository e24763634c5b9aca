//! A Terraform plugin framework: protocol 6 on tonic.
