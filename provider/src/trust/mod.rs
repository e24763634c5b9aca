//! What was declared: spans, keys, and the trust policy made from them.

mod source;

pub use source::{TrustPolicyModel, TrustPolicySource};
