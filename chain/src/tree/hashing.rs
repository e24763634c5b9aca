//! The hashes of RFC 6962 section 2.1. A leaf and an inner node never have the same input.

use crate::hash::{Hash, hash_node, hash_parts};

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_node(left, right)
}

/// The root of the tree without leaves: the hash of the empty string.
pub fn empty_root() -> Hash {
    hash_parts(&[])
}
