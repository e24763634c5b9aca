//! The thread of one log: takes offers, chains and syncs them together, and answers their senders.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::timestamp::Timestamp;

use super::ages::Ages;
use super::latency::Latency;
use super::offer::{Ack, Answer, Offer};
use super::status::{Part, Status, View};
use super::update::Update;
use super::waiting::Waiting;
use crate::error::{Cause, Error, Trouble};
use crate::seal::{Named, Notice, Offered, Sealer};
use crate::store::Clock;

/// Between two attempts where the disk is full or fails.
const RETRY: Duration = Duration::from_secs(1);

/// How long the thread waits at most before it looks at the clock.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// While somebody waits for the store.
const SHORT_WAIT: Duration = Duration::from_millis(5);

/// How long a batch may wait for the store until the log is not ready. A request does not wait longer than that.
const LATE: Duration = Duration::from_secs(30);

/// Bytes of offers that are synced together.
const GROUP_BYTES: usize = 4 << 20;

/// Names of batches in memory. Stops a queue of very many small batches from filling it.
const MAX_NAMES_IN_MEMORY: u64 = 4_000_000;

/// The thread of one log.
pub struct Writer<'o> {
    /// Chains and syncs.
    pub sealer: Sealer,
    /// Where offers come from. When all senders are gone, the thread seals what it has and ends.
    pub offers: &'o Receiver<Offer>,
    /// Where another policy and other keys come from.
    pub updates: &'o Receiver<Update>,
    /// When a segment is closed though it is not full.
    pub ages: Ages,
    /// When a batch is acknowledged.
    pub ack: Ack,
    /// Segments that may wait on the disk, in bytes.
    pub spool_max: u64,
    /// The clock.
    pub clock: Clock,
    /// What the service says of the log.
    pub status: Arc<Status>,
    /// Whether the service is ending: what does not pass by then is not waited for.
    pub ending: Arc<AtomicBool>,
}

/// A sender that waits until a segment is stored.
struct Waiter {
    segment: u64,
    since: Instant,
    answer: Box<dyn FnOnce(Answer) + Send>,
    said: Answer,
}

