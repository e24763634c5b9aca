//! Making an inclusion proof: one segment gives the proof of each of its lines.

use auditlog_chain::hash::Hash;
use auditlog_chain::segment::CheckedSegment;
use auditlog_chain::tree::Grown;

use super::tlog::TlogProof;

/// The proofs of a segment's lines. Memory: two hashes a line.
pub struct SegmentProofs<'s> {
    segment: &'s CheckedSegment,
    tree: Grown,
}

impl<'s> SegmentProofs<'s> {
    /// The proofs of the lines of a segment, the leaf hashes of all of them given in order; `None` where they are not the segment's.
    pub fn of(segment: &'s CheckedSegment, leaves: Vec<Hash>) -> Option<Self> {
        let tree = Grown::new(segment.before().range.clone(), leaves)?;
        (tree.head().root == segment.root()).then_some(Self { segment, tree })
    }

    /// The proof of the line with this index; `None` where it is not in the segment.
    pub fn prove(&self, index: u64) -> Option<TlogProof> {
        Some(TlogProof {
            index,
            hashes: self.tree.prove_inclusion(index)?,
            signed: self.segment.signed_checkpoint().clone(),
        })
    }
}
