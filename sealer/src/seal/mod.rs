//! The sealer itself: finds the head, finishes what an earlier run left, chains, closes, signs and writes.
//!
//! Writing and shipping are apart. [`Sealer::accept`] chains and syncs, and needs neither the store nor the key. Closed segments wait
//! on the disk, as many as there are, and the shipper signs and stores them in order: on a thread of its own, once
//! [`Sealer::start_shipping`] was called. The state is the log's head in the store and the spool; between two calls, both can be found again after
//! a crash (see [`spool`](crate::spool) for the story).

use std::sync::Arc;

use auditlog_chain::builder::{MAX_OPEN_BYTES, Provenance, StoredPayload};
use auditlog_chain::line::Repeat;
use auditlog_chain::policy::Position;
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::error::{Error, Trouble};
use crate::input::InputName;
use crate::names::{Events, Fingerprint, Known};
use crate::spool::{Accepted, Series, Spool};
use chain::Chain;
use ship::Shipper;
use shipping::Shipping;
use waiting::Waiting;

mod again;
mod chain;
mod clock;
mod compress;
mod expiry;
mod head;
mod known;
mod late;
mod limits;
mod mismatch;
mod names;
mod notice;
mod offered;
mod recover;
mod renewal;
mod sealed;
mod setup;
mod ship;
mod shipped;
mod shipping;
mod silence;
mod start;
mod told;
mod unstored;
mod waiting;

pub use head::may_sign;
pub use known::KnownHead;
pub use limits::Limits;
pub use notice::Notice;
pub use offered::{Named, Naming, Offered};
pub use renewal::Renewal;
pub use sealed::Sealed;
pub use setup::{Notify, Setup};
pub use unstored::Unstored;

/// Segments that may wait while the shipper keeps up. Where it does not, they wait on the disk in any number.
const AHEAD: usize = 2;

/// Whether more events may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// More may be appended.
    Left,
    /// What was appended must be accepted first, with [`Sealer::accept`].
    Used,
}

/// The one writer of a log.
pub struct Sealer {
    setup: Arc<Setup>,
    spool: Arc<Spool>,
    chain: Chain,
    shipping: Shipping,
    appended: u64,
    /// Those that were accepted, or were handed over to be.
    handed_over: u64,
    accepted: u64,
    /// The segment of which it is not known whether an old key has signed it.
    doubtful: Option<u64>,
    /// Whether only some files may have been replaced, or nothing stores segments any more.
    must_be_dropped: bool,
    full_disk: FullDisk,
}

/// What happens where the disk of the spool is full and segments wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FullDisk {
    /// They are stored first, so that the disk has room again.
    StoresFirst,
    /// Whoever has called is told at once: nobody may wait for the network.
    IsSaid,
}

impl Sealer {
    /// Finds the head of the log, finishes what an earlier run left in the spool, and creates the log where it is new.
    ///
    /// # Errors
    ///
    /// Where the store, the key, the log or the spool are not as they must be. Nothing was accepted then.
    pub fn start(setup: Setup, spool: Spool) -> Result<Self, Error> {
        let mut sealer = Self::find(setup, spool)?;
        sealer.finish_earlier()?;
        Ok(sealer)
    }

    /// Finds the head of the log. [`Sealer::finish_earlier`] must follow.
    ///
    /// # Errors
    ///
    /// Where the store, the key, the log or the spool are not as they must be. Nothing was written then.
    pub fn find(setup: Setup, spool: Spool) -> Result<Self, Error> {
        setup.store.check()?;
        setup.check_keys()?;
        let start = setup.find_start(&spool)?;
        let (setup, spool) = (Arc::new(setup), Arc::new(spool));
        let chain = Chain::new(
            &setup,
            &spool,
            start.head.clone(),
            start.log_key.clone(),
            Series::Usual,
        );
        // A key that cannot go on is refused before anything is written.
        chain.key_change()?;
        let shipper = Shipper::new(&setup, &spool, start);
        Ok(Self {
            setup,
            spool,
            chain,
            shipping: Shipping::new(shipper),
            appended: 0,
            handed_over: 0,
            accepted: 0,
            doubtful: None,
            must_be_dropped: false,
            full_disk: FullDisk::StoresFirst,
        })
    }

