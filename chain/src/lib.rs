//! The format of an audit log that nobody can change unnoticed.
//!
//! (guide to follow)

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

pub mod builder;
pub mod checkpoint;
pub mod event;
pub mod fault;
mod frame;
pub mod hash;
pub mod keys;
pub mod limits;
pub mod line;
pub mod origin;
pub mod policy;
pub mod segment;
pub mod timestamp;
pub mod tree;

#[cfg(test)]
mod tests;
