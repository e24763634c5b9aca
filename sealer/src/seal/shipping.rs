//! The segments that wait, and the thread that stores them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::sealed::Sealed;
use super::setup::Setup;
use super::ship::Shipper;
use super::shipped::Shipped;
use super::told::Told;
use super::waiting::{Form, Waiting};
use crate::error::{Error, MachineError, Trouble};

/// Between two attempts to store a segment.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Segments whose frames stay in memory.
const IN_MEMORY: usize = 2;

/// The segments that wait, and who stores them: the caller, or a thread of its own.
pub(super) struct Shipping {
    shared: Arc<Shared>,
    shipper: Option<Shipper>,
    thread: Option<JoinHandle<Shipper>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<Waiting>,
    /// Bytes of the lines of the segment that the thread has taken, and when it was opened.
    taken: Option<(u64, Timestamp)>,
    thread: Thread,
    /// Why the last attempt has failed, until somebody has taken it.
    failed: Option<Error>,
    /// Attempts that have failed one after the other.
    failures: u32,
    told: Told,
    /// When the next attempt is made by itself; `None` where only somebody who asks for it brings one.
    next_attempt: Option<Instant>,
    pause: Duration,
    /// What the last attempt said, if it has failed.
    trouble: Option<Trouble>,
    first_waits: FirstWaits,
    /// What counts from the next attempt on.
    renewed: Option<Arc<Setup>>,
    asked: bool,
    stop: bool,
    shipped: Shipped,
}

/// What the thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    /// It waits, or there is none.
    Waits,
    /// It has taken the first segment.
    Stores,
    /// It has ended though nobody asked it to: nothing is stored any more.
    HasDied,
}

/// What the first segment waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstWaits {
    /// For the next attempt.
    ToBeTried,
    /// For a key that may not sign any more.
    ForOldKey,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'s, State> {
        match until {
            None => self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Stores segments until it is stopped.
    fn run(&self, shipper: &mut Shipper) {
        let mut state = self.state();
        while !state.stop {
            let due = state.failures == 0
                || state.asked
                || state.next_attempt.is_some_and(|at| at <= Instant::now());
            let taken = due.then(|| state.waiting.pop_front()).flatten();
            let Some(mut waiting) = taken else {
                let until = state.next_attempt.filter(|_| !state.waiting.is_empty());
                state = self.wait(state, until);
                continue;
            };
            if let Some(setup) = state.renewed.take() {
                shipper.setup = setup;
            }
            let asked = std::mem::take(&mut state.asked);
            (state.thread, state.failed, state.next_attempt) = (Thread::Stores, None, None);
            state.taken = Some((waiting.bytes, waiting.opened));
            drop(state);
            let done = shipper.ship(&mut waiting);
            state = self.state();
            (state.thread, state.taken) = (Thread::Waits, None);
            // Whoever has asked for an attempt hears of it, and the next one comes by itself.
            let is_asked = asked || state.asked;
            state.tell(&waiting, &done, is_asked, shipper);
            state.end_attempt(waiting, done, shipper);
            if state.waiting.is_empty() {
                // What cannot be removed now is there when the next queue grows.
                _ = shipper.has_stored_all();
            }
            self.changed.notify_all();
        }
    }
}

/// Says that the thread has ended in a panic, so that nobody waits for it.
struct Farewell<'s>(&'s Shared);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let mut state = self.0.state();
        state.thread = Thread::HasDied;
        state.failures = state.failures.saturating_add(1);
        state.trouble = Some(Trouble::of(&MachineError::Stopped.into()));
        drop(state);
        self.0.changed.notify_all();
    }
}

impl State {
    /// The segment that the thread had taken is still on the disk, and whoever opens the spool next finds it there.
    fn must_live(&self) -> Result<(), Error> {
        if self.thread == Thread::HasDied {
            return Err(MachineError::Stopped.into());
        }
        Ok(())
    }

    /// Says what a person should know of an attempt.
    fn tell(&mut self, waiting: &Waiting, done: &Result<(), Error>, is_asked: bool, by: &Shipper) {
        match done {
            Err(error) if !is_asked => {
                if self.told.failed(self.failures, Trouble::of(error).cause) {
                    by.say_that_it_waits(waiting, error);
                }
            }
            Ok(()) if self.told.stored() => by.say_that_it_is_stored(waiting),
            Ok(()) | Err(_) => {}
        }
    }

