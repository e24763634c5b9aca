//! Compact ranges from zero: all that is needed to go on with an RFC 6962 tree, in popcount(size) hashes (F11).

use super::hashing::{empty_root, node_hash};
use crate::hash::{Hash, hash_nodes};
use crate::limits::MAX_INDEX;

/// The roots of the full subtrees that cover the leaves `[0, size)`, largest first.
///
/// Invariant: `roots.len() == size.count_ones()`, and `size <= 2^53`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    roots: Vec<Hash>,
}

impl CompactRange {
    /// The range over no leaves.
    pub const fn empty() -> Self {
        Self {
            size: 0,
            roots: Vec::new(),
        }
    }

    /// The range over `[0, size)` with these roots; `None` unless there are exactly popcount(`size`) of them.
    ///
    /// Whether the roots are those of any real leaves is *not* checked: nothing in them could show it.
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        let wanted = usize::try_from(size.count_ones()).ok()?;
        (size <= MAX_INDEX && roots.len() == wanted).then_some(Self { size, roots })
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots, largest subtree first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The root of the full subtree with 2^`height` leaves, where the range has one of this height.
    pub fn root_of_height(&self, height: u32) -> Option<Hash> {
        let above = self.size.checked_shr(height)?;
        let larger = usize::try_from(above.checked_shr(1).unwrap_or(0).count_ones()).ok()?;
        self.roots.get(larger).copied().filter(|_| above & 1 == 1)
    }

    /// Adds the next leaf; `None`, with the range unchanged, where the tree has reached 2^53 leaves.
    pub fn append(&mut self, leaf: Hash) -> Option<()> {
        if self.size >= MAX_INDEX {
            return None;
        }
        // Each trailing one bit of the size is a full subtree that the new leaf completes into the next larger one.
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            node = node_hash(&self.roots.pop()?, &node);
        }
        self.roots.push(node);
        self.size = self.size.checked_add(1)?;
        Some(())
    }

    /// Adds many leaves, level by level, and takes them out of `leaves`; `None`, with the range unchanged, where the tree would have more
    /// than 2^53.
    pub(super) fn append_all(&mut self, leaves: &mut Vec<[u8; 32]>) -> Option<()> {
        let size = self.size.checked_add(u64::try_from(leaves.len()).ok()?)?;
        if size > MAX_INDEX {
            return None;
        }
        let (mut nodes, mut above, mut smallest_first) = (Vec::new(), self.size, Vec::new());
        while !leaves.is_empty() {
            // What the range has of this height comes before.
            if above & 1 == 1 {
                leaves.insert(0, *self.roots.pop()?.as_bytes());
            }
            if leaves.len() & 1 == 1 {
                smallest_first.extend(leaves.pop().map(Hash::from_bytes));
            }
            hash_nodes(leaves, &mut nodes);
            std::mem::swap(leaves, &mut nodes);
            above >>= 1;
        }
        self.roots.extend(smallest_first.into_iter().rev());
        self.size = size;
        Some(())
    }

    /// The RFC 6962 tree hash over the leaves `[0, size)`.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        let Some(&last) = smallest_first.next() else {
            return empty_root();
        };
        smallest_first.fold(last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    /// The definition of RFC 6962 section 2.1, word for word and slow.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => empty_root(),
            1 => leaves[0],
            n => {
                let k = n.next_power_of_two() / 2;
                node_hash(&tree_hash(&leaves[..k]), &tree_hash(&leaves[k..]))
            }
        }
    }

    #[test]
    fn roots_agree_with_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0u32..130).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut range = CompactRange::empty();
        for n in 0..leaves.len() {
            assert_eq!(range.root(), tree_hash(&leaves[..n]), "size {n}");
            assert_eq!(u32::try_from(range.roots().len()), Ok(n.count_ones()));
            range.append(leaves[n]).unwrap();
        }
    }

    /// Known roots of the eight test leaves that Certificate Transparency implementations share.
    #[test]
    fn published_rfc_6962_roots_are_met() {
        let inputs: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut range = CompactRange::empty();
        assert_eq!(
            range.root().to_hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (input, root) in inputs.iter().zip(roots) {
            range.append(leaf_hash(input)).unwrap();
            assert_eq!(range.root().to_hex(), root);
        }
    }

    #[test]
    fn a_range_taken_apart_and_put_together_goes_on_alike() {
        let mut range = CompactRange::empty();
        for i in 0u8..11 {
            range.append(leaf_hash(&[i])).unwrap();
        }
        let mut again = CompactRange::from_roots(range.size(), range.roots().to_vec()).unwrap();
        again.append(leaf_hash(b"next")).unwrap();
        range.append(leaf_hash(b"next")).unwrap();
        assert_eq!(again, range);
    }

    #[test]
    fn many_leaves_at_once_give_the_range_of_one_after_the_other() {
        let leaves: Vec<Hash> = (0u32..300).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut before = CompactRange::empty();
        for begin in 0..40 {
            let mut one_by_one = before.clone();
            for end in begin..leaves.len() {
                let mut at_once = before.clone();
                let mut batch = leaves[begin..end]
                    .iter()
                    .map(|leaf| *leaf.as_bytes())
                    .collect();
                at_once.append_all(&mut batch).unwrap();
                assert_eq!(at_once, one_by_one, "{begin} to {end}");
                assert!(batch.is_empty());
                one_by_one.append(leaves[end]).unwrap();
            }
            before.append(leaves[begin]).unwrap();
        }
    }

    #[test]
    fn many_leaves_at_once_stop_at_the_same_limit() {
        let full = CompactRange::from_roots(MAX_INDEX, vec![leaf_hash(b"")]).unwrap();
        let nearly = MAX_INDEX - 2;
        let roots = vec![leaf_hash(b""); usize::try_from(nearly.count_ones()).unwrap()];
        let nearly = CompactRange::from_roots(nearly, roots).unwrap();
        for (range, fits) in [(full, 0), (nearly, 2)] {
            for count in 0..4 {
                let mut grown = range.clone();
                let appended = grown.append_all(&mut vec![[7; 32]; count]);
                assert_eq!(appended.is_some(), count <= fits);
                assert_eq!(grown == range, count == 0 || count > fits);
            }
        }
    }

    #[test]
    fn a_wrong_number_of_roots_is_refused() {
        let root = leaf_hash(b"");
        assert!(CompactRange::from_roots(2, vec![root, root]).is_none());
        assert!(CompactRange::from_roots(3, vec![root]).is_none());
        assert!(CompactRange::from_roots(MAX_INDEX + 1, vec![root, root]).is_none());
    }
}
