//! The shipping half: has closed segments signed, in order, and writes each into the store once.

use std::sync::Arc;

use auditlog_chain::builder::{ClosedLines, ClosedSegment, Frames, Framing, Level, ResumeError};
use auditlog_chain::segment::{CheckedSegment, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::known;
use super::mismatch::resume_fault;
use super::notice::Notice;
use super::sealed::Sealed;
use super::setup::Setup;
use super::shipped::Shipped;
use super::start::Start;
use super::waiting::{Form, Put, Waiting};
use crate::error::{Error, KeyError, LogError, SpoolError, StoreError, Trouble};
use crate::fencing::Fencing;
use crate::limits::MAX_SKEW_SECONDS;
use crate::signer::Signer;
use crate::spool::Spool;
use crate::store::Created;
use crate::wal::Record;

/// The end of the log in the store, and the way there.
pub(super) struct Shipper {
    pub(super) setup: Arc<Setup>,
    spool: Arc<Spool>,
    pub(super) head: Head,
    log_key: Option<VerifierKey>,
    /// When the newest segment was stored, by the store's clock.
    pub(super) stored: Option<Timestamp>,
    sealed: Sealed,
}

impl Shipper {
    pub(super) fn new(setup: &Arc<Setup>, spool: &Arc<Spool>, start: Start) -> Self {
        Self {
            setup: Arc::clone(setup),
            spool: Arc::clone(spool),
            head: start.head,
            log_key: start.log_key,
            stored: start.stored,
            sealed: Sealed::default(),
        }
    }

    pub(super) fn shipped(&self) -> Shipped {
        Shipped {
            head: self.head.clone(),
            log_key: self.log_key.clone(),
            sealed: self.sealed,
        }
    }

    /// Entries so far were accepted by an earlier run.
    pub(super) const fn forget_events(&mut self) {
        self.sealed.events = 0;
    }

    pub(super) fn say_that_it_waits(&self, waiting: &Waiting, error: &Error) {
        (self.setup.notify)(Notice::Waits {
            segment: waiting.number,
            reason: error.with_hint(),
            cause: Trouble::of(error).cause,
        });
    }

    pub(super) fn say_that_it_is_stored(&self, waiting: &Waiting) {
        (self.setup.notify)(Notice::StoresAgain {
            segment: waiting.number,
        });
    }

    /// Takes one segment through all its steps. Where the disk is full, it gets the room that was kept for it.
    pub(super) fn ship(&mut self, waiting: &mut Waiting) -> Result<(), Error> {
        match self.try_to_ship(waiting) {
            Err(error) if error.is_full_disk() && self.spool.give_reserve() => {
                self.try_to_ship(waiting)
            }
            done => done,
        }
    }

    /// Nothing waits any more.
    pub(super) fn has_stored_all(&self) -> Result<(), Error> {
        self.spool.end_reserve()
    }

    /// Where one step fails, the segment has kept what was done, and the next attempt goes on there.
    fn try_to_ship(&mut self, waiting: &mut Waiting) -> Result<(), Error> {
        self.not_in_future(waiting)?;
        let signers = match waiting.form {
            Form::Closed { .. } => self.signers(waiting)?,
            Form::Finished(_) => Vec::new(),
        };
        if let Form::Closed { lines, frames } = &mut waiting.form {
            // Our clock may have been set since: its time goes into a signature.
            self.setup.store.check()?;
            let was_tried = self.spool.has_frames(waiting.number)?;
            let closed = self.with_frames(lines, frames.take())?;
            self.spool.keep_frames(waiting.number, closed.frames())?;
            let object = match sign(closed, &signers) {
                // Nobody has signed it: without its frames, it can still be chained again.
                Err(Unsigned::Refused(error)) if !was_tried => {
                    self.spool.forget_frames(waiting.number)?;
                    return Err(error);
                }
                Err(Unsigned::Refused(error) | Unsigned::Doubtful(error)) => return Err(error),
                Ok(object) => object,
            };
            self.spool.keep_finished(waiting.number, &object)?;
            waiting.form = Form::Finished(object);
        }
        if let Form::Finished(object) = &waiting.form {
            let put = std::mem::replace(&mut waiting.put, Put::Perhaps);
            self.setup
                .put(waiting.number, object, &waiting.head, &self.spool, put)?;
        }
        self.in_store(waiting)
    }

    /// The closed segment with its frames: those in memory, those that an earlier attempt has kept, or its lines compressed
    /// again.
    fn with_frames(
        &self,
        lines: &ClosedLines,
        in_memory: Option<Vec<u8>>,
    ) -> Result<ClosedSegment, Error> {
        let kept = match in_memory {
            Some(frames) => Some(frames),
            None => self.spool.frames(lines.number())?,
        };
        if let Some(frames) = kept
            && let Ok(closed) = lines.clone().with_frames(frames)
        {
            return Ok(closed);
        }
        let level = self.setup.limits.level;
        let at_this_level = self.at_level(lines, level)?;
        // An earlier run may have closed it at another one.
        let mut others = Level::all().filter(|other| *other != level);
        let closed = at_this_level.or_else(|error| {
            let closed = others.find_map(|other| self.at_level(lines, other).ok()?.ok());
            closed.ok_or(error)
        });
        closed.map_err(|error| resume_fault(&self.spool, error))
    }

    fn at_level(
        &self,
        lines: &ClosedLines,
        level: Level,
    ) -> Result<Result<ClosedSegment, ResumeError>, Error> {
        let frames = self.compressed_again(lines.number(), level)?;
        Ok(lines.clone().with_own_frames(frames))
    }

    fn compressed_again(&self, number: u64, level: Level) -> Result<Frames, Error> {
        let mut reader = self.spool.read_wal(number)?;
        let (mut framing, mut frames) = (Framing::default(), Frames::new(level));
        loop {
            let record = reader.next_record();
            let record = record.map_err(|error| self.spool.read_fault(number, error))?;
            match record {
                Some(Record::Opening(opening)) => frames.push(opening.lines)?,
                Some(Record::Batch(batch)) => {
                    for line in batch.lines.split_inclusive(|byte| *byte == b'\n') {
                        if let Some(content) = framing.push(line) {
                            frames.push(&content)?;
                        }
                    }
                }
                Some(Record::Close(_)) | None => break,
            }
        }
        if let Some(content) = framing.end() {
            frames.push(&content)?;
        }
        Ok(frames)
    }

    /// Whose signatures the segment needs, in the order of rule F14: its key, then the one that the key replaces. A key that may not
    /// sign any more does not, although the segment was closed while it might: what is stored later counts for nothing.
    fn signers(&self, waiting: &Waiting) -> Result<Vec<Arc<Signer>>, Error> {
        let (segment, key_change) = (waiting.number, waiting.key_change.as_ref());
        let own = self.setup.signer.verifier_key(&self.setup.log.origin);
        let key = match key_change {
            Some(change) => &change.verifier_key,
            None => self.log_key.as_ref().unwrap_or(&own),
        };
        let sealed = waiting.sealed;
        let required = self.setup.required(key, key_change, segment, sealed);
        let mut signers = Vec::new();
        for key in required.required() {
            let unsigned = |source| KeyError::Unsigned {
                segment,
                source: Box::new(source),
            };
            self.setup.may_sign_now(key).map_err(unsigned)?;
            signers.push(self.setup.signer_of(key)?);
        }
        Ok(signers)
    }

    /// Lines that were accepted under a clock that was ahead wait in the spool until their time has come: a segment from the
    /// future is a fault for as long as it is locked.
    fn not_in_future(&self, waiting: &Waiting) -> Result<(), Error> {
        let now = (self.setup.clock)();
        if waiting.sealed.seconds_since(now) <= MAX_SKEW_SECONDS {
            return Ok(());
        }
        Err(SpoolError::InFuture {
            path: self.spool.folder().to_owned(),
            segment: waiting.number,
            sealed: waiting.sealed,
            now,
        }
        .into())
    }

    /// The segment is in the store: it is the head.
    fn in_store(&mut self, waiting: &Waiting) -> Result<(), Error> {
        // If we crash before this, the spool has the finished object still, and the record is that of the segment before.
        if let Some(head) = known::position(&waiting.head) {
            self.spool.keep_head(head)?;
        }
        let now = (self.setup.clock)();
        self.spool.forget(waiting.number, &waiting.names, now)?;
        self.note_silence(&waiting.head);
        self.head = waiting.head.clone();
        if let Some(change) = &waiting.key_change {
            self.log_key = Some(change.verifier_key.clone());
        }
        let (number, sealed) = (waiting.number, &mut self.sealed);
        sealed.segments = sealed.segments.saturating_add(1);
        sealed.first_segment.get_or_insert(number);
        sealed.last_segment = Some(number);
        sealed.events = sealed.events.saturating_add(waiting.events);
        Ok(())
    }
}

/// Why a segment was not signed.
enum Unsigned {
    /// No signature was made.
    Refused(Error),
    /// One may have been made.
    Doubtful(Error),
}

fn sign(closed: ClosedSegment, signers: &[Arc<Signer>]) -> Result<Vec<u8>, Unsigned> {
    let mut signatures = Vec::new();
    for signer in signers {
        match signer.sign_segment(&closed) {
            Ok(signature) => signatures.push(signature),
            Err(error) if signatures.is_empty() && error.is_refusal() => {
                return Err(Unsigned::Refused(error));
            }
            Err(error) => return Err(Unsigned::Doubtful(error)),
        }
    }
    let finished = closed.finish(signatures);
    finished.map_err(|error| Unsigned::Doubtful(error.into()))
}

impl Setup {
    /// Creates the object. A name that is taken may be our own, of a PUT whose answer was lost.
    pub(super) fn put(
        &self,
        number: u64,
        object: &[u8],
        head: &Head,
        spool: &Spool,
        put: Put,
    ) -> Result<(), Error> {
        let key = self.log.segment_key(number);
        // A store that ignores the condition would make a second version of our own.
        let look = put == Put::Perhaps && self.fencing == Fencing::ListVersions;
        let is_there = look && self.at_most_one_version(&key)? > 0;
        if is_there {
            self.must_be_ours(number, head, spool)?;
        } else if self.store.create(&key, object)? == Created::Exists {
            // Whatever answered so, nobody has written the segment: another writer would stop the log for good.
            let stored = self.store.read(&key)?;
            let stored = stored.ok_or_else(|| self.contradiction(&key))?;
            self.must_have_stored(number, head, spool, &stored)?;
        }
        match self.fencing {
            Fencing::ListVersions => self.at_most_one_version(&key).map(|_| ()),
            Fencing::Condition if number == 0 => self.try_condition(&key, object),
            Fencing::Condition => Ok(()),
        }
    }

    /// When a log is created, and only then, its bytes are put a second time: a store that takes them would one day take
    /// another writer's. If we crash before this, the finished object is still in the spool, and it is done by the next run.
    pub(super) fn try_condition(&self, key: &str, object: &[u8]) -> Result<(), Error> {
        match self.store.create(key, object)? {
            Created::Exists => Ok(()),
            Created::New => Err(StoreError::ConditionIgnored {
                place: self.store.place().to_owned(),
                key: key.to_owned(),
            }
            .into()),
        }
    }

    fn at_most_one_version(&self, key: &str) -> Result<usize, Error> {
        let versions = self.store.versions(key)?;
        if versions > 1 {
            let key = key.to_owned();
            return Err(LogError::SecondVersion { key, versions }.into());
        }
        Ok(versions)
    }

    /// Reads what has our segment's name. Signatures differ each time they are made, so size and root decide.
    pub(super) fn must_be_ours(
        &self,
        number: u64,
        head: &Head,
        spool: &Spool,
    ) -> Result<(), Error> {
        let stored = self.store.read(&self.log.segment_key(number))?;
        self.must_have_stored(number, head, spool, &stored.unwrap_or_default())
    }

    fn contradiction(&self, key: &str) -> StoreError {
        StoreError::Contradiction {
            place: self.store.place().to_owned(),
            key: key.to_owned(),
        }
    }

    fn must_have_stored(
        &self,
        number: u64,
        head: &Head,
        spool: &Spool,
        stored: &[u8],
    ) -> Result<(), Error> {
        let key = self.log.segment_key(number);
        let stored = check_segment(stored, self.expected(number)).ok();
        let expected = head.range.root();
        let ours = stored.as_ref().is_some_and(|stored| {
            let signed = || self.prove_signatures(&key, stored).is_ok();
            stored.head() == head && stored.root() == expected && signed()
        });
        if ours {
            return Ok(());
        }
        Err(LogError::AnotherWriter {
            key,
            expected,
            found: stored.as_ref().map(CheckedSegment::root),
            spool: spool.folder().to_owned(),
        }
        .into())
    }
}
