//! The RFC 6962 tree over all lines of a log (F11).
//!
//! [`CompactRange`] is all that is needed to go on with a tree: the roots of its full subtrees.

mod hashing;
mod range;

pub use hashing::{empty_root, node_hash};
pub use range::CompactRange;
