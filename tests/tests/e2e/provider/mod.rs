//! The provider, with the real Terraform CLI and real S3 and KMS endpoints.

mod access;
mod bucket;
mod config;
mod docs;
mod faults;
mod key;
mod policy;
pub(crate) mod stack;
