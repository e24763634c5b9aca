//! The `auditlog` Terraform provider: the bucket, the signing key and the trust policy of an audit trail.
//!
//! The crate has two halves. [`aws`] is plain functions over the AWS SDK: what a bucket or a key is, what it should be,
//! and how to get from one to the other, again and again, until it is so. It knows nothing of Terraform. The rest is one
//! file a resource: schema, model, and operations of a few lines that call the plain functions and turn an
//! [`error::Error`] into what Terraform shows.
//!
//! It makes what a trail needs and looks after it. It never writes to a log. It deletes objects and bypasses their locks
//! only where a bucket with `on_destroy = "empty"` is destroyed.
//!
//! The rules can be used without Terraform or AWS:
//!
//! ```
//! use terraform_provider_auditlog::aws::{Period, format_tls_only_policy, policies_agree};
//!
//! // a default retention in years is 365 days each, as S3 counts them
//! assert_eq!(Period::Years(7).days(), 2555);
//!
//! // the bucket policy is drift only if it means something else
//! let ours = format_tls_only_policy("aws", "acme-audit-trail");
//! let reordered = ours.replace("\"Version\":\"2012-10-17\"", "\"Version\": \"2012-10-17\"");
//! assert!(policies_agree(&ours, &reordered));
//! assert!(!policies_agree(&ours, &ours.replace("Deny", "Allow")));
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason
)]

pub mod account;
pub mod aws;
pub mod bucket;
mod diagnostic;
pub mod error;
pub mod iam_policy;
mod lockout;
pub mod pipeline;
pub mod provider;
#[cfg(test)]
mod random;
pub mod region;
pub mod signing_key;
mod tags;
pub mod trust;
pub mod trust_policy;
pub mod verification;
