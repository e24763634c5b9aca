//! The trust policy in Terraform: the data source that declares one in its long form, the archive of it, and functions.

mod archive;
mod functions;
mod source;

pub use archive::{ArchiveModel, TrustPolicyArchiveResource};
pub use functions::{MonthlyCost, RetentionDays};
pub use source::{TrustPolicyModel, TrustPolicySource};
