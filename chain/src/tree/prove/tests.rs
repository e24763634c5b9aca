//! Proofs against the definitions of RFC 6962, at every small size and at random larger ones.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that overflows fails, as it should; its sizes are small"
)]

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::{ProptestConfig, any, proptest};

use super::*;
use crate::hash::leaf_hash;
use crate::tree::{ProofFault, check_consistency, check_inclusion, empty_root};

/// The definitions of section 2.1, word for word; roots are remembered, so that hundreds of sizes can be tried.
struct Model {
    leaves: Vec<Hash>,
    roots: RefCell<HashMap<(usize, usize), Hash>>,
}

impl Model {
    fn new(size: usize) -> Self {
        let leaf = |at: usize| leaf_hash(&at.to_be_bytes());
        Self {
            leaves: (0..size).map(leaf).collect(),
            roots: RefCell::default(),
        }
    }

    /// `MTH(D[begin:end])`.
    fn root(&self, begin: usize, end: usize) -> Hash {
        if let Some(known) = self.roots.borrow().get(&(begin, end)) {
            return *known;
        }
        let root = match end - begin {
            0 => empty_root(),
            1 => self.leaves[begin],
            n => {
                let middle = begin + n.next_power_of_two() / 2;
                node_hash(&self.root(begin, middle), &self.root(middle, end))
            }
        };
        self.roots.borrow_mut().insert((begin, end), root);
        root
    }

    fn head(&self, size: usize) -> TreeHead {
        TreeHead {
            size: size as u64,
            root: self.root(0, size),
        }
    }

    /// `PATH(m, D[begin:end])`.
    fn path(&self, m: usize, begin: usize, end: usize) -> Vec<Hash> {
        let n = end - begin;
        if n == 1 {
            return Vec::new();
        }
        let k = n.next_power_of_two() / 2;
        let middle = begin + k;
        let (mut path, sibling) = if m < k {
            (self.path(m, begin, middle), self.root(middle, end))
        } else {
            (self.path(m - k, middle, end), self.root(begin, middle))
        };
        path.push(sibling);
        path
    }

    /// `SUBPROOF(m, D[begin:end], whole)`.
    fn subproof(&self, m: usize, begin: usize, end: usize, whole: bool) -> Vec<Hash> {
        let n = end - begin;
        if m == n {
            let root = (!whole).then(|| self.root(begin, end));
            return root.into_iter().collect();
        }
        let k = n.next_power_of_two() / 2;
        let middle = begin + k;
        let (mut proof, sibling) = if m <= k {
            (
                self.subproof(m, begin, middle, whole),
                self.root(middle, end),
            )
        } else {
            (
                self.subproof(m - k, middle, end, false),
                self.root(begin, middle),
            )
        };
        proof.push(sibling);
        proof
    }

    fn range(&self, size: usize) -> CompactRange {
        let mut range = CompactRange::empty();
        for leaf in &self.leaves[..size] {
            range.append(*leaf).unwrap();
        }
        range
    }

    fn grown(&self, before: usize, size: usize) -> Grown {
        Grown::new(self.range(before), self.leaves[before..size].to_vec()).unwrap()
    }

