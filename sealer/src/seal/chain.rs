//! The writing half: chains events, syncs them, and closes segments. It needs neither the store nor a key, so no outage stops it.

use std::sync::Arc;

use auditlog_chain::builder::{
    BuildError, ClosedLines, Framing, MAX_OPEN_BYTES, Provenance, SegmentLines, StoredPayload,
};
use auditlog_chain::fault::Fault;
use auditlog_chain::line::{Body, KeyChange, Line, Repeat, parse_line};
use auditlog_chain::policy::Need;
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::compress::Compressing;
use super::mismatch::{mismatch, of_no_line};
use super::offered::Offered;
use super::setup::Setup;
use super::waiting::Waiting;
use crate::error::Error;
use crate::limits::{MAX_PENDING_BYTES, MAX_WAL_BYTES};
use crate::names::{ContentSum, Fingerprint};
use crate::spool::{Accepted, Series, Spool, WalWriter};
use crate::wal::{Batch, Opening};

/// The end of the log as this writer has written it, stored or not.
pub(super) struct Chain {
    setup: Arc<Setup>,
    spool: Arc<Spool>,
    /// After the last segment that was closed.
    head: Head,
    /// The key of that segment.
    log_key: Option<VerifierKey>,
    open: Option<OpenSegment>,
    /// A segment whose close record could not be written yet.
    closing: Option<Closing>,
    /// The lines of the batch that is being made.
    lines: Vec<u8>,
    count: u32,
    accepting: Option<Accepted>,
    series: Series,
    /// Of the batches that are in the group.
    unsynced: Vec<Accepted>,
    /// Of the batches that were handed over to be synced.
    handed_over: Vec<Accepted>,
}

/// A segment that takes more batches.
pub(super) struct OpenSegment {
    pub(super) lines: SegmentLines,
    pub(super) framing: Framing,
    pub(super) compressing: Compressing,
    pub(super) writer: WalWriter,
    pub(super) key_change: Option<KeyChange>,
    pub(super) opened: Timestamp,
    /// The names of its batches.
    pub(super) names: Vec<Fingerprint>,
}

struct Closing {
    lines: ClosedLines,
    opened: Timestamp,
    frames: Vec<u8>,
    writer: WalWriter,
    key_change: Option<KeyChange>,
    names: Vec<Fingerprint>,
}

impl Chain {
    pub(super) fn new(
        setup: &Arc<Setup>,
        spool: &Arc<Spool>,
        head: Head,
        log_key: Option<VerifierKey>,
        series: Series,
    ) -> Self {
        Self {
            series,
            setup: Arc::clone(setup),
            spool: Arc::clone(spool),
            head,
            log_key,
            open: None,
            closing: None,
            lines: Vec::new(),
            count: 0,
            accepting: None,
            unsynced: Vec::new(),
            handed_over: Vec::new(),
        }
    }

    /// What was written beside the files that are there has taken their place.
    pub(super) const fn takes_their_place(&mut self) {
        self.series = Series::Usual;
    }

    /// From now on, this policy and these keys count.
    pub(super) fn renew(&mut self, setup: &Arc<Setup>) {
        self.setup = Arc::clone(setup);
    }

    /// Whether another key signs than that of the segment that is open, or of the last one.
    pub(super) fn changes_key(&self) -> bool {
        let announced = self.open.as_ref().and_then(|open| open.key_change.as_ref());
        let announced = announced.map(|change| &change.verifier_key);
        let own = self.setup.signer.verifier_key(&self.setup.log.origin);
        announced.or(self.log_key.as_ref()) != Some(&own)
    }

    /// The end of the log after the last segment that was closed.
    pub(super) const fn head(&self) -> &Head {
        &self.head
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some() || self.closing.is_some()
    }