impl Writer<'_> {
    /// Runs until all senders of offers are gone, and seals what was accepted.
    ///
    /// # Errors
    ///
    /// Where the log cannot go on without a person. What was accepted is in the spool.
    pub fn run(mut self) -> Result<(), Error> {
        let mut waiters = VecDeque::new();
        let done = self.take_all(&mut waiters);
        self.status.beat(None);
        for Waiter { answer, .. } in waiters {
            answer(Answer::Stopped);
        }
        done
    }

    fn take_all(&mut self, waiters: &mut VecDeque<Waiter>) -> Result<(), Error> {
        self.update();
        self.wait_for_room(waiters)?;
        loop {
            let wait = if waiters.is_empty() {
                LONGEST_WAIT
            } else {
                SHORT_WAIT
            };
            match self.offers.recv_timeout(wait) {
                Ok(first) => {
                    if !self.clock_is_right() {
                        self.wait_for_room(waiters)?;
                    }
                    self.take(first, waiters)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish_inputs();
                    self.status.beat(None);
                    // What is closed under a wrong clock has its time for good: it is closed by the next start.
                    let sealed = self.sealer.check_clock();
                    let sealed = sealed.and_then(|()| self.sealer.seal());
                    self.tell_stored(waiters);
                    return sealed;
                }
            }
            self.check()?;
            self.renew()?;
            self.settle_keys(waiters)?;
            self.close_what_is_due(!waiters.is_empty())?;
            self.tell_stored(waiters);
            self.update();
            self.finish_inputs();
            self.wait_for_room(waiters)?;
        }
    }

    /// Remembers which files nobody will find again, so that nobody is told of them twice.
    fn finish_inputs(&self) {
        let finished = self.status.take_finished();
        if !finished.is_empty() {
            self.sealer.spool().finish_inputs(&finished);
        }
    }

    /// Takes what waits, as one group.
    fn take(&mut self, first: Offer, waiters: &mut VecDeque<Waiter>) -> Result<(), Error> {
        let mut group = Vec::new();
        let (mut bytes, mut next) = (0usize, Some(first));
        while let Some(offer) = next {
            bytes = bytes.saturating_add(offer.events.bytes());
            let said = self.chain(&offer)?;
            group.push((offer, said));
            if bytes >= GROUP_BYTES {
                break;
            }
            next = self.offers.try_recv().ok();
        }
        let segment = self.sealer.open_segment();
        self.until_it_passes(Sealer::accept_behind_what_waits)?;
        let now = Instant::now();
        for (offer, said) in group {
            self.count(&offer, &said);
            let is_in_log = matches!(said, Answer::Accepted | Answer::Repeat);
            let waits = is_in_log && offer.reached.is_none();
            match (self.ack, segment.filter(|_| waits)) {
                (Ack::Stored, Some(segment)) => waiters.push_back(Waiter {
                    segment,
                    since: offer.since,
                    answer: offer.answer,
                    said,
                }),
                (Ack::Synced, _) | (Ack::Stored, None) => {
                    if is_in_log {
                        let waited = now.saturating_duration_since(offer.since);
                        self.latency(waits).add(waited);
                    }
                    (offer.answer)(said);
                }
            }
        }
        Ok(())
    }

    /// Where all is stored, a repeat is acknowledged as stored at once.
    fn latency(&self, waits: bool) -> &Latency {
        match self.ack {
            Ack::Stored if waits => &self.status.stored,
            Ack::Stored | Ack::Synced => &self.status.synced,
        }
    }

    fn chain(&mut self, offer: &Offer) -> Result<Answer, Error> {
        let clock = Arc::clone(&self.clock);
        let offered = Offered {
            source: offer.source.as_ref(),
            name: offer.name.as_ref(),
            naming: offer.naming,
            events: &offer.events,
            accepted: offer.reached.as_ref().map(|reached| &reached.accepted),
        };
        let named = self.until_it_passes(|sealer| {
            sealer.check_clock()?;
            sealer.append_batch(&offered, clock())
        })?;
        Ok(match named {
            Named::New => Answer::Accepted,
            Named::Known => Answer::Repeat,
            Named::Suspected => {
                self.status.suspected.fetch_add(1, Ordering::Relaxed);
                Answer::Accepted
            }
            Named::Reused => {
                self.status.suspected.fetch_add(1, Ordering::Relaxed);
                self.status.reused.fetch_add(1, Ordering::Relaxed);
                self.warn_of_reuse(offer);
                Answer::Accepted
            }
            Named::TooLarge => Answer::TooLarge,
        })
    }

    /// Says once a minute that a sender gives one name to several batches.
    fn warn_of_reuse(&self, offer: &Offer) {
        let Some(batches) = self.status.say_reused(Instant::now()) else {
            return;
        };
        let name = offer.name.as_ref().map_or("", |name| name.as_str());
        let source = offer.source.as_ref();
        self.sealer.notify(Notice::NameReused {
            name: name.to_owned(),
            source: source.map(|source| source.as_str().to_owned()),
            batches,
        });
    }

    /// Where the disk is full or fails, nothing is taken until it is well again.
    fn until_it_passes<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Sealer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            match attempt(&mut self.sealer) {
                Err(error) if self.waits_for(&error) => {
                    self.refuse(Trouble::of(&error), error.with_hint());
                    self.status.beat(Some(Instant::now()));
                    thread::sleep(RETRY);
                    self.renew()?;
                }
                done => return done,
            }
        }
    }

    /// What somebody can mend is tried again and again, unless the spool must be opened again first.
    fn waits_for(&self, error: &Error) -> bool {
        let is_ending = self.ending.load(Ordering::SeqCst);
        error.can_be_mended() && !is_ending && !self.sealer.must_be_dropped()
    }

    /// Why nothing is taken from now on, also on standard error, once for each cause.
    fn refuse(&self, trouble: Trouble, reason: String) {
        let cause = trouble.cause;
        if self.status.refuses(trouble) {
            self.sealer.notify(Notice::Refuses { reason, cause });
        }
    }

    fn accept_again(&self) {
        if self.status.accepts() {
            self.sealer.notify(Notice::AcceptsAgain);
        }
    }

    /// Takes another policy and other keys, if somebody has them.
    fn renew(&mut self) -> Result<(), Error> {
        while let Ok(update) = self.updates.try_recv() {
            match update {
                Update::Renewed { renewal, ages } => {
                    self.ages = ages;
                    self.sealer.renew(*renewal);
                }
                Update::Ended(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Announces another key at once. What waits for a key that may not sign any more is chained again first.
    fn settle_keys(&mut self, waiters: &mut VecDeque<Waiter>) -> Result<(), Error> {
        if !self.sealer.clock_agrees() {
            return Ok(());
        }
        if self.sealer.must_chain_again() {
            // A long queue takes longer than a watchdog waits.
            self.status.beat(None);
            match self.sealer.chain_again() {
                // It is tried again after the next attempt to store the first of them. Meanwhile, more is accepted.
                Err(error) if self.waits_for(&error) => {}
                done => done?,
            }
            if let Some(last) = self.sealer.open_segment() {
                // Numbers may have changed: all of them wait for the last one.
                for waiter in waiters.iter_mut() {
                    waiter.segment = last;
                }
            }
        }
        if self.sealer.may_announce_key() {
            self.until_it_passes(Sealer::announce_key)?;
        }
        Ok(())
    }

    /// Whether storing has failed in a way that nobody waits for.
    fn check(&self) -> Result<(), Error> {
        match self.sealer.check() {
            Err(error) if self.waits_for(&error) => Ok(()),
            checked => checked,
        }
    }

    fn count(&self, offer: &Offer, said: &Answer) {
        let add = |counter: &std::sync::atomic::AtomicU64, number: usize| {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            counter.fetch_add(number, Ordering::Relaxed);
        };
        match said {
            Answer::Accepted => {}
            Answer::Repeat => return add(&self.status.repeats, 1),
            // Who answers the sender counts it.
            Answer::TooLarge | Answer::Stopped => return,
        }
        add(&self.status.batches, 1);
        add(&self.status.events, offer.events.len());
        add(&self.status.bytes, offer.events.bytes());
    }

    /// Closes the open segment where it is old, or where somebody waits for the store and nothing is on its way there.
    fn close_what_is_due(&mut self, somebody_waits: bool) -> Result<(), Error> {
        let is_due = somebody_waits && self.sealer.waiting_segments() == 0;
        let is_open = self.sealer.opened().is_some();
        let is_old = || self.old_at().is_some_and(|old| old <= (self.clock)());
        if (is_open && is_due || is_old()) && self.sealer.clock_agrees() {
            self.until_it_passes(Sealer::close_old)?;
        }
        Ok(())
    }

    fn old_at(&self) -> Option<Timestamp> {
        if let Some(opened) = self.sealer.opened() {
            return Some(opened.saturating_add_seconds(self.ages.open_seconds));
        }
        let closed = self.sealer.last_closed()?;
        Some(closed.saturating_add_seconds(self.ages.silent_seconds?))
    }

    fn tell_stored(&self, waiters: &mut VecDeque<Waiter>) {
        let next = self.sealer.head().next_segment;
        while waiters.front().is_some_and(|first| first.segment < next) {
            if let Some(waiter) = waiters.pop_front() {
                self.status.stored.add(waiter.since.elapsed());
                (waiter.answer)(waiter.said);
            }
        }
        let since = waiters.front().map(|first| first.since.elapsed());
        let is_late = since.is_some_and(|since| since > LATE);
        let trouble = is_late.then(|| self.late());
        self.status.set(Part::Acknowledging, trouble);
    }

    fn late(&self) -> Trouble {
        let storing = self.sealer.trouble();
        let (cause, why) = storing.map_or((Cause::Store, String::new()), |trouble| {
            (trouble.cause, format!(": {}", trouble.reason))
        });
        let seconds = LATE.as_secs();
        let reason = format!("what was accepted {seconds} seconds ago is not stored{why}");
        Trouble { cause, reason }
    }

    fn update(&self) {
        let head = self.sealer.head();
        let set = |counter: &std::sync::atomic::AtomicU64, value| {
            counter.store(value, Ordering::Relaxed);
        };
        set(&self.status.next_segment, head.next_segment);
        set(&self.status.size, head.range.size());
        set(&self.status.sealed_segments, self.sealer.sealed().segments);
        self.status.beat(Some(Instant::now()));
        self.status.set_waiting(Waiting::new(
            self.sealer.waiting_segments(),
            self.sealer.waiting_bytes(),
            self.sealer.unstored(),
            (self.clock)(),
        ));
        self.status.set(Part::Storing, self.sealer.trouble());
        self.status.set_view(View {
            sealed: head.sealed,
            head: self.sealer.stored(),
            key: self.sealer.log_key().map(|key| key.to_string()),
            next_heartbeat: self.old_at(),
            names_since: self.names_since(),
            names: self.sealer.spool().remembered(),
            clock_difference: self.sealer.clock_ahead_seconds(),
        });
    }

    /// Since when all names are known, until the window has passed that.
    fn names_since(&self) -> Option<Timestamp> {
        let spool = self.sealer.spool();
        let window = spool.remembered().seconds;
        let begin = (self.clock)().saturating_add_seconds(window.saturating_neg());
        spool.names_since().filter(|since| *since > begin)
    }

    /// Where the queue is as long as it may be, or the clock is wrong, nothing is taken until that has passed.
    fn wait_for_room(&mut self, waiters: &mut VecDeque<Waiter>) -> Result<(), Error> {
        while let Some(trouble) = self.no_room() {
            if self.ending.load(Ordering::SeqCst) {
                return Ok(());
            }
            let reason = trouble.reason.clone();
            self.refuse(trouble, reason);
            thread::sleep(RETRY);
            self.check()?;
            self.renew()?;
            self.settle_keys(waiters)?;
            self.tell_stored(waiters);
            self.update();
        }
        self.accept_again();
        Ok(())
    }

    fn no_room(&self) -> Option<Trouble> {
        let is_full = self.sealer.queued_bytes() > self.spool_max;
        let full = is_full.then(|| Trouble {
            cause: Cause::Queue,
            reason: "the spool is as large as spool_max_bytes allows".to_owned(),
        });
        full.or_else(|| self.too_many_names())
            .or_else(|| self.no_room_on_disk())
            .or_else(|| self.wrong_clock())
    }

    fn clock_is_right(&self) -> bool {
        self.wrong_clock().is_none()
    }

    /// Segments that wait for their time are not a reason: what they have is safe, and what comes is given a time after theirs.
    fn wrong_clock(&self) -> Option<Trouble> {
        if self.sealer.clock_agrees() {
            return None;
        }
        // The store may take longer to answer than a watchdog waits.
        self.status.beat(None);
        let checked = self.sealer.check_clock();
        self.status.beat(Some(Instant::now()));
        checked.err().map(|error| Trouble::of(&error))
    }

    fn no_room_on_disk(&self) -> Option<Trouble> {
        self.sealer.stores_with_the_last_room().then(|| Trouble {
            cause: Cause::Disk,
            reason: "the disk of the spool is full, and its last room is for storing what waits"
                .to_owned(),
        })
    }

    /// The names of a long queue are in files, unless the disk takes no more.
    fn too_many_names(&self) -> Option<Trouble> {
        let in_memory = self.sealer.spool().remembered().in_memory;
        (in_memory > MAX_NAMES_IN_MEMORY).then(|| Trouble {
            cause: Cause::Queue,
            reason: format!("more than {MAX_NAMES_IN_MEMORY} batches wait for the store"),
        })
    }
}
