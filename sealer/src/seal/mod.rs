//! The sealer itself: finds the head, finishes what an earlier run left, chains, closes, signs and writes.
//!
//! Its state is the log's head in the store and the spool; between two calls, both can be found again after a crash (see
//! [`spool`](crate::spool) for the story).

use auditlog_chain::builder::{
    BuildError, ClosedSegment, Provenance, SegmentBuilder, StoredPayload,
};
use auditlog_chain::line::KeyChange;
use auditlog_chain::policy::{LogPolicy, Need, TrustPolicy};
use auditlog_chain::segment::{CheckedSegment, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::error::{Error, LogError, StoreError};
use crate::fencing::Fencing;
use crate::input::InputName;
use crate::signer::Signer;
use crate::spool::{Accepted, Spool};
use crate::store::{Created, Store};

mod expiry;
mod head;
mod known;
mod late;
mod notice;
mod recover;
mod silence;
mod start;

pub use known::KnownHead;
pub use notice::Notice;

/// When an open segment is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a segment.
    pub events: u64,
    /// Bytes of its lines, before compression.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 16 << 20,
        }
    }
}

/// All that a sealer works with.
pub struct Setup<'a> {
    /// Where segments go.
    pub store: &'a dyn Store,
    /// The log.
    pub log: LogPolicy,
    /// Who may sign it and when, if there is a policy.
    pub policy: Option<&'a TrustPolicy>,
    /// The key that signs.
    pub signer: &'a Signer,
    /// The key that signed until now, for a rotation.
    pub previous: Option<&'a Signer>,
    /// The clock.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// When an open segment is closed.
    pub limits: Limits,
    /// What keeps other writers out.
    pub fencing: Fencing,
    /// What is known of the head apart from the store and the spool.
    pub known_head: KnownHead,
    /// Takes what a person should look at.
    pub notify: &'a dyn Fn(Notice),
}

/// What one sealer has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Number of segments.
    pub segments: u64,
    /// The first of them.
    pub first_segment: Option<u64>,
    /// The last of them.
    pub last_segment: Option<u64>,
    /// Entries, without those that an earlier run had accepted.
    pub events: u64,
}

/// Whether more events may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// More may be appended.
    Left,
    /// What was appended must be accepted first, with [`Sealer::accept`].
    Used,
}

/// The one writer of a log.
pub struct Sealer<'a> {
    setup: Setup<'a>,
    spool: Spool,
    head: Head,
    log_key: Option<VerifierKey>,
    /// When the newest segment was stored, by the store's clock.
    stored: Option<Timestamp>,
    open: Option<OpenSegment>,
    sealed: Sealed,
    appended: u64,
    accepted: u64,
}

struct OpenSegment {
    builder: SegmentBuilder,
    key_change: Option<KeyChange>,
    opened: Timestamp,
}

impl<'a> Sealer<'a> {
    /// Finds the head of the log, finishes what an earlier run left in the spool, and creates the log where it is new.
    ///
    /// # Errors
    ///
    /// Where the store, the key, the log or the spool are not as they must be. Nothing was accepted then.
    pub fn start(setup: Setup<'a>, spool: Spool) -> Result<Self, Error> {
        let mut sealer = Self::find(setup, spool)?;
        sealer.finish_earlier()?;
        Ok(sealer)
    }

    /// Finds the head of the log. [`Sealer::finish_earlier`] must follow.
    ///
    /// # Errors
    ///
    /// Where the store, the key, the log or the spool are not as they must be. Nothing was written then.
    pub fn find(setup: Setup<'a>, mut spool: Spool) -> Result<Self, Error> {
        setup.store.check()?;
        setup.check_keys()?;
        let start = setup.find_start(&mut spool)?;
        let sealer = Self {
            setup,
            spool,
            head: start.head,
            log_key: start.log_key,
            stored: start.stored,
            open: None,
            sealed: Sealed::default(),
            appended: 0,
            accepted: 0,
        };
        // A key that cannot go on is refused before anything is written.
        sealer.key_change()?;
        Ok(sealer)
    }

    /// Finishes what an earlier run left in the spool, and creates the log where it is new.
    ///
    /// # Errors
    ///
    /// Where the store, the key or the spool are not as they must be. What was accepted earlier is still in the spool.
    pub fn finish_earlier(&mut self) -> Result<(), Error> {
        self.recover()?;
        if self.head.next_segment == 0 {
            self.heartbeat()?;
        }
        self.sealed.events = 0;
        Ok(())
    }