    fn end_attempt(&mut self, waiting: Waiting, done: Result<(), Error>, shipper: &Shipper) {
        match done {
            Ok(()) => {
                self.shipped = shipper.shipped();
                (self.pause, self.failures) = (FIRST_PAUSE, 0);
                (self.trouble, self.first_waits) = (None, FirstWaits::ToBeTried);
            }
            Err(error) => {
                self.waiting.push_front(waiting);
                let next = error
                    .can_be_mended()
                    .then(|| Instant::now().checked_add(self.pause));
                self.next_attempt = next.flatten();
                self.trouble = Some(Trouble::of(&error));
                self.first_waits = if error.is_of_an_old_key() {
                    FirstWaits::ForOldKey
                } else {
                    FirstWaits::ToBeTried
                };
                self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                self.failures = self.failures.saturating_add(1);
                self.failed = Some(error);
            }
        }
    }
}

impl Shipping {
    pub(super) fn new(shipper: Shipper) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            taken: None,
            thread: Thread::Waits,
            failed: None,
            failures: 0,
            told: Told::default(),
            next_attempt: None,
            pause: FIRST_PAUSE,
            trouble: None,
            first_waits: FirstWaits::ToBeTried,
            renewed: None,
            asked: false,
            stop: false,
            shipped: shipper.shipped(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
            shipper: Some(shipper),
            thread: None,
        }
    }

    pub(super) fn start(&mut self) -> Result<(), Error> {
        let Some(mut shipper) = self.shipper.take() else {
            return Ok(());
        };
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name("ship".to_owned());
        let thread = builder.spawn(move || {
            let farewell = Farewell(&shared);
            shared.run(&mut shipper);
            drop(farewell);
            shipper
        });
        self.thread = Some(thread.map_err(MachineError::NoThread)?);
        Ok(())
    }

    pub(super) fn push(&self, waiting: Waiting) {
        let mut state = self.shared.state();
        state.waiting.push_back(waiting);
        for later in state.waiting.iter_mut().skip(IN_MEMORY) {
            later.forget_frames();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Whether so many segments wait that the next one does not stay in memory.
    pub(super) fn is_behind(&self) -> bool {
        let state = self.shared.state();
        let being_stored = usize::from(state.thread == Thread::Stores);
        state.waiting.len().saturating_add(being_stored) >= IN_MEMORY
    }

    /// Whether a segment is being stored.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.state().thread == Thread::Stores
    }

    pub(super) fn is_empty(&self) -> bool {
        let state = self.shared.state();
        state.waiting.is_empty() && state.thread != Thread::Stores
    }

    /// Stores what waits, where no thread does.
    pub(super) fn go_on(&mut self) -> Result<(), Error> {
        if self.shipper.is_some() {
            return self.drain();
        }
        Ok(())
    }

    /// Stores all that waits, or says why it cannot be stored now.
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        if let Some(shipper) = &mut self.shipper {
            return Self::drain_here(&self.shared, shipper);
        }
        let mut state = self.shared.state();
        state.asked = true;
        state.failed = None;
        self.shared.changed.notify_all();
        loop {
            state.must_live()?;
            if state.waiting.is_empty() && state.thread != Thread::Stores {
                return Ok(());
            }
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            state = self.shared.wait(state, None);
        }
    }

    fn drain_here(shared: &Shared, shipper: &mut Shipper) -> Result<(), Error> {
        loop {
            let Some(mut waiting) = shared.state().waiting.pop_front() else {
                return shipper.has_stored_all();
            };
            let done = shipper.ship(&mut waiting);
            let mut state = shared.state();
            state.end_attempt(waiting, done, shipper);
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
        }
    }

    /// A failure that time alone does not mend.
    pub(super) fn lasting_failure(&self) -> Result<(), Error> {
        let mut state = self.shared.state();
        state.must_live()?;
        if state.failed.as_ref().is_some_and(|error| !error.may_pass())
            && let Some(error) = state.failed.take()
        {
            return Err(error);
        }
        Ok(())
    }

    /// What the last attempt said, if it has failed.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.shared.state().trouble.clone()
    }

    /// Whether the first segment that waits needs the signature of a key that may not sign any more.
    pub(super) fn is_unsigned(&self) -> bool {
        self.shared.state().first_waits == FirstWaits::ForOldKey
    }

    /// Whatever the first segment waits for, the next attempt says it again.
    pub(super) fn first_is_tried(&self) {
        self.shared.state().first_waits = FirstWaits::ToBeTried;
    }

    /// From the next attempt on, which is made at once, this policy and these keys count.
    pub(super) fn renew(&mut self, setup: &Arc<Setup>) {
        if let Some(shipper) = &mut self.shipper {
            shipper.setup = Arc::clone(setup);
            return;
        }
        let mut state = self.shared.state();
        state.renewed = Some(Arc::clone(setup));
        state.asked = true;
        self.shared.changed.notify_all();
    }

    /// Ends the thread, if there is one, after what it is doing now. Says whether there was one.
    pub(super) fn pause(&mut self) -> bool {
        let Some(thread) = self.thread.take() else {
            return false;
        };
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        // A thread that has panicked has said so.
        self.shipper = thread.join().ok();
        let mut state = self.shared.state();
        state.stop = false;
        if let (Some(shipper), Some(setup)) = (&mut self.shipper, state.renewed.take()) {
            shipper.setup = setup;
        }
        true
    }

    /// Where the log ends before the first segment that was not signed, and under which key. No thread may be running.
    pub(super) fn before_unsigned(&self) -> Option<(Head, Option<VerifierKey>)> {
        let state = self.shared.state();
        let mut end = (state.shipped.head.clone(), state.shipped.log_key.clone());
        for waiting in &state.waiting {
            if let Form::Closed { .. } = waiting.form {
                return Some(end);
            }
            let change = waiting.key_change.as_ref();
            let key = change.map(|change| change.verifier_key.clone());
            end = (waiting.head.clone(), key.or(end.1));
        }
        None
    }

    /// These are in the place of those that were not signed. No thread may be running.
    pub(super) fn replace_unsigned(&self, chained_again: Vec<Waiting>) {
        let mut state = self.shared.state();
        state
            .waiting
            .retain(|waiting| matches!(waiting.form, Form::Finished(_)));
        (state.failures, state.failed) = (0, None);
        state.first_waits = FirstWaits::ToBeTried;
        drop(state);
        for waiting in chained_again {
            self.push(waiting);
        }
    }

    /// While segments are being stored, no more than so many wait. Where storing fails, nobody waits for it.
    pub(super) fn wait_for_fewer_than(&self, most: usize) {
        if self.thread.is_none() {
            return;
        }
        let mut state = self.shared.state();
        while state.waiting.len() >= most && state.failures == 0 {
            state = self.shared.wait(state, None);
        }
    }

    /// What was sealed so far is not counted.
    pub(super) fn count_from_now_on(&mut self) {
        if let Some(shipper) = &mut self.shipper {
            shipper.forget_events();
            self.shared.state().shipped = shipper.shipped();
        }
    }

    /// Bytes of the lines of the segments that wait for their turn.
    pub(super) fn queued_bytes(&self) -> u64 {
        let state = self.shared.state();
        let bytes = state.waiting.iter().map(|waiting| waiting.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// Bytes of the lines of all that were closed and are not stored, and when the first of them was opened.
    pub(super) fn unstored(&self) -> (u64, Option<Timestamp>) {
        let state = self.shared.state();
        let waiting = state.waiting.iter();
        let waiting = waiting.map(|waiting| (waiting.bytes, waiting.opened));
        let all = state.taken.into_iter().chain(waiting);
        let (bytes, opened): (Vec<u64>, Vec<Timestamp>) = all.unzip();
        let bytes = bytes.into_iter().fold(0, u64::saturating_add);
        (bytes, opened.into_iter().min())
    }

    pub(super) fn head(&self) -> Head {
        self.shared.state().shipped.head.clone()
    }

    pub(super) fn log_key(&self) -> Option<VerifierKey> {
        self.shared.state().shipped.log_key.clone()
    }

    pub(super) fn sealed(&self) -> Sealed {
        self.shared.state().shipped.sealed
    }
}

impl Drop for Shipping {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has said so.
            _ = thread.join();
        }
    }
}
