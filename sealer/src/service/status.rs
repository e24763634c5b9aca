//! What is known of one log while the service runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;

use super::latency::Latency;
use super::waiting::Waiting;
use crate::error::{Cause, Trouble};
use crate::follow::Remembering;
use crate::input::InputName;
use crate::names::Remembered;
use crate::spool::Kept;

/// Between two lines about names that several batches have.
const SAID_FOR: Duration = Duration::from_mins(1);

/// What is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// No batch is taken.
    Accepting,
    /// Closed segments are not stored.
    Storing,
    /// Batches are taken, and are not acknowledged before they are stored, which none is.
    Acknowledging,
    /// The bucket does not lock what it is given, or not by itself as the trust policy declares.
    Locking,
    /// A policy or keys that were changed are not used.
    Renewing,
}

impl Part {
    /// Its name for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepting => "accepting",
            Self::Storing => "storing",
            Self::Acknowledging => "acknowledging",
            Self::Locking => "locking",
            Self::Renewing => "renewing",
        }
    }
}

/// What the thread of a log says of it from time to time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The last segment in the store.
    pub head: Option<Position>,
    /// When it was sealed.
    pub sealed: Option<Timestamp>,
    /// The verifier key of that segment.
    pub key: Option<String>,
    /// When the next segment is closed, though nothing comes.
    pub next_heartbeat: Option<Timestamp>,
    /// The names of batches that are remembered.
    pub names: Remembered,
    /// Since when all names are known, where that is later than the window says.
    pub names_since: Option<Timestamp>,
    /// By how many seconds our clock is ahead of the store's; `None` where it has none.
    pub clock_difference: Option<i64>,
}

