//! Inclusion and consistency proofs of RFC 6962 section 2.1, checked. [`prove`](super::prove) makes them.
//!
//! A proof is a list of hashes, the leaf's sibling first. Its length follows from the sizes alone, so a proof that is longer or shorter than that is
//! refused before anything is hashed.

use super::hashing::{empty_root, node_hash};
use crate::hash::Hash;

/// A tree by its size and its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over the leaves `[0, size)`.
    pub root: Hash,
}

/// Why a proof does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The tree has no leaf with this index.
    #[error("index {index} is not below the tree's size {size}")]
    IndexOutside {
        /// The index.
        index: u64,
        /// Number of leaves.
        size: u64,
    },
    /// The first tree is larger than the second.
    #[error("the first tree has {first} leaves, more than the {second} of the second")]
    SizesReversed {
        /// Number of leaves of the first tree.
        first: u64,
        /// Number of leaves of the second tree.
        second: u64,
    },
    /// The first tree is empty and the second is not. Every tree begins with the empty one, so a proof of it shows nothing.
    #[error("the first tree is empty, so a proof shows nothing")]
    FromEmpty,
    /// The proof has more or fewer hashes than the sizes ask for.
    #[error("the proof has {found} hashes, expected {expected}")]
    Length {
        /// How many the sizes ask for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The hashes give another root.
    #[error("the proof gives root {found} for size {size}, expected {expected}")]
    RootMismatch {
        /// Number of leaves of the tree.
        size: u64,
        /// Its root.
        expected: Hash,
        /// The root that the proof gives.
        found: Hash,
    },
}

/// Checks that a leaf is at this index of a tree (RFC 6962 section 2.1.1).
///
/// # Errors
///
/// Says why the proof does not show it.
pub fn check_inclusion(
    leaf: Hash,
    index: u64,
    proof: &[Hash],
    head: TreeHead,
) -> Result<(), ProofFault> {
    let path = Path::of(index, head.size).ok_or(ProofFault::IndexOutside {
        index,
        size: head.size,
    })?;
    same_length(path.inner.saturating_add(path.border), proof.len())?;
    let (inner, border) = proof.split_at_checked(path.inner).unwrap_or((proof, &[]));
    let root = chain_left(chain(leaf, inner, index), border);
    same_root(head, root)
}

/// Checks that one tree begins with the other (RFC 6962 section 2.1.2).
///
/// Equal sizes need equal roots and an empty proof. A proof from the empty tree to another is refused, since it would show nothing.
///
/// # Errors
///
/// Says why the proof does not show it.
pub fn check_consistency(
    first: TreeHead,
    second: TreeHead,
    proof: &[Hash],
) -> Result<(), ProofFault> {
    if first.size > second.size {
        let (first, second) = (first.size, second.size);
        return Err(ProofFault::SizesReversed { first, second });
    }
    if first.size == second.size {
        same_length(0, proof.len())?;
        if first.size == 0 {
            same_root(first, empty_root())?;
        }
        return same_root(second, first.root);
    }
    let last = first.size.checked_sub(1).ok_or(ProofFault::FromEmpty)?;
    // The path of the first tree's last leaf, from the largest full subtree that ends with it.
    let full = first.size.trailing_zeros();
    let path = Path::of(last, second.size).ok_or(ProofFault::FromEmpty)?;
    let inner_len = path.inner.saturating_sub(to_usize(full));
    let given = usize::from(!first.size.is_power_of_two());
    let expected = given.saturating_add(inner_len).saturating_add(path.border);
    same_length(expected, proof.len())?;
    let (seed, rest) = match proof.split_first() {
        // The first tree is that subtree, so the proof leaves it out.
        Some((seed, rest)) if given == 1 => (*seed, rest),
        _ => (first.root, proof),
    };
    let (inner, border) = rest.split_at_checked(inner_len).unwrap_or((rest, &[]));
    let index = last.checked_shr(full).unwrap_or(0);
    same_root(first, chain_left(chain_left_of(seed, inner, index), border))?;
    same_root(second, chain_left(chain(seed, inner, index), border))
}

/// How many hashes the path of a leaf has: up to where it meets the path of the last leaf, and from there on.
struct Path {
    inner: usize,
    border: usize,
}

impl Path {
    /// The path of a leaf in a tree; `None` where the tree does not have it.
    fn of(index: u64, size: u64) -> Option<Self> {
        let last = size.checked_sub(1).filter(|last| index <= *last)?;
        let inner = u64::BITS.saturating_sub((index ^ last).leading_zeros());
        let border = index.checked_shr(inner).unwrap_or(0).count_ones();
        Some(Self {
            inner: to_usize(inner),
            border: to_usize(border),
        })
    }
}

fn to_usize(bits: u32) -> usize {
    usize::try_from(bits).unwrap_or(usize::MAX)
}

/// From a node upwards: where its index on a level is odd, the hash of that level is on its left.
fn chain(seed: Hash, proof: &[Hash], index: u64) -> Hash {
    (0..).zip(proof).fold(seed, |node, (level, hash)| {
        if is_right(index, level) {
            node_hash(hash, &node)
        } else {
            node_hash(&node, hash)
        }
    })
}

/// The same without the hashes on the right: the tree as it was before they were there.
fn chain_left_of(seed: Hash, proof: &[Hash], index: u64) -> Hash {
    let left = (0..)
        .zip(proof)
        .filter(|(level, _)| is_right(index, *level));
    left.fold(seed, |node, (_, hash)| node_hash(hash, &node))
}

/// From a node on the right border upwards: every hash is on its left.
fn chain_left(seed: Hash, proof: &[Hash]) -> Hash {
    proof.iter().fold(seed, |node, hash| node_hash(hash, &node))
}

fn is_right(index: u64, level: u32) -> bool {
    index.checked_shr(level).unwrap_or(0) & 1 == 1
}

fn same_length(expected: usize, found: usize) -> Result<(), ProofFault> {
    if expected == found {
        Ok(())
    } else {
        Err(ProofFault::Length { expected, found })
    }
}

fn same_root(head: TreeHead, found: Hash) -> Result<(), ProofFault> {
    if head.root == found {
        return Ok(());
    }
    let (size, expected) = (head.size, head.root);
    Err(ProofFault::RootMismatch {
        size,
        expected,
        found,
    })
}
