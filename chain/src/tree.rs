//! The RFC 6962 tree over all lines of a log (F11).
//!
//! [`CompactRange`] is all that is needed to go on with a tree: the roots of its full subtrees. [`check_inclusion`] and [`check_consistency`] check
//! what others prove of a tree; [`Grown`] and [`Consistency`] prove it.

mod growing;
mod hashing;
mod proof;
mod prove;
mod range;

pub(crate) use growing::GrowingRange;
pub use hashing::{empty_root, node_hash};
pub use proof::{ProofFault, TreeHead, check_consistency, check_inclusion};
pub use prove::{Consistency, Grown};
pub use range::CompactRange;
