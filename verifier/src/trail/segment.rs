//! A segment that was verified, with its lines.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::hash::leaf_hash;
use auditlog_chain::line::{self, parse_line};
use auditlog_chain::segment::{CheckedSegment, visit_leaf_lines};
use auditlog_chain::verifier_key::VerifierKey;

use crate::proof::make::SegmentProofs;

/// A segment that was verified by itself, with its object. Made by [`Trail::read`](super::Trail::read) alone.
#[derive(Debug)]
pub struct Segment {
    object: Vec<u8>,
    checked: CheckedSegment,
    signers: Vec<VerifierKey>,
}

/// A line of a segment: its bytes, and what they say.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The bytes, without the newline.
    pub bytes: &'a [u8],
    /// Number of the line in the segment, from 1.
    pub number: u64,
    /// The line.
    pub line: &'a line::Line<'a>,
}

impl Segment {
    pub(super) const fn new(
        object: Vec<u8>,
        checked: CheckedSegment,
        signers: Vec<VerifierKey>,
    ) -> Self {
        Self {
            object,
            checked,
            signers,
        }
    }

    /// The segment.
    pub const fn checked(&self) -> &CheckedSegment {
        &self.checked
    }

    /// The bytes of its object.
    pub fn object(&self) -> &[u8] {
        &self.object
    }

    /// The keys that signed it.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }

    /// Hands each leaf line to `each`, in order.
    pub fn visit(&self, each: &mut dyn FnMut(Line<'_>)) {
        let mut number = 0u64;
        // The frames and the lines were checked when the segment was read, so neither fails here.
        _ = visit_leaf_lines(&self.object, &mut |bytes| {
            number = number.saturating_add(1);
            if let Ok(line) = parse_line(bytes) {
                each(Line {
                    bytes,
                    number,
                    line: &line,
                });
            }
        });
    }

    /// The bytes of the lines with these indexes, as far as it has them. Reads the segment once.
    pub fn lines(&self, indexes: &BTreeSet<u64>) -> BTreeMap<u64, Vec<u8>> {
        let mut found = BTreeMap::new();
        self.visit(&mut |line| {
            if indexes.contains(&line.line.index) {
                found.insert(line.line.index, line.bytes.to_vec());
            }
        });
        found
    }

    /// The bytes of the line with this index, and its number in the segment.
    pub fn line(&self, index: u64) -> Option<(Vec<u8>, u64)> {
        let mut found = None;
        self.visit(&mut |line| {
            if line.line.index == index {
                found = Some((line.bytes.to_vec(), line.number));
            }
        });
        found
    }

    /// The proofs of its lines.
    pub fn proofs(&self) -> Option<SegmentProofs<'_>> {
        let mut leaves = Vec::new();
        // Read again above; a frame that could not be read would give another root.
        _ = visit_leaf_lines(&self.object, &mut |bytes| {
            leaves.push(leaf_hash(bytes));
        });
        SegmentProofs::of(&self.checked, leaves)
    }
}
