//! What was declared: spans, keys, and the trust policy made from them.

pub mod document;
pub mod duration;
pub mod keys;
pub mod model;
pub mod preset;
mod source;
pub mod spans;
pub mod values;

pub use source::{TrustPolicyModel, TrustPolicySource};
