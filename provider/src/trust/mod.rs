//! What was declared: spans, keys, and the trust policy made from them.

pub mod duration;
pub mod keys;
pub mod preset;
mod source;
pub mod spans;

pub use source::{TrustPolicyModel, TrustPolicySource};
