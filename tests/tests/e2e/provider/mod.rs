//! The provider, with the real Terraform CLI and real S3 and KMS endpoints.

mod access;
mod archive;
mod bucket;
mod changes;
mod config;
mod docs;
mod faults;
mod iam;
mod key;
pub(crate) mod logs;
mod module;
mod network;
mod on_destroy;
mod parts;
mod pipeline;
mod plans;
mod policy;
mod requests;
mod signin;
mod soak;
pub(crate) mod stack;
mod stacks;
mod tags;
mod takeover;
mod verification;
mod wire;