    /// Whether a segment takes no more, and its close record could not be written yet.
    pub(super) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub(super) fn opened(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.opened)
    }

    /// The segment that is open or being closed: bytes of its lines, and when it was opened.
    pub(super) fn unstored(&self) -> Option<(u64, Timestamp)> {
        let open = self.open.as_ref();
        let open = open.map(|open| (open.lines.bytes(), open.opened));
        let closing = || {
            let closing = self.closing.as_ref();
            closing.map(|closing| (closing.lines.bytes(), closing.opened))
        };
        let (bytes, opened) = open.or_else(closing)?;
        Some((u64::try_from(bytes).unwrap_or(u64::MAX), opened))
    }

    /// A segment that waits comes behind the log, as an earlier run has closed it.
    pub(super) fn goes_on_behind(&mut self, waiting: &Waiting) {
        self.follow(waiting.head.clone(), waiting.key_change.as_ref());
    }

    /// Goes on with a segment that an earlier run has left open.
    pub(super) fn goes_on_with(&mut self, open: OpenSegment) {
        self.open = Some(open);
    }

    fn follow(&mut self, head: Head, key_change: Option<&KeyChange>) {
        self.head = head;
        if let Some(change) = key_change {
            self.log_key = Some(change.verifier_key.clone());
        }
    }

    /// Opens the next segment: its file is made, and its opening synced.
    pub(super) fn open(&mut self, time: Timestamp) -> Result<(), Error> {
        self.setup.check_keys()?;
        let key_change = self.key_change()?;
        let mut opening = Vec::new();
        let head = self.head.clone();
        let lines = SegmentLines::open(head, time, key_change.clone(), &mut opening)?;
        let compressing = Compressing::start(self.setup.limits.level)?;
        let record = Opening {
            segment: lines.number(),
            origin: self.setup.log.origin.as_str(),
            lines: &opening,
        };
        let writer = self.spool.create_wal(&record, self.series)?;
        compressing.push(opening);
        self.open = Some(OpenSegment {
            lines,
            framing: Framing::default(),
            compressing,
            writer,
            key_change,
            opened: time,
            names: Vec::new(),
        });
        Ok(())
    }

    /// The key line of the next segment: in the first one, and where the key changes.
    pub(super) fn key_change(&self) -> Result<Option<KeyChange>, Error> {
        let verifier_key = self.setup.signer.verifier_key(&self.setup.log.origin);
        let Some(log_key) = &self.log_key else {
            return Ok(Some(KeyChange {
                verifier_key,
                previous: None,
            }));
        };
        if *log_key == verifier_key {
            return Ok(None);
        }
        let next = self.head.next_segment;
        if self.setup.need_of_previous(log_key, next) == Need::Required {
            self.setup.signer_of(log_key)?;
        }
        Ok(Some(KeyChange {
            verifier_key,
            previous: Some(log_key.clone()),
        }))
    }

    /// Chains one event into the batch that is being made. A segment must be open.
    pub(super) fn append(
        &mut self,
        payload: &StoredPayload<'_>,
        provenance: &Provenance<'_>,
        time: Timestamp,
    ) -> Result<(), Error> {
        let Some(open) = &mut self.open else {
            return Err(BuildError::SegmentFull.into());
        };
        let begin = self.lines.len();
        open.lines
            .append(provenance, payload, time, &mut self.lines)?;
        self.take_line(begin);
        Ok(())
    }

    fn take_line(&mut self, begin: usize) {
        let line = self.lines.get(begin..).unwrap_or_default();
        if let Some(open) = &mut self.open
            && let Some(content) = open.framing.push(line)
        {
            open.compressing.push(content);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Chains a batch as it was accepted before, with its times, and ends it. A segment must be open.
    pub(super) fn append_again(&mut self, batch: &Batch<'_>) -> Result<(), Error> {
        for line in batch.lines.split(|byte| *byte == b'\n') {
            let Some(open) = self.open.as_mut().filter(|_| !line.is_empty()) else {
                continue;
            };
            let parsed = parse_line(line).map_err(Fault::from);
            let parsed = parsed.map_err(|fault| mismatch(&self.spool, of_no_line(fault)));
            let Line { time, body, .. } = parsed?;
            let Body::Entry(entry) = body else {
                continue;
            };
            let begin = self.lines.len();
            open.lines.append_entry(entry, time, &mut self.lines)?;
            self.take_line(begin);
        }
        self.push_batch(batch.source, batch.name, batch.note);
        if let Some(open) = self.open.as_mut().filter(|_| !batch.name.is_empty()) {
            let content = ContentSum::of_lines(batch.lines);
            open.names
                .extend(Fingerprint::all_of(batch.source, batch.name, content));
        }
        Ok(())
    }

    /// Chains a whole batch that is remembered by these names, and ends it. A segment must be open.
    pub(super) fn append_batch(
        &mut self,
        offered: &Offered<'_>,
        names: &[Fingerprint],
        repeat: Option<Repeat>,
        time: Timestamp,
    ) -> Result<(), Error> {
        for (number, payload) in offered.events.iter().enumerate() {
            let provenance = Provenance {
                source: offered.source,
                batch: offered.name.filter(|_| number == 0),
                repeat,
            };
            self.append(&payload, &provenance, time)?;
        }
        self.accepting = offered.accepted.cloned();
        self.end_batch(offered.source_bytes(), offered.recorded_name());
        if let Some(open) = &mut self.open {
            open.names.extend(names);
            for name in names {
                self.spool.remember(*name, time);
            }
        }
        Ok(())
    }

    /// How far the input of the batch was read.
    pub(super) fn accepting(&mut self, accepted: Accepted) {
        self.accepting = Some(accepted);
    }

    /// Whether a batch that waits for the sync brings its input to this place, or beyond it.
    pub(super) fn is_accepting(&self, to: &Accepted) -> bool {
        let mut unsynced = self.handed_over.iter().chain(&self.unsynced);
        unsynced.any(|waits| waits.name == to.name && waits.position.bytes >= to.position.bytes)
    }

    /// Whether so much waits for a sync that no more may be added.
    pub(super) fn is_group_full(&self) -> bool {
        self.lines.len() >= MAX_PENDING_BYTES
            || self
                .open
                .as_ref()
                .is_some_and(|open| open.writer.is_full(MAX_PENDING_BYTES))
    }

    /// Whether the segment has room for so many bytes of lines, or none is open.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.open
            .as_ref()
            .is_none_or(|open| open.lines.bytes().saturating_add(bytes) <= MAX_OPEN_BYTES)
    }

    /// Whether the segment is closed after the next sync.
    pub(super) fn is_segment_full(&self) -> bool {
        let limits = self.setup.limits;
        self.is_closing()
            || self.open.as_ref().is_some_and(|open| {
                open.lines.events() >= limits.events
                    || open.lines.bytes() >= limits.bytes
                    || open.writer.written() >= MAX_WAL_BYTES
            })
    }

    /// Ends the batch, and syncs the group: one write and one sync.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.arrive()?;
        self.end_batch(b"", b"");
        if let Some(open) = &mut self.open {
            open.writer.sync()?;
            self.handed_over.append(&mut self.unsynced);
            self.arrive()?;
        }
        Ok(())
    }

    /// Ends the batch, and has the group synced while the next one is made. What was handed over before is synced now.
    pub(super) fn hand_over(&mut self) -> Result<(), Error> {
        self.arrive()?;
        self.end_batch(b"", b"");
        if let Some(open) = &mut self.open {
            open.writer.hand_over()?;
            self.handed_over.append(&mut self.unsynced);
        }
        Ok(())
    }

    /// Waits until what was handed over is synced: only then is it accepted.
    pub(super) fn arrive(&mut self) -> Result<(), Error> {
        if let Some(open) = &mut self.open {
            open.writer.arrive()?;
        }
        for accepted in self.handed_over.drain(..) {
            self.spool.accept(accepted);
        }
        Ok(())
    }

    fn end_batch(&mut self, source: &[u8], name: &[u8]) {
        let accepted = self.accepting.take();
        if self.open.is_none() || self.count == 0 {
            return;
        }
        // Names, numbers and hashes can always be written.
        let note = accepted.as_ref().map(serde_json::to_vec);
        let note = note.and_then(Result::ok).unwrap_or_default();
        self.push_batch(source, name, &note);
        self.unsynced.extend(accepted);
    }

    fn push_batch(&mut self, source: &[u8], name: &[u8], note: &[u8]) {
        let Some(open) = self.open.as_mut().filter(|_| self.count > 0) else {
            return;
        };
        open.writer.push(&Batch {
            name,
            source,
            note,
            count: self.count,
            lines: &self.lines,
        });
        self.lines.clear();
        self.count = 0;
    }

    /// Closes the open segment, if there is one. All of it must be synced.
    pub(super) fn close(&mut self) -> Result<Option<Waiting>, Error> {
        if let Some(open) = self.open.take() {
            self.closing = Some(self.end(open)?);
        }
        let Some(mut closing) = self.closing.take() else {
            return Ok(None);
        };
        if let Err(error) = closing.writer.close(closing.lines.close_line()) {
            self.closing = Some(closing);
            return Err(error);
        }
        let head = closing.lines.head().clone();
        self.follow(head, closing.key_change.as_ref());
        let frames = Some(closing.frames);
        Ok(Some(Waiting::closed(
            closing.lines,
            closing.opened,
            closing.key_change,
            frames,
            closing.names,
        )))
    }

    fn end(&self, mut open: OpenSegment) -> Result<Closing, Error> {
        if let Some(content) = open.framing.end() {
            open.compressing.push(content);
        }
        let frames = open.compressing.finish()?;
        let lines = open.lines.close((self.setup.clock)(), frames.hash())?;
        Ok(Closing {
            lines,
            opened: open.opened,
            frames: frames.into_bytes(),
            writer: open.writer,
            key_change: open.key_change,
            names: open.names,
        })
    }
}
