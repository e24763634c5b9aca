//! The resources and data sources of the `auditlog` Terraform provider.
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

pub mod aws;
pub mod bucket;
mod bucket_name;
mod bucket_plan;
pub mod error;
pub mod provider;
pub mod signing_key;
mod tags;
pub mod trust_policy;