    fn consistency(&self, first: usize, second: usize) -> Vec<Hash> {
        let mut proof = Consistency::new(self.range(first), second as u64).unwrap();
        for leaf in &self.leaves[first..second] {
            assert!(second - first < 2 || proof.finish().is_none());
            proof.append(*leaf).unwrap();
        }
        assert_eq!(
            proof.append(self.leaves[0]),
            None,
            "more leaves than the tree has"
        );
        proof.finish().unwrap()
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_as_the_definition_says() {
    let model = Model::new(300);
    for size in 1..=300 {
        let head = model.head(size);
        for before in [0, 1, size / 3, size / 2, size - 1] {
            let grown = model.grown(before, size);
            assert_eq!(grown.head(), head);
            for index in before..size {
                let proof = grown.prove_inclusion(index as u64).unwrap();
                assert_eq!(proof, model.path(index, 0, size), "leaf {index} of {size}");
                check_inclusion(model.leaves[index], index as u64, &proof, head).unwrap();
            }
            assert_eq!(grown.prove_inclusion(size as u64), None);
            if let Some(unknown) = before.checked_sub(1) {
                assert_eq!(grown.prove_inclusion(unknown as u64), None);
            }
        }
    }
}

#[test]
fn every_border_between_what_is_known_by_a_range_and_by_leaves_gives_the_same_proof() {
    let model = Model::new(70);
    for size in 1..=70 {
        for before in 0..size {
            let grown = model.grown(before, size);
            for index in before..size {
                let proof = grown.prove_inclusion(index as u64);
                assert_eq!(
                    proof,
                    Some(model.path(index, 0, size)),
                    "{before} {index} {size}"
                );
            }
        }
    }
}

#[test]
fn every_two_small_trees_are_proved_consistent_as_the_definition_says() {
    let model = Model::new(200);
    for second in 1..=200 {
        for first in 1..=second {
            let proof = model.consistency(first, second);
            assert_eq!(
                proof,
                model.subproof(first, 0, second, true),
                "{first} in {second}"
            );
            check_consistency(model.head(first), model.head(second), &proof).unwrap();
        }
    }
}

#[test]
fn a_proof_of_one_place_or_size_shows_no_other() {
    let model = Model::new(40);
    for size in 1..=40 {
        for index in 0..size {
            let proof = model.path(index, 0, size);
            for other_size in 0..=40 {
                for other in 0..=40 {
                    let good = (other, other_size) == (index, size);
                    let checked = check_inclusion(
                        model.leaves[index],
                        other as u64,
                        &proof,
                        model.head(other_size),
                    );
                    assert_eq!(
                        checked.is_ok(),
                        good,
                        "{index} of {size}: {other} of {other_size}"
                    );
                }
            }
            let proof = model.subproof(index + 1, 0, size, true);
            for first in 0..=40 {
                for second in 0..=40 {
                    // Equal trees are consistent, with the empty proof; the empty tree has one root.
                    let equal = first == second && proof.is_empty();
                    let good = (first, second) == (index + 1, size) || equal;
                    let checked = check_consistency(model.head(first), model.head(second), &proof);
                    assert_eq!(
                        checked.is_ok(),
                        good,
                        "{} in {size}: {first} in {second}",
                        index + 1
                    );
                }
            }
        }
    }
}

/// Every bit of every hash, one hash too many at each place, one too few, two swapped.
fn mangled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..=proof.len() {
        let mut longer = proof.to_vec();
        longer.insert(at, leaf_hash(b"more"));
        all.push(longer);
    }
    for at in 0..proof.len() {
        for bit in 0..256 {
            let mut bytes = *proof[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut changed = proof.to_vec();
            changed[at] = Hash::from_bytes(bytes);
            all.push(changed);
        }
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.push(shorter);
        for other in 0..at {
            let mut swapped = proof.to_vec();
            swapped.swap(at, other);
            all.push(swapped);
        }
    }
    all
}

#[test]
fn every_changed_proof_is_refused() {
    let model = Model::new(23);
    for size in 1..=23 {
        let head = model.head(size);
        for index in 0..size {
            let leaf = model.leaves[index];
            for proof in mangled(&model.path(index, 0, size)) {
                assert!(
                    check_inclusion(leaf, index as u64, &proof, head).is_err(),
                    "{index} of {size}"
                );
            }
            let first = model.head(index + 1);
            for proof in mangled(&model.subproof(index + 1, 0, size, true)) {
                assert!(
                    check_consistency(first, head, &proof).is_err(),
                    "{} in {size}",
                    index + 1
                );
            }
        }
    }
}

#[test]
fn each_fault_of_a_proof_has_its_words() {
    let model = Model::new(5);
    let (leaf, head) = (model.leaves[4], model.head(5));
    let said = |result: Result<(), ProofFault>| result.unwrap_err().to_string();
    assert_eq!(
        said(check_inclusion(leaf, 5, &[], head)),
        "index 5 is not below the tree's size 5"
    );
    assert_eq!(
        said(check_inclusion(leaf, 4, &[], head)),
        "the proof has 0 hashes, expected 1"
    );
    let wrong = said(check_inclusion(leaf, 4, &[leaf], head));
    assert!(
        wrong.starts_with("the proof gives root ") && wrong.contains(" for size 5, expected "),
        "{wrong}"
    );
    let empty = model.head(0);
    assert_eq!(
        said(check_consistency(empty, head, &[])),
        "the first tree is empty, so a proof shows nothing"
    );
    assert_eq!(
        said(check_consistency(head, empty, &[])),
        "the first tree has 5 leaves, more than the 0 of the second"
    );
    assert_eq!(check_consistency(empty, empty, &[]), Ok(()));
    let forged = TreeHead {
        root: leaf,
        ..empty
    };
    assert!(
        check_consistency(forged, forged, &[]).is_err(),
        "the empty tree has one root"
    );
    assert!(Consistency::new(CompactRange::empty(), 5).is_none());
    assert!(Consistency::new(model.range(5), 4).is_none());
}

#[test]
fn sizes_at_the_ends_of_what_a_number_holds_are_refused_or_checked_without_overflow() {
    let leaf = leaf_hash(b"");
    for size in [0, 1, 2, u64::MAX - 1, u64::MAX] {
        for index in [0, 1, u64::MAX - 1, u64::MAX] {
            for len in [0, 1, 63, 64, 65] {
                let head = TreeHead {
                    size,
                    root: leaf_hash(b"root"),
                };
                assert!(check_inclusion(leaf, index, &vec![leaf; len], head).is_err());
                let first = TreeHead {
                    size: index,
                    root: leaf,
                };
                assert!(check_consistency(first, head, &vec![leaf; len]).is_err());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn random_larger_trees_are_proved_as_the_definition_says(
        size in 300usize..5000, at in any::<u64>(), cut in any::<u64>(),
    ) {
        let model = Model::new(size);
        let before = usize::try_from(cut % size as u64).unwrap();
        let index = before + usize::try_from(at % (size - before) as u64).unwrap();
        let proof = model.grown(before, size).prove_inclusion(index as u64).unwrap();
        assert_eq!(proof, model.path(index, 0, size));
        check_inclusion(model.leaves[index], index as u64, &proof, model.head(size)).unwrap();
        let proof = model.consistency(before + 1, size);
        assert_eq!(proof, model.subproof(before + 1, 0, size, true));
        check_consistency(model.head(before + 1), model.head(size), &proof).unwrap();
    }
}