    /// Finishes what an earlier run left in the spool, and creates the log where it is new.
    ///
    /// # Errors
    ///
    /// Where the store, the key or the spool are not as they must be. What was accepted earlier is still in the spool.
    pub fn finish_earlier(&mut self) -> Result<(), Error> {
        self.recover()?;
        if self.chain.is_open() {
            self.close()?;
        }
        self.drain()?;
        if self.chain.head().next_segment == 0 {
            self.heartbeat()?;
        }
        self.shipping.count_from_now_on();
        Ok(())
    }

    /// Takes up what an earlier run left in the spool, and creates the log where it is new. What waits is stored while more is
    /// accepted, on a thread of its own. From now on, a full disk is reported at once, and nothing waits for the store.
    ///
    /// # Errors
    ///
    /// Where the store, the key or the spool are not as they must be. What was accepted earlier is still in the spool.
    pub fn take_up_earlier(&mut self) -> Result<(), Error> {
        self.full_disk = FullDisk::IsSaid;
        self.recover()?;
        if self.shipping.is_empty() {
            self.spool.end_reserve()?;
        }
        if self.chain.head().next_segment == 0 {
            self.heartbeat()?;
        }
        self.shipping.count_from_now_on();
        self.start_shipping()
    }

    /// From now on, segments are signed and stored on a thread of their own, while others are written.
    ///
    /// # Errors
    ///
    /// Where no thread can be started.
    pub fn start_shipping(&mut self) -> Result<(), Error> {
        self.shipping.start()
    }

    /// Chains one event. It is accepted only after [`Sealer::accept`].
    ///
    /// # Errors
    ///
    /// Where the key may not sign now, the segment takes no more, or the disk is full or fails.
    pub fn append(
        &mut self,
        payload: &StoredPayload<'_>,
        provenance: &Provenance<'_>,
        time: Timestamp,
    ) -> Result<Room, Error> {
        if self.chain.is_closing() {
            self.close()?;
        }
        if !self.chain.is_open() {
            self.shipping.wait_for_fewer_than(AHEAD);
            let opened = self.chain.open(time);
            self.with_room(opened, |chain| chain.open(time))?;
        }
        self.chain.append(payload, provenance, time)?;
        self.appended = self.appended.saturating_add(1);
        if self.chain.is_group_full() || self.chain.is_segment_full() {
            return Ok(Room::Used);
        }
        Ok(Room::Left)
    }

