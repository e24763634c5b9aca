//! What was declared: spans, keys, and the trust policy made from them.

mod archive;
pub mod cost;
pub mod document;
pub mod duration;
mod functions;
pub mod keys;
pub mod model;
pub mod preset;
mod source;
pub mod spans;
pub mod values;

pub use archive::{ArchiveModel, TrustPolicyArchiveResource};
pub use functions::{MonthlyCost, RetentionDays};
pub use source::{TrustPolicyModel, TrustPolicySource};