    /// Chains one event. It is accepted only after [`Sealer::accept`].
    ///
    /// # Errors
    ///
    /// Where the key may not sign now, or the segment takes no more.
    pub fn append(
        &mut self,
        payload: &StoredPayload<'_>,
        provenance: &Provenance<'_>,
        time: Timestamp,
    ) -> Result<Room, Error> {
        if self.open.is_none() {
            self.open_segment(time)?;
        }
        let Some(open) = &mut self.open else {
            return Err(BuildError::SegmentFull.into());
        };
        let line = open.builder.append(provenance, payload, time)?;
        self.appended = self.appended.saturating_add(1);
        self.spool.push(line);
        if self.spool.is_full() || self.is_segment_full() {
            return Ok(Room::Used);
        }
        Ok(Room::Left)
    }

    fn is_segment_full(&self) -> bool {
        let limits = self.setup.limits;
        self.open.as_ref().is_some_and(|open| {
            open.builder.events() >= limits.events
                || open.builder.bytes() >= limits.bytes
                || self.spool.is_open_full()
        })
    }

    /// Records how far the input of the events so far was read. The next call that accepts them writes both: either both
    /// are on the disk, or neither is.
    pub fn accepting(&mut self, accepted: Accepted) {
        self.spool.accepting(accepted);
    }