    /// Chains a whole batch, unless one of its name and its events was accepted before and the name is unique, or its input was accepted up
    /// to the end of it. It is accepted only after [`Sealer::accept`], and is then in
    /// one segment and in one record of the spool.
    ///
    /// # Errors
    ///
    /// As [`Sealer::append`]. Where the disk is full, nothing was chained, and the batch may be appended again.
    pub fn append_batch(&mut self, offered: &Offered<'_>, time: Timestamp) -> Result<Named, Error> {
        if offered.accepted.is_some_and(|to| self.has_accepted(to)) {
            return Ok(Named::Known);
        }
        let fingerprints = offered.fingerprints();
        let known = self.known(fingerprints.first(), time)?;
        let without_id = fingerprints
            .get(1)
            .filter(|_| offered.may_have_another_id());
        let same_content = self.known(without_id, time)?;
        let named = match (known, offered.naming) {
            // A name that is made of the content, or of the ids of the events, says what that is.
            (Known::Within(Events::Other) | Known::Beyond(Events::Other), Naming::Unique) => {
                Named::Reused
            }
            (Known::Within(_), Naming::Unique | Naming::EventIds | Naming::Chunk) => {
                return Ok(Named::Known);
            }
            // Its sender may have begun to count again since.
            (Known::Beyond(_), Naming::Unique | Naming::EventIds | Naming::Chunk)
            | (Known::Within(_) | Known::Beyond(_), Naming::Content)
            | (_, Naming::Doubtful) => Named::Suspected,
            // Some senders give a chunk a new id when they send it again. Others may mean two chunks of the same content.
            (Known::No, _) if same_content != Known::No => Named::Suspected,
            (Known::No, Naming::Unique | Naming::EventIds | Naming::Chunk | Naming::Content) => {
                Named::New
            }
        };
        if offered.is_too_large() {
            return Ok(Named::TooLarge);
        }
        self.make_room_for(offered.line_bytes())?;
        if !self.chain.is_open() {
            self.chain.open(time)?;
        }
        let repeat = (named != Named::New).then_some(Repeat::Suspected);
        self.chain
            .append_batch(offered, &fingerprints, repeat, time)?;
        let events = u64::try_from(offered.events.len()).unwrap_or(u64::MAX);
        self.appended = self.appended.saturating_add(events);
        Ok(named)
    }

    fn known(&self, name: Option<&Fingerprint>, time: Timestamp) -> Result<Known, Error> {
        name.map_or(Ok(Known::No), |name| self.spool.knows(name, time))
    }

    /// Whether all of an input up to this place was accepted, or is accepted by the next sync.
    fn has_accepted(&self, to: &Accepted) -> bool {
        self.spool.has_accepted(to) || self.chain.is_accepting(to)
    }

    /// Syncs what waits for it, and closes a segment that has no room for a batch.
    fn make_room_for(&mut self, bytes: usize) -> Result<(), Error> {
        let closes = self.chain.is_segment_full() || !self.chain.has_room_for(bytes);
        if closes || self.chain.is_group_full() {
            self.sync()?;
        }
        if closes {
            self.close()?;
            return self.shipping.go_on();
        }
        Ok(())
    }

    /// Number of the segment that takes batches, or of the last one that waits; `None` where all is stored.
    pub fn open_segment(&self) -> Option<u64> {
        let next = self.chain.head().next_segment;
        if self.chain.is_open() {
            return Some(next);
        }
        let last = next.checked_sub(1)?;
        (self.shipping.head().next_segment <= last).then_some(last)
    }

    /// Segments that were closed and are not stored.
    pub fn waiting_segments(&self) -> u64 {
        let stored = self.shipping.head().next_segment;
        self.chain.head().next_segment.saturating_sub(stored)
    }

    /// Says whether storing has failed in a way that time alone does not mend.
    ///
    /// # Errors
    ///
    /// Why.
    pub fn check(&self) -> Result<(), Error> {
        self.shipping.lasting_failure()
    }

