//! Why a document is not a trust policy.

use super::document::Store;
use crate::limits::MAX_POLICY_BYTES;

/// The one version of the document that this crate knows.
pub const POLICY_VERSION: u64 = 1;

/// Why a document is not a trust policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is larger than [`MAX_POLICY_BYTES`].
    #[error("the trust policy has more than {MAX_POLICY_BYTES} bytes")]
    TooLarge {
        /// Its size in bytes, as far as it was read.
        found: usize,
    },
    /// It is of a version that this program does not know: neither right nor wrong.
    #[error("the trust policy has version {found}, this program knows {POLICY_VERSION}")]
    Unsupported {
        /// Its version.
        found: u64,
    },
    /// It names a kind of store that this program does not know: neither right nor wrong.
    #[error("the trust policy has a store of the kind `{found}`, this program knows {}", Store::KINDS.join(", "))]
    UnsupportedStore {
        /// The kind.
        found: String,
    },
    /// It is what `terraform output -json` writes: the policy is in there, as a JSON string.
    #[error("the trust policy is inside the output of `terraform output -json`")]
    TerraformJson,
    /// It is not JSON of the right shape.
    #[error("the trust policy cannot be read: {reason}")]
    Malformed {
        /// The parser's word for it, with line and column.
        reason: String,
    },
    /// Two of its statements, or one of its values, cannot be.
    #[error("the trust policy is not consistent: {place}: {reason}")]
    Inconsistent {
        /// The path of the value.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

pub(super) fn wrong<T>(place: impl Into<String>, reason: &'static str) -> Result<T, PolicyError> {
    let place = place.into();
    Err(PolicyError::Inconsistent { place, reason })
}
