//! The clock of a store beside ours.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use rustix::time::{ClockId, clock_gettime};

use crate::limits::MAX_SKEW_SECONDS;

/// A clock that other threads may read.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// By how much our clock may have moved since a reading that is relied on.
const FRESH_SECONDS: i64 = 60;

/// The same of one that stops the log: it goes on soon after somebody has set the store's clock.
const FRESH_SKEWED_SECONDS: i64 = 5;

/// How long this machine has been running, also while it slept. Nobody can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime(Duration);

impl Uptime {
    /// Until now.
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
        Self(Duration::new(seconds, nanos))
    }

    fn seconds_since(self, earlier: Self) -> i64 {
        let since = self.0.saturating_sub(earlier.0);
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The store's time and ours, read together.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// The store's time.
    pub theirs: Timestamp,
    /// Ours.
    pub ours: Timestamp,
    /// When both were read.
    pub at: Uptime,
}

impl ClockReading {
    /// What the store's clock is at now, if it has gone on since as this machine has.
    pub fn theirs_now(&self, at: Uptime) -> Timestamp {
        self.theirs
            .saturating_add_seconds(at.seconds_since(self.at))
    }

    /// By how many seconds our clock, which says `now`, is ahead of that.
    pub fn ahead_seconds(&self, now: Timestamp, at: Uptime) -> i64 {
        now.seconds_since(self.theirs_now(at))
    }

    /// Whether our clock, which says `now`, differs from that by more than it may: it was wrong when both were read, or was set since.
    pub fn is_off(&self, now: Timestamp, at: Uptime) -> bool {
        self.ahead_seconds(now, at).abs() > MAX_SKEW_SECONDS
    }

    /// Whether the two clocks differ by more than they may.
    pub(super) fn is_skewed(&self) -> bool {
        self.theirs.seconds_since(self.ours).abs() > MAX_SKEW_SECONDS
    }

    /// Whether it was read a moment ago, and our clock was not set since.
    pub(super) fn is_fresh(&self, now: Timestamp, at: Uptime) -> bool {
        let most = if self.is_skewed() {
            FRESH_SKEWED_SECONDS
        } else {
            FRESH_SECONDS
        };
        let moved = now.seconds_since(self.ours);
        (0..=most).contains(&moved) && at.seconds_since(self.at) <= most
    }
}

/// Reads the `Date` of every answer, and our clock with it.
#[derive(Clone)]
pub(super) struct Dates {
    clock: Clock,
    seen: Arc<Mutex<Option<ClockReading>>>,
}

impl Dates {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            seen: Arc::default(),
        }
    }

    /// The last reading; `None` where no answer has said its time.
    pub(super) fn seen(&self) -> Option<ClockReading> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Dates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dates")
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(theirs) = date.as_ref().and_then(timestamp) {
            let ours = (self.clock)();
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(ClockReading {
                theirs,
                ours,
                at: Uptime::now(),
            });
        }
        Ok(())
    }
}

pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let micros = time.as_nanos().checked_div(1000)?;
    Timestamp::from_micros(i64::try_from(micros).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.saturating_add_seconds(seconds)
    }

    fn up(seconds: u64) -> Uptime {
        Uptime(Duration::from_secs(seconds))
    }

    const fn reading(theirs: Timestamp, ours: Timestamp) -> ClockReading {
        let at = Uptime(Duration::from_secs(1000));
        ClockReading { theirs, ours, at }
    }

    #[test]
    fn clock_is_off_where_it_differs_from_the_last_answer_carried_on() {
        // Ours was 200 seconds behind.
        let read = reading(at(10_200), at(10_000));
        for (now, after, off) in [
            (10_000, 0, false),
            // It goes on for an hour, as the machine does.
            (13_600, 3600, false),
            // It is set right, and then ahead and back by too much.
            (13_800, 3600, false),
            (14_101, 3600, true),
            (13_499, 3600, true),
            // It is set back to what it was, although an hour has passed.
            (10_000, 3600, true),
        ] {
            let found = read.is_off(at(now), up(1000 + after));
            assert_eq!(found, off, "{now} after {after}");
        }
        assert_eq!(read.ahead_seconds(at(13_600), up(4600)), -200);
    }

    #[test]
    fn clock_that_was_wrong_at_the_last_answer_is_right_once_it_is_set() {
        let read = reading(at(10_000), at(13_600));
        assert!(read.is_off(at(13_601), up(1001)));
        assert!(!read.is_off(at(10_001), up(1001)));
    }

    #[test]
    fn reading_is_relied_on_for_a_moment_by_the_clock_that_nobody_can_set() {
        let read = reading(at(10_000), at(10_000));
        assert!(read.is_fresh(at(10_060), up(1060)));
        assert!(!read.is_fresh(at(10_061), up(1060)));
        assert!(!read.is_fresh(at(9_999), up(1001)));
        // Our clock was set back to what it was.
        assert!(!read.is_fresh(at(10_000), up(1061)));
        let skewed = reading(at(10_000), at(13_600));
        assert!(skewed.is_fresh(at(13_605), up(1005)));
        assert!(!skewed.is_fresh(at(13_605), up(1006)));
    }
}