    /// What the last attempt to store a segment said, if it has failed. It is tried again and again.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shipping.trouble()
    }

    /// Says what a person should look at.
    pub fn notify(&self, notice: Notice) {
        (self.setup.notify)(notice);
    }

    /// Where the disk is full and segments wait, the disk has room again once they are stored. A service does not wait for that.
    fn with_room<T>(
        &mut self,
        tried: Result<T, Error>,
        again: impl FnOnce(&mut Chain) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match tried {
            Err(error)
                if error.is_full_disk()
                    && self.full_disk == FullDisk::StoresFirst
                    && !self.shipping.is_empty() =>
            {
                self.shipping.drain()?;
                again(&mut self.chain)
            }
            tried => tried,
        }
    }

    /// Records how far the input of the events so far was read. The next call that accepts them writes both: either both
    /// are on the disk, or neither is.
    pub fn accepting(&mut self, accepted: Accepted) {
        self.chain.accepting(accepted);
    }

    /// An input that the spool knows was written again: it gets the name that it has now.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn rename_input(&mut self, old: &InputName, new: Accepted) -> Result<(), Error> {
        self.spool.rename_input(old, new)
    }

    /// Syncs what was appended: it is accepted, and not lost in a crash. A full segment is closed, and waits to be stored.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: what was appended since the last call is then not accepted. Where an earlier segment can
    /// never be stored as it is, what was accepted is in the spool. The sealer must then be dropped.
    pub fn accept(&mut self) -> Result<(), Error> {
        self.sync()?;
        self.shipping.lasting_failure()?;
        self.close_full()
    }

    /// Has what was appended synced while more is appended: the next call of this or of [`Sealer::accept`] accepts it, or says why it cannot.
    /// What was handed over before is accepted now. A full segment is synced and closed at once.
    ///
    /// # Errors
    ///
    /// As [`Sealer::accept`].
    pub fn accept_later(&mut self) -> Result<(), Error> {
        if self.chain.is_segment_full() {
            return self.accept();
        }
        let handed_over = self.chain.hand_over();
        self.with_room(handed_over, Chain::hand_over)?;
        self.accepted = self.handed_over;
        self.handed_over = self.appended;
        self.shipping.lasting_failure()
    }

    /// Waits until what was handed over is accepted.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn settle(&mut self) -> Result<(), Error> {
        self.chain.arrive()?;
        self.accepted = self.handed_over;
        Ok(())
    }

    /// The same as [`Sealer::accept`], whatever storing has said: what cannot be stored now waits on the disk. [`Sealer::check`] says why.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: what was appended since the last call is then not accepted.
    pub fn accept_behind_what_waits(&mut self) -> Result<(), Error> {
        self.sync()?;
        self.close_full()
    }

    fn close_full(&mut self) -> Result<(), Error> {
        if self.chain.is_segment_full() {
            self.close()?;
            return self.shipping.go_on();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        let synced = self.chain.sync();
        self.with_room(synced, Chain::sync)?;
        self.handed_over = self.appended;
        self.accepted = self.appended;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let closed = self.chain.close();
        if let Some(mut waiting) = self.with_room(closed, Chain::close)? {
            if self.shipping.is_behind() {
                self.take_over_names(&mut waiting);
                self.spool.take_reserve(self.reserve_bytes());
            }
            self.shipping.push(waiting);
        }
        Ok(())
    }

    /// The frames of a segment and its object, of lines that cannot be compressed, and a group that is being written meanwhile. A last
    /// batch may bring a segment beyond its limit, and up to what any may have.
    fn reserve_bytes(&self) -> u64 {
        let lines = self.setup.limits.bytes.max(MAX_OPEN_BYTES);
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        lines.saturating_mul(2).saturating_add(16 << 20)
    }

    /// Whether the room that was kept for storing segments is in use, and the disk has no other: nothing may be accepted.
    pub fn stores_with_the_last_room(&self) -> bool {
        let is_given = self.spool.reserve_is_given();
        if !is_given || self.waiting_segments() == 0 {
            return false;
        }
        // Whoever stores a segment is not robbed of it.
        self.shipping.is_busy() || !self.spool.take_reserve(self.reserve_bytes())
    }

    /// However long the queue is, the names in it do not fill the memory. If we crash before the segment is stored, its names are in its
    /// write-ahead file as well, which does no harm.
    fn take_over_names(&self, waiting: &mut Waiting) {
        let now = (self.setup.clock)();
        // On a full disk they wait with their segment.
        if self.spool.remember_all(&waiting.names, now).is_ok() {
            waiting.names = Vec::new();
        }
    }

    /// Seals the open segment, if there is one, and all that wait: closes it, has them signed, and writes them into the store.
    ///
    /// # Errors
    ///
    /// Where one of these fails; what was accepted is in the spool.
    pub fn seal(&mut self) -> Result<(), Error> {
        // All of it waits for the store in any case.
        let before = std::mem::replace(&mut self.full_disk, FullDisk::StoresFirst);
        let closed = self.sync().and_then(|()| self.close());
        self.full_disk = before;
        closed?;
        self.drain()
    }

    /// Stores all that waits. What waits for a key that may not sign any more is chained again.
    fn drain(&mut self) -> Result<(), Error> {
        match self.shipping.drain() {
            Err(error) if error.is_of_an_old_key() && self.must_chain_again() => {
                self.chain_again()?;
                self.shipping.drain()
            }
            done => done,
        }
    }

    /// Whether another key signs than before, and may.
    pub fn may_announce_key(&self) -> bool {
        self.chain.changes_key() && self.setup.check_keys().is_ok()
    }

    /// Segment, size and root of the last segment in the store.
    pub fn stored(&self) -> Option<Position> {
        known::position(&self.head())
    }

    /// From now on, this policy and these keys count.
    pub fn renew(&mut self, renewal: Renewal) {
        self.setup.store.declare(renewal.lock.clone());
        let setup = Arc::new(self.setup.renewed(renewal));
        self.chain.renew(&setup);
        self.shipping.renew(&setup);
        self.setup = setup;
    }

    /// Where another key signs than before, seals a segment that announces it, at once. Where what waits cannot be stored now, it
    /// waits behind that.
    ///
    /// # Errors
    ///
    /// Where the key may not sign now, or the disk is full or fails.
    pub fn announce_key(&mut self) -> Result<(), Error> {
        if !self.chain.changes_key() {
            return Ok(());
        }
        self.setup.check_keys()?;
        self.sync()?;
        self.close()?;
        self.chain.open((self.setup.clock)())?;
        self.close()?;
        let key = self.setup.signer.verifier_key(&self.setup.log.origin);
        self.notify(Notice::Rotated { key: Box::new(key) });
        self.shipping.go_on()
    }

    /// Writes an empty segment unless one is open: the sign that the log is alive though it has nothing to say.
    ///
    /// # Errors
    ///
    /// As [`Sealer::seal`].
    pub fn heartbeat(&mut self) -> Result<(), Error> {
        if !self.chain.is_open() {
            self.chain.open((self.setup.clock)())?;
        }
        self.seal()
    }

    /// The same, where what cannot be stored now waits on the disk.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails, or a segment can never be stored as it is.
    pub fn close_old(&mut self) -> Result<(), Error> {
        if !self.chain.is_open() {
            self.chain.open((self.setup.clock)())?;
        }
        self.sync()?;
        self.close()?;
        self.shipping.go_on()
    }

    /// What this sealer has written.
    pub fn sealed(&self) -> Sealed {
        self.shipping.sealed()
    }

    /// When the open segment was opened; `None` where none is open.
    pub fn opened(&self) -> Option<Timestamp> {
        self.chain.opened()
    }

    /// Whether the next event begins a batch: what is synced together is there whole after a crash, or not at all.
    pub const fn begins_batch(&self) -> bool {
        self.appended == self.handed_over
    }

    /// Number of events that were accepted by this sealer, sealed or not.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Where the log is stored, such as `s3://bucket/prefix`.
    pub fn destination(&self) -> String {
        format!("{}/{}", self.setup.store.place(), self.setup.log.prefix)
    }

    /// The end of the log in the store.
    pub fn head(&self) -> Head {
        self.shipping.head()
    }

    /// When the last segment was closed, stored or not.
    pub fn last_closed(&self) -> Option<Timestamp> {
        self.chain.head().sealed
    }

    /// The key that signed the newest segment in the store.
    pub fn log_key(&self) -> Option<VerifierKey> {
        self.shipping.log_key()
    }

    /// Where accepted events are kept until they are sealed.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Ends the run. What its summary has reported is for the spool to remember.
    pub fn into_spool(self) -> Arc<Spool> {
        self.spool
    }
}
