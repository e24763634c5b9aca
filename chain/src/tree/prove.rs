//! Making proofs. Nothing is stored for them: a segment has the compact range over everything before it and its own leaves, and these give the
//! inclusion proof of each of its lines under its own head. The range at a head and the lines after it give the consistency proof from that head to
//! any later one.

use super::hashing::node_hash;
use super::proof::TreeHead;
use super::range::CompactRange;
use crate::hash::Hash;

/// A tree of which the first leaves are known by their compact range alone, and those after it one by one.
///
/// Memory: two hashes a leaf.
#[derive(Clone, Debug)]
pub struct Grown {
    before: CompactRange,
    levels: Vec<Level>,
    head: TreeHead,
}

/// The full subtrees of one height that are known, one after the other.
#[derive(Clone, Debug)]
struct Level {
    /// Number of the first one, counted from the tree's beginning.
    first: u64,
    roots: Vec<Hash>,
}

impl Grown {
    /// The tree over everything in `before` and these leaves; `None` where it would have more than 2^53.
    pub fn new(before: CompactRange, leaves: Vec<Hash>) -> Option<Self> {
        let mut range = before.clone();
        leaves.iter().try_for_each(|leaf| range.append(*leaf))?;
        let head = TreeHead {
            size: range.size(),
            root: range.root(),
        };
        let mut levels = vec![Level {
            first: before.size(),
            roots: leaves,
        }];
        while let Some(level) = levels.last().filter(|level| !level.roots.is_empty()) {
            let height = u32::try_from(levels.len()).ok()?.checked_sub(1)?;
            let above = level.above(before.root_of_height(height));
            levels.push(above);
        }
        Some(Self {
            before,
            levels,
            head,
        })
    }

    /// Size and root.
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The inclusion proof of a leaf that is known, under [`Grown::head`]; `None` for any other.
    pub fn prove_inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        if index < self.before.size() {
            return None;
        }
        let pieces = inclusion_pieces(index, self.head.size)?;
        pieces
            .into_iter()
            .map(|(begin, end)| self.root_over(begin, end))
            .collect()
    }

    /// The root over the leaves `[begin, end)`, which are a full subtree or the right end of the tree.
    fn root_over(&self, begin: u64, end: u64) -> Option<Hash> {
        let count = end.checked_sub(begin)?;
        if count.is_power_of_two() {
            return self.full_root(begin, count.trailing_zeros());
        }
        let half = split(count)?;
        let middle = begin.checked_add(half)?;
        let left = self.full_root(begin, half.trailing_zeros())?;
        Some(node_hash(&left, &self.root_over(middle, end)?))
    }

    fn full_root(&self, begin: u64, height: u32) -> Option<Hash> {
        if begin.checked_add(1u64.checked_shl(height)?)? <= self.before.size() {
            return self.before.root_of_height(height);
        }
        let level = self.levels.get(usize::try_from(height).ok()?)?;
        let at = begin.checked_shr(height)?.checked_sub(level.first)?;
        level.roots.get(usize::try_from(at).ok()?).copied()
    }
}

impl Level {
    /// The level above this one. `left` is the root of this height that the range before the leaves has: where the first root here is a right child,
    /// its sibling.
    fn above(&self, left: Option<Hash>) -> Self {
        let left = left.filter(|_| self.first & 1 == 1);
        let roots: Vec<Hash> = left.iter().chain(&self.roots).copied().collect();
        let (pairs, _) = roots.as_chunks::<2>();
        Self {
            first: self.first >> 1,
            roots: pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect(),
        }
    }
}

/// Makes the consistency proof from a tree to a larger one, leaf by leaf, in memory that does not grow with the leaves.
#[derive(Clone, Debug)]
pub struct Consistency {
    before: CompactRange,
    size: u64,
    /// The parts of the larger tree after the smaller one, in order: where each ends.
    ends: Vec<u64>,
    done: Vec<Hash>,
    part: CompactRange,
}

impl Consistency {
    /// For a proof from the tree in `before` to one with `size` leaves; `None` where `before` is empty, or larger than that.
    pub fn new(before: CompactRange, size: u64) -> Option<Self> {
        if before.size() == 0 || before.size() > size {
            return None;
        }
        let pieces = consistency_pieces(before.size(), size)?;
        let mut ends: Vec<u64> = pieces.into_iter().map(|(_, end)| end).collect();
        ends.retain(|end| *end > before.size());
        ends.sort_unstable();
        Some(Self {
            before,
            size,
            ends,
            done: Vec::new(),
            part: CompactRange::empty(),
        })
    }

    /// Adds the next leaf after the smaller tree; `None` where the larger tree is complete.
    pub fn append(&mut self, leaf: Hash) -> Option<()> {
        let end = *self.ends.get(self.done.len())?;
        self.part.append(leaf)?;
        let begin = match self.done.len().checked_sub(1) {
            Some(last) => *self.ends.get(last)?,
            None => self.before.size(),
        };
        if begin.checked_add(self.part.size())? == end {
            self.done.push(self.part.root());
            self.part = CompactRange::empty();
        }
        Some(())
    }

    /// The proof; `None` where leaves are missing.
    pub fn finish(&self) -> Option<Vec<Hash>> {
        let root_of = |(begin, end): (u64, u64)| match self.ends.binary_search(&end) {
            Ok(at) => self.done.get(at).copied(),
            Err(_) => self
                .before
                .root_of_height(end.checked_sub(begin)?.trailing_zeros()),
        };
        consistency_pieces(self.before.size(), self.size)?
            .into_iter()
            .map(root_of)
            .collect()
    }
}

/// The largest power of two below `count`, which is at least 2 (RFC 6962 section 2.1).
fn split(count: u64) -> Option<u64> {
    let below = count.checked_sub(1)?;
    below.checked_ilog2().and_then(|log| 1u64.checked_shl(log))
}

/// `PATH(m, D[n])` of RFC 6962 section 2.1.1: the leaves under each hash, the leaf's sibling first.
fn inclusion_pieces(index: u64, size: u64) -> Option<Vec<(u64, u64)>> {
    let (mut begin, mut end) = (0u64, size);
    if index >= end {
        return None;
    }
    let mut pieces = Vec::new();
    while end.checked_sub(begin)? > 1 {
        let middle = begin.checked_add(split(end.checked_sub(begin)?)?)?;
        if index < middle {
            pieces.push((middle, end));
            end = middle;
        } else {
            pieces.push((begin, middle));
            begin = middle;
        }
    }
    pieces.reverse();
    Some(pieces)
}

/// `PROOF(m, D[n])` of RFC 6962 section 2.1.2: the leaves under each hash, in the order of the proof.
fn consistency_pieces(first: u64, second: u64) -> Option<Vec<(u64, u64)>> {
    let (mut begin, mut end) = (0u64, second);
    let mut pieces = Vec::new();
    while end != first {
        let middle = begin.checked_add(split(end.checked_sub(begin)?)?)?;
        if first <= middle {
            pieces.push((middle, end));
            end = middle;
        } else {
            pieces.push((begin, middle));
            begin = middle;
        }
    }
    // The smaller tree itself is left out: its root is known.
    if begin > 0 {
        pieces.push((begin, end));
    }
    pieces.reverse();
    Some(pieces)
}

#[cfg(test)]
mod tests;
