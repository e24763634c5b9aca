//! A range that leaves are added to one by one, and whose nodes are hashed many at once.

use super::range::CompactRange;
use crate::hash::Hash;
use crate::limits::MAX_INDEX;

/// Most leaves that wait. Enough to keep all lanes busy on most levels of the tree.
const MOST_WAITING: usize = 4096;

/// A compact range and the leaves after it that are not in it yet.
#[derive(Clone, Debug)]
pub(crate) struct GrowingRange {
    settled: CompactRange,
    waiting: Vec<[u8; 32]>,
}

impl GrowingRange {
    pub(crate) const fn new(range: CompactRange) -> Self {
        Self {
            settled: range,
            waiting: Vec::new(),
        }
    }

    /// Number of leaves, with those that wait.
    pub(crate) fn size(&self) -> u64 {
        let waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.settled.size().saturating_add(waiting)
    }

    /// Adds the next leaf; `None`, with the range unchanged, where the tree has reached 2^53 leaves.
    pub(crate) fn append(&mut self, leaf: Hash) -> Option<()> {
        if self.size() >= MAX_INDEX {
            return None;
        }
        self.waiting.push(*leaf.as_bytes());
        if self.waiting.len() >= MOST_WAITING {
            self.settle();
        }
        Some(())
    }

    /// The range over all leaves.
    pub(crate) fn settle(&mut self) -> &CompactRange {
        // `append` takes no leaf beyond the limit of the range.
        let settled = self.settled.append_all(&mut self.waiting);
        debug_assert!(settled.is_some(), "more leaves wait than there is room for");
        &self.settled
    }

    /// The same, as a value.
    pub(crate) fn into_range(mut self) -> CompactRange {
        self.settle();
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn it_grows_as_a_compact_range_does() {
        let mut range = CompactRange::empty();
        let mut growing = GrowingRange::new(range.clone());
        for i in 0..10_000u32 {
            let leaf = leaf_hash(&i.to_be_bytes());
            range.append(leaf).unwrap();
            growing.append(leaf).unwrap();
            assert_eq!(growing.size(), range.size());
            if i % 977 == 0 {
                assert_eq!(*growing.settle(), range);
            }
        }
        assert_eq!(growing.into_range(), range);
    }

    #[test]
    fn it_is_full_where_a_compact_range_is() {
        let last = MAX_INDEX - 1;
        let roots = vec![leaf_hash(b""); usize::try_from(last.count_ones()).unwrap()];
        let mut growing = GrowingRange::new(CompactRange::from_roots(last, roots).unwrap());
        assert_eq!(growing.append(leaf_hash(b"last")), Some(()));
        assert_eq!(growing.append(leaf_hash(b"one more")), None);
        assert_eq!(growing.settle().size(), MAX_INDEX);
    }
}