/// The state of one log, which its threads keep up to date.
#[derive(Debug)]
pub struct Status {
    origin: Mutex<String>,
    troubles: Mutex<BTreeMap<Part, Trouble>>,
    /// `None` before the thread of the log has gone round.
    view: Mutex<Option<View>>,
    /// What the log knew of its inputs when its head was found.
    remembering: Mutex<Option<Remembering>>,
    /// Inputs that were read to their end and are not there any more, which the log does not know yet.
    finished: Mutex<Vec<InputName>>,
    /// When the thread of the log has gone round last; `None` where it may wait for others.
    beat: Mutex<Option<Instant>>,
    pub(super) events: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) repeats: AtomicU64,
    pub(super) suspected: AtomicU64,
    pub(super) reused: AtomicU64,
    /// How many of these were said, and when.
    said_reused: Mutex<(u64, Option<Instant>)>,
    pub(super) sealed_segments: AtomicU64,
    /// What is accepted and not stored; `None` where nobody knows.
    waiting: Mutex<Option<Waiting>>,
    pub(super) synced: Latency,
    pub(super) stored: Latency,
    pub(super) next_segment: AtomicU64,
    pub(super) size: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Status {
    /// Before the log's head is found.
    pub fn new(name: &str) -> Self {
        let unknown = Trouble {
            cause: Cause::Start,
            reason: "the head of the log is not found yet".to_owned(),
        };
        Self {
            origin: Mutex::new(name.to_owned()),
            troubles: Mutex::new(BTreeMap::from([(Part::Accepting, unknown)])),
            view: Mutex::default(),
            remembering: Mutex::default(),
            finished: Mutex::default(),
            beat: Mutex::default(),
            events: AtomicU64::default(),
            batches: AtomicU64::default(),
            bytes: AtomicU64::default(),
            repeats: AtomicU64::default(),
            suspected: AtomicU64::default(),
            reused: AtomicU64::default(),
            said_reused: Mutex::default(),
            sealed_segments: AtomicU64::default(),
            waiting: Mutex::default(),
            synced: Latency::default(),
            stored: Latency::default(),
            next_segment: AtomicU64::default(),
            size: AtomicU64::default(),
        }
    }

    /// Why no batch is taken now; `None` where batches are taken.
    pub fn trouble(&self) -> Option<String> {
        self.trouble_of(Part::Accepting)
            .map(|trouble| trouble.reason)
    }

    /// Why senders should go elsewhere: no batch is taken, or none is acknowledged.
    pub fn not_ready(&self) -> Option<String> {
        let acknowledging = || self.trouble_of(Part::Acknowledging);
        let trouble = self.trouble_of(Part::Accepting).or_else(acknowledging);
        trouble.map(|trouble| trouble.reason)
    }

    /// What is wrong with a part.
    pub fn trouble_of(&self, part: Part) -> Option<Trouble> {
        locked(&self.troubles).get(&part).cloned()
    }

    /// All that is wrong.
    pub fn troubles(&self) -> Vec<(Part, Trouble)> {
        let troubles = locked(&self.troubles);
        let all = troubles.iter();
        all.map(|(part, trouble)| (*part, trouble.clone()))
            .collect()
    }

    /// Says what is wrong with a part, or that nothing is. Says whether that is new.
    pub fn set(&self, part: Part, trouble: Option<Trouble>) -> bool {
        let mut troubles = locked(&self.troubles);
        let is_new = troubles.remove(&part) != trouble;
        troubles.extend(trouble.map(|trouble| (part, trouble)));
        is_new
    }

    /// No batch is taken. Says whether the cause is a new one.
    pub fn refuses(&self, trouble: Trouble) -> bool {
        let mut troubles = locked(&self.troubles);
        let cause = trouble.cause;
        let before = troubles.insert(Part::Accepting, trouble);
        before.is_none_or(|before| before.cause != cause)
    }

    /// Batches are taken. Says whether somebody was told before that they are not: a start without trouble is not news.
    pub(super) fn accepts(&self) -> bool {
        let before = locked(&self.troubles).remove(&Part::Accepting);
        before.is_some_and(|before| before.cause != Cause::Start)
    }

    /// What the log knew of its inputs when its head was found; `None` before that.
    pub fn remembering(&self) -> Option<Remembering> {
        locked(&self.remembering).clone()
    }

    /// The head of the log is found.
    pub fn remembers(&self, remembering: Remembering) {
        *locked(&self.remembering) = Some(remembering);
    }

    /// Inputs were read to their end and are not there any more.
    pub(super) fn finish(&self, names: &[InputName]) {
        locked(&self.finished).extend_from_slice(names);
    }

    pub(super) fn take_finished(&self) -> Vec<InputName> {
        std::mem::take(&mut *locked(&self.finished))
    }

    /// How many batches have come under the name of another one since that was said last; `None` where it was said within a minute.
    pub(super) fn say_reused(&self, now: Instant) -> Option<u64> {
        let mut said = locked(&self.said_reused);
        let (before, at) = *said;
        let is_recent = |at: Instant| now.saturating_duration_since(at) < SAID_FOR;
        if at.is_some_and(is_recent) {
            return None;
        }
        let all = self.reused.load(Ordering::Relaxed);
        *said = (all, Some(now));
        Some(all.saturating_sub(before))
    }

    /// What the thread of the log said last; `None` before it has said anything.
    pub fn view(&self) -> Option<View> {
        locked(&self.view).clone()
    }

    pub(super) fn set_view(&self, view: View) {
        *locked(&self.view) = Some(view);
    }

    /// The thread of the log has gone round, or may wait for others from now on.
    pub(super) fn beat(&self, at: Option<Instant>) {
        *locked(&self.beat) = at;
    }

    /// The thread of the log may wait for others, or has ended.
    pub fn rests(&self) {
        self.beat(None);
    }

    /// These files are in the spool, until it is known which of them are stored.
    pub fn found_waiting(&self, kept: &[Kept], now: Timestamp) {
        self.set_waiting(Waiting::of_files(kept, now));
    }

    /// Nobody knows what is in the spool, such as while another process uses it.
    pub fn waiting_is_unknown(&self) {
        *locked(&self.waiting) = None;
    }

    /// Whether somebody has looked at what waits.
    pub fn knows_what_waits(&self) -> bool {
        self.waiting().is_some()
    }

    pub(super) fn set_waiting(&self, waiting: Waiting) {
        *locked(&self.waiting) = Some(waiting);
    }

    /// What is on this machine's disk alone; `None` where nobody knows.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        *locked(&self.waiting)
    }

    /// Whether the thread of the log has gone round within this time, or may wait for others.
    pub fn is_alive(&self, within: Duration) -> bool {
        locked(&self.beat).is_none_or(|beat| beat.elapsed() < within)
    }

    /// The origin of the log; its name until its policy was read.
    pub fn origin(&self) -> String {
        locked(&self.origin).clone()
    }

    /// The policy was read.
    pub fn set_origin(&self, origin: &str) {
        origin.clone_into(&mut locked(&self.origin));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_is_new_where_its_cause_is() {
        let status = Status::new("log");
        status.set(Part::Accepting, None);
        let refuses = |cause, reason: &str| {
            let reason = reason.to_owned();
            status.refuses(Trouble { cause, reason })
        };
        assert!(refuses(Cause::Queue, "it is full"));
        assert!(!refuses(Cause::Queue, "it is full still"));
        assert!(refuses(Cause::Disk, "it is full, too"));
        assert_eq!(status.trouble().as_deref(), Some("it is full, too"));
    }

    #[test]
    fn start_is_news_after_trouble_alone() {
        let status = Status::new("log");
        assert!(!status.accepts());
        assert!(!status.accepts());
        let (cause, reason) = (Cause::Kms, "it does not answer".to_owned());
        status.refuses(Trouble { cause, reason });
        assert!(status.accepts());
        assert_eq!(status.trouble(), None);
    }

    #[test]
    fn reused_names_are_reported_once_a_minute_with_their_number() {
        let (status, begin) = (Status::new("log"), Instant::now());
        let mut said = Vec::new();
        for seconds in [0, 1, 59, 60, 61, 200] {
            status.reused.fetch_add(1, Ordering::Relaxed);
            said.push(status.say_reused(begin + Duration::from_secs(seconds)));
        }
        assert_eq!(said, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