    /// An input that the spool knows was written again: it gets the name that it has now.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn rename_input(&mut self, old: &InputName, new: Accepted) -> Result<(), Error> {
        self.spool.rename_input(old, new)
    }

    /// Syncs what was appended: it is accepted, and not lost in a crash. A full segment is sealed.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: what was appended since the last call is then not accepted. Where a full segment
    /// cannot be sealed, what was accepted is in the spool. The sealer must then be dropped.
    pub fn accept(&mut self) -> Result<(), Error> {
        self.sync()?;
        if self.is_segment_full() {
            return self.close_and_send_open();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.spool.sync()?;
        self.accepted = self.appended;
        Ok(())
    }

    /// Seals the open segment, if there is one: closes it, has it signed, and writes it into the store.
    ///
    /// # Errors
    ///
    /// Where one of these fails; what was accepted is in the spool.
    pub fn seal(&mut self) -> Result<(), Error> {
        self.sync()?;
        self.close_and_send_open()
    }

    fn close_and_send_open(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        self.close_and_send(open)
    }

    /// Writes an empty segment unless one is open: the sign that the log is alive though it has nothing to say.
    ///
    /// # Errors
    ///
    /// As [`Sealer::seal`].
    pub fn heartbeat(&mut self) -> Result<(), Error> {
        if self.open.is_none() {
            self.open_segment((self.setup.clock)())?;
        }
        self.seal()
    }

    /// What this sealer has written.
    pub const fn sealed(&self) -> Sealed {
        self.sealed
    }

    /// When the open segment was opened; `None` where none is open.
    pub fn opened(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.opened)
    }

    /// Whether the next event begins a batch: what is synced together is there whole after a crash, or not at all.
    pub const fn begins_batch(&self) -> bool {
        self.appended == self.accepted
    }

    /// Number of events that were accepted by this sealer, sealed or not.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Where the log is stored, such as `s3://bucket/prefix`.
    pub fn destination(&self) -> String {
        format!("{}/{}", self.setup.store.place(), self.setup.log.prefix)
    }

    /// The end of the log.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The key that signed the newest segment.
    pub const fn log_key(&self) -> Option<&VerifierKey> {
        self.log_key.as_ref()
    }

    /// Where accepted events are kept until they are sealed.
    pub const fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Ends the run. What its summary has reported is for the spool to remember.
    pub fn into_spool(self) -> Spool {
        self.spool
    }

    fn open_segment(&mut self, time: Timestamp) -> Result<(), Error> {
        self.setup.check_keys()?;
        let key_change = self.key_change()?;
        let builder = SegmentBuilder::open(self.head.clone(), time, key_change.clone())?;
        self.spool.push(builder.opening_lines());
        self.open = Some(OpenSegment {
            builder,
            key_change,
            opened: time,
        });
        Ok(())
    }

    /// The key line of the next segment: in the first one, and where the key changes.
    fn key_change(&self) -> Result<Option<KeyChange>, Error> {
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

    fn close_and_send(&mut self, open: OpenSegment) -> Result<(), Error> {
        // Our clock may have been set since: its time goes into the close line, and from there into a signature.
        self.setup.store.check()?;
        let closed = open.builder.close((self.setup.clock)())?;
        self.spool.keep_frames(closed.frames())?;
        self.spool.push(closed.close_line());
        self.spool.sync()?;
        self.sign_and_send(closed, open.key_change.as_ref())
    }

    fn sign_and_send(
        &mut self,
        closed: ClosedSegment,
        key_change: Option<&KeyChange>,
    ) -> Result<(), Error> {
        self.not_in_future(closed.number(), closed.sealed())?;
        let mut signatures = Vec::new();
        for signer in self.signers(key_change, closed.number(), closed.sealed())? {
            signatures.push(signer.sign_segment(&closed)?);
        }
        let (number, events, head) = (closed.number(), closed.events(), closed.head().clone());
        let object = closed.finish(signatures)?;
        self.spool.keep_finished(number, &object)?;
        self.put(number, &object, &head)?;
        self.in_store(number, events, head, key_change)
    }

    /// Whose signatures the segment needs, in the order of rule F14: its key, then the one that the key replaces.
    fn signers(
        &self,
        key_change: Option<&KeyChange>,
        segment: u64,
        sealed: Timestamp,
    ) -> Result<Vec<&'a Signer>, Error> {
        let Some(change) = key_change else {
            let own = self.setup.signer.verifier_key(&self.setup.log.origin);
            let key = self.log_key.as_ref().unwrap_or(&own);
            return Ok(vec![self.setup.signer_of(key)?]);
        };
        let key = &change.verifier_key;
        self.setup
            .required(key, Some(change), segment, sealed)
            .required()
            .into_iter()
            .map(|key| self.setup.signer_of(key))
            .collect()
    }

    /// Creates the object. A name that is taken may be our own, of a PUT whose answer was lost.
    fn put(&self, number: u64, object: &[u8], head: &Head) -> Result<(), Error> {
        let key = self.setup.log.segment_key(number);
        let store = self.setup.store;
        if store.create(&key, object)? == Created::Exists {
            self.must_be_ours(number, head)?;
        }
        match self.setup.fencing {
            Fencing::ListVersions => self.one_version(&key),
            Fencing::Condition if number == 0 => self.try_condition(&key, object),
            Fencing::Condition => Ok(()),
        }
    }

    /// When a log is created, and only then, its bytes are put a second time: a store that takes them would one day take
    /// another writer's. If we crash before this, the finished object is still in the spool, and it is done by the next run.
    fn try_condition(&self, key: &str, object: &[u8]) -> Result<(), Error> {
        match self.setup.store.create(key, object)? {
            Created::Exists => Ok(()),
            Created::New => Err(StoreError::ConditionIgnored {
                place: self.setup.store.place().to_owned(),
                key: key.to_owned(),
            }
            .into()),
        }
    }

    fn one_version(&self, key: &str) -> Result<(), Error> {
        let versions = self.setup.store.versions(key)?;
        if versions > 1 {
            let key = key.to_owned();
            return Err(LogError::SecondVersion { key, versions }.into());
        }
        Ok(())
    }

    /// Reads what has our segment's name. Signatures differ each time they are made, so size and root decide.
    fn must_be_ours(&self, number: u64, head: &Head) -> Result<(), Error> {
        let key = self.setup.log.segment_key(number);
        let stored = self.setup.store.read(&key)?.unwrap_or_default();
        let stored = check_segment(&stored, self.setup.expected(number)).ok();
        let expected = head.range.root();
        let ours = stored.as_ref().is_some_and(|stored| {
            let signed = || self.setup.prove_signatures(&key, stored).is_ok();
            stored.head() == head && stored.root() == expected && signed()
        });
        if ours {
            return Ok(());
        }
        Err(LogError::AnotherWriter {
            key,
            expected,
            found: stored.as_ref().map(CheckedSegment::root),
            spool: self.spool.folder().to_owned(),
        }
        .into())
    }

    /// The segment is in the store: it is the head.
    fn in_store(
        &mut self,
        number: u64,
        events: u64,
        head: Head,
        key_change: Option<&KeyChange>,
    ) -> Result<(), Error> {
        // If we crash before this, the spool has the finished object still, and the record is that of the segment before.
        if let Some(head) = known::position(&head) {
            self.spool.keep_head(head)?;
        }
        self.spool.remove_finished(number)?;
        self.note_silence(&head);
        self.head = head;
        if let Some(change) = key_change {
            self.log_key = Some(change.verifier_key.clone());
        }
        self.sealed.segments = self.sealed.segments.saturating_add(1);
        self.sealed.first_segment.get_or_insert(number);
        self.sealed.last_segment = Some(number);
        self.sealed.events = self.sealed.events.saturating_add(events);
        Ok(())
    }
}
