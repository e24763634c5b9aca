//! The cache of one log during a run: which blocks are used, and which are kept.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

use super::block::{self, Block};
use super::document::Document;
use crate::head::CacheFile;
use crate::log_plan::{Slot, Slots};
use crate::range::log::Log;
use crate::range::result::RangeResult;

/// Neighbouring keys of a log: a block, or what is between blocks.
pub(crate) struct Piece<'p> {
    /// What the listing shows of them.
    pub(crate) slots: Vec<(u64, &'p Slot)>,
    /// All keys of a log, in place of `slots`.
    all: Option<&'p BTreeMap<u64, Box<Slot>>>,
    /// The name and the first number, where it is a block.
    block: Option<(Hash, u64)>,
    /// The block as it was kept, where it may be used.
    kept: Option<Block>,
}

/// The cache of one log.
pub(crate) struct LogCache {
    old: BTreeMap<Hash, Block>,
    /// Number of segments of a block that was kept.
    old_size: u64,
    new: Vec<Block>,
    size: u64,
}

impl LogCache {
    /// What was kept of a log, in blocks of this size, or of that which they have: a log that became smaller keeps its large ones.
    pub(crate) fn new(old: Option<Document>, size: u64) -> Self {
        let (old_size, blocks) = old.map_or((size, Vec::new()), |old| (old.size, old.blocks));
        Self {
            old_size,
            old: blocks
                .into_iter()
                .map(|block| (block.name, block))
                .collect(),
            new: Vec::new(),
            size: size.max(old_size),
        }
    }

    /// Divides what is listed of a log.
    pub(crate) fn pieces<'p>(
        &mut self,
        log: &Log<'_>,
        slots: &'p BTreeMap<u64, Box<Slot>>,
    ) -> Vec<Piece<'p>> {
        let mut pieces: Vec<Piece<'p>> = Vec::new();
        let mut rest = slots.iter().peekable();
        while let Some((number, _)) = rest.peek() {
            let at = number.checked_div(self.size).unwrap_or(0);
            let end = at.saturating_add(1).saturating_mul(self.size);
            let mut slots = Vec::new();
            while let Some((number, slot)) = rest.next_if(|(number, _)| **number < end) {
                slots.push((*number, &**slot));
            }
            let first = at.saturating_mul(self.size);
            let piece = self.piece(log, first, slots);
            match pieces
                .last_mut()
                .filter(|last| last.block.is_none() && piece.block.is_none())
            {
                Some(last) => last.slots.extend(piece.slots),
                None => pieces.push(piece),
            }
        }
        pieces
    }

    fn piece<'p>(&mut self, log: &Log<'_>, first: u64, slots: Vec<(u64, &'p Slot)>) -> Piece<'p> {
        let is_block = block::is_whole(first, self.size, &slots);
        let block = is_block.then(|| (block::name(log, &slots), first));
        let end = first.saturating_add(self.size);
        let is_below_pin = log.pin.is_some_and(|pin| end <= pin.segment);
        let name = block.map(|(name, _)| name).filter(|_| is_below_pin);
        let kept = name.and_then(|name| {
            let kept = self.old.remove(&name);
            kept.or_else(|| self.joined(log, name, first, &slots))
        });
        Piece {
            slots,
            all: None,
            block,
            kept,
        }
    }

    /// A block of those that were kept while blocks were smaller.
    fn joined<'l>(
        &mut self,
        log: &'l Log<'l>,
        name: Hash,
        first: u64,
        slots: &[(u64, &Slot)],
    ) -> Option<Block> {
        let size = usize::try_from(self.old_size)
            .ok()
            .filter(|size| *size > 0)?;
        let is_larger = self.old_size < self.size && self.size.is_multiple_of(self.old_size);
        let mut parts = slots.chunks(size).filter(|_| is_larger);
        let mut whole = self.small(log, parts.next()?)?;
        for slots in parts {
            whole.append(self.small(log, slots)?);
        }
        block::keep(&whole, name, first)
    }

    fn small<'l>(&mut self, log: &'l Log<'l>, slots: &[(u64, &Slot)]) -> Option<RangeResult<'l>> {
        let kept = self.old.remove(&block::name(log, slots))?;
        RangeResult::of_written(log, kept.result, slots).ok()
    }

    /// Keeps what was found in a piece, where it is a block and clean.
    pub(crate) fn keep(&mut self, piece: Piece<'_>, range: &RangeResult<'_>) {
        let new = piece
            .block
            .and_then(|(name, first)| block::keep(range, name, first));
        self.new.extend(piece.kept.or(new));
    }

    /// The file for the next run.
    pub(crate) fn into_file(self, log: &Log<'_>) -> CacheFile {
        let (origin, judged) = (log.policy_of.origin.clone(), log.moments.ended);
        CacheFile::new(Document::new(origin, judged, self.size, self.new).write())
    }
}

impl<'p> Piece<'p> {
    /// All keys of a log, none of which is kept.
    pub(crate) fn of_all(slots: &'p BTreeMap<u64, Box<Slot>>) -> Self {
        Self {
            slots: Vec::new(),
            all: Some(slots),
            block: None,
            kept: None,
        }
    }

    /// Gives the keys away, in their order.
    pub(crate) fn take_slots(&mut self) -> Slots<'p> {
        let some = std::mem::take(&mut self.slots);
        self.all.take().map_or(Slots::Some(some), Slots::All)
    }

    /// Number of its segments.
    pub(crate) fn segments(&self) -> u64 {
        u64::try_from(self.slots.len()).unwrap_or(u64::MAX)
    }

    /// The range, where it need not be read again. Its locks must have been looked at where they need to be.
    pub(crate) fn range<'l>(&self, log: &'l Log<'l>) -> Option<RangeResult<'l>> {
        let kept = self.kept.as_ref()?;
        let range = RangeResult::of_written(log, kept.result.clone(), &self.slots).ok()?;
        range.clean().is_some().then_some(range)
    }

    /// Whether its locks must be looked at again.
    pub(crate) fn needs_a_look(&self, ended: Timestamp) -> bool {
        self.kept
            .as_ref()
            .is_some_and(|block| block.firm_until < ended)
    }

    /// Does not use what was kept.
    pub(crate) fn forget(&mut self) {
        self.kept = None;
    }
}
