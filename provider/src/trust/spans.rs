//! Retention in dated spans: what a change of a lock declares, from when on, and what follows from it.
//!
//! S3 leaves existing objects alone when a bucket's default changes, so the trust policy says what was declared when. A
//! change has two halves. What it *weakens* is declared at once, because the bucket's default is weaker at once. What it
//! *strengthens* is declared one notice later, because a sealer with the old file writes the weaker lock until it has the
//! new file, and the verifier judges each object by the span of its time. Where a mode goes up and days go down, or the
//! reverse, both halves are there: what old and new have in common at once, the new lock after the notice.
//!
//! A span that has not begun is a promise to verifiers. A later change keeps of it what the new lock has in common with it, at its
//! time, so that no strengthening can be postponed by another one.
//!
//! All of it is pure: the caller passes the time.

mod silence;
mod tag;

use auditlog_chain::policy::{Interval, LockMode, LockSpan, Span, intervals};
use auditlog_chain::timestamp::Timestamp;

pub use silence::declare_silence;
pub use tag::{MAX_TAG_CHARS, TagOverflow, parse_tag, to_tag};

/// How long before a strengthened span begins it is declared, by default: one day.
pub const DEFAULT_NOTICE_SECONDS: u64 = 86_400;

/// What a sealer adds to a retention (one day) and what two clocks and a queue may add, in days.
const MARGIN_DAYS: u32 = 2;

/// How late a sealer may follow, and a day for what it adds: 30 days.
const LATE_SECONDS: i64 = 2_592_000;

/// Where nothing was declared, everything must be kept: the longest that S3 accepts.
const LONGEST_DAYS: u32 = 36_500;

/// A lock: mode and retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Object Lock mode.
    pub mode: LockMode,
    /// Days for which an object is locked, 1 to 36,500.
    pub days: u32,
}

impl Lock {
    /// What two locks have in common: the weaker mode and the shorter retention.
    #[must_use]
    pub fn weaker_of(self, other: Self) -> Self {
        Self {
            mode: self.mode.min(other.mode),
            days: self.days.min(other.days),
        }
    }

    /// Whether it is at least as strong as another one in both mode and retention.
    pub fn is_at_least(self, other: Self) -> bool {
        self.weaker_of(other) == other
    }
}

impl From<LockSpan> for Lock {
    fn from(span: LockSpan) -> Self {
        Self {
            mode: span.mode,
            days: span.retention_days,
        }
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = if self.days == 1 { "day" } else { "days" };
        write!(f, "{} for {} {unit}", self.mode, self.days)
    }
}

/// What new objects may be locked with, for the policy of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockBounds {
    /// Modes, the weaker one first.
    pub modes: Vec<LockMode>,
    /// The shortest retention in days.
    pub min_days: u32,
    /// The longest one in days.
    pub max_days: u32,
}

/// Declares a lock at a time: the spans so far, and what changes in them.
///
/// The same lock as the last span's changes nothing. A span that has not begun stays, as far as the new lock is as strong.
/// Times are whole seconds, as S3 writes them.
///
/// ```
/// use auditlog_chain::policy::LockMode::Governance;
/// use auditlog_chain::timestamp::Timestamp;
/// use terraform_provider_auditlog::trust::spans::{DEFAULT_NOTICE_SECONDS, Lock, declare};
///
/// let at = |text| Timestamp::parse_rfc3339(text).unwrap();
/// let lock = |days| Lock { mode: Governance, days };
/// let created = declare(&[], lock(30), at("2026-01-01T00:00:00Z"), DEFAULT_NOTICE_SECONDS);
/// let longer = declare(&created, lock(365), at("2026-03-01T12:00:00Z"), DEFAULT_NOTICE_SECONDS);
/// assert_eq!(longer[1].from, at("2026-03-02T12:00:00Z"));
/// ```
pub fn declare(
    spans: &[LockSpan],
    wanted: Lock,
    now: Timestamp,
    notice_seconds: u64,
) -> Vec<LockSpan> {
    let now = whole_seconds(now);
    if spans.last().is_some_and(|last| Lock::from(*last) == wanted) {
        return spans.to_vec();
    }
    let mut declared = begun(spans, now).to_vec();
    let Some(current) = declared.last().copied() else {
        return vec![since(wanted, now)];
    };
    let pending = spans.iter().skip(declared.len());
    let at_once = Lock::from(current).weaker_of(wanted);
    if at_once != Lock::from(current) {
        weaken(&mut declared, at_once, now.max(current.from));
    }
    let notice = i64::try_from(notice_seconds).unwrap_or(i64::MAX);
    let begins = after(&declared, now.saturating_add_seconds(notice));
    for span in pending.take_while(|span| span.from < begins) {
        add(
            &mut declared,
            Lock::from(*span).weaker_of(wanted),
            span.from,
        );
    }
    add(&mut declared, wanted, begins);
    declared
}

fn since(lock: Lock, from: Timestamp) -> LockSpan {
    LockSpan {
        from,
        mode: lock.mode,
        retention_days: lock.days,
    }
}

/// The spans that have begun. The first one holds before its own beginning too, so it always has.
fn begun<S: Span>(spans: &[S], now: Timestamp) -> &[S] {
    let begun = spans.partition_point(|span| span.from() <= now).max(1);
    spans.get(..begun).unwrap_or(spans)
}

/// Two spans cannot begin at one time; the weaker one asks nothing that the stronger one did not.
fn weaken(spans: &mut Vec<LockSpan>, lock: Lock, from: Timestamp) {
    spans.pop_if(|last| last.from == from);
    add(spans, lock, from);
}

fn add(spans: &mut Vec<LockSpan>, lock: Lock, from: Timestamp) {
    if spans
        .last()
        .is_none_or(|before| Lock::from(*before) != lock)
    {
        spans.push(since(lock, from));
    }
}

/// A stronger lock never takes the place of a weaker one that has begun: something may have been stored in it.
fn after(spans: &[LockSpan], from: Timestamp) -> Timestamp {
    let after = spans.last().map(|last| last.from.saturating_add_seconds(1));
    after.map_or(from, |after| from.max(after))
}

/// What new objects may be locked with at a time.
///
/// A change that strengthens is over when its span begins, one that weakens a notice after that, so that a sealer with the old
/// file can go on until then. Before that, both locks are allowed. The maximum is two days more than the longest retention:
/// a sealer adds one.
pub fn bounds(spans: &[LockSpan], now: Timestamp, notice_seconds: u64) -> LockBounds {
    let notice = i64::try_from(notice_seconds).unwrap_or(i64::MAX);
    let ended = |one: &Interval<'_, LockSpan>| one.until.filter(|until| *until <= now);
    let ahead: Vec<Lock> = intervals(spans)
        .filter(|one| ended(one).is_none())
        .map(|one| Lock::from(*one.span))
        .collect();
    let Some(current) = ahead.first() else {
        return LockBounds {
            modes: vec![LockMode::Compliance],
            min_days: LONGEST_DAYS,
            max_days: LONGEST_DAYS,
        };
    };
    let recent: Vec<Lock> = intervals(spans)
        .filter(|one| ended(one).is_some_and(|until| until.saturating_add_seconds(notice) > now))
        .map(|one| Lock::from(*one.span))
        .collect();
    let stronger = recent
        .iter()
        .map(|lock| lock.mode)
        .filter(|mode| *mode > current.mode);
    let mut modes: Vec<LockMode> = ahead.iter().map(|lock| lock.mode).chain(stronger).collect();
    modes.sort_unstable();
    modes.dedup();
    let days = |locks: &[Lock]| locks.iter().map(|lock| lock.days).collect::<Vec<_>>();
    let longest = days(&ahead).into_iter().chain(days(&recent)).max();
    LockBounds {
        modes,
        min_days: days(&ahead).into_iter().min().unwrap_or(LONGEST_DAYS),
        max_days: longest.unwrap_or(LONGEST_DAYS).saturating_add(MARGIN_DAYS),
    }
}

/// The longest retention that something in the bucket may still be locked with, for the days after which a lifecycle may remove
/// it: that of the spans in force, of those that have not begun, and of those that ended up to 30 days longer ago. A sealer with
/// the old file locks with a weakened span for a notice after its end, and for a day more.
pub fn longest(spans: &[LockSpan], now: Timestamp) -> u32 {
    let in_force = intervals(spans).filter(|one| is_in_force(one, late(now)));
    let days = in_force.map(|one| one.span.retention_days);
    days.max().unwrap_or(LONGEST_DAYS)
}

/// The moment for which a span is judged, where sealers may follow late.
fn late(now: Timestamp) -> Timestamp {
    now.saturating_add_seconds(LATE_SECONDS.saturating_neg())
}

/// Whether something that was stored in a span may still have to be kept (V1): until the span's end plus its retention.
fn is_in_force(one: &Interval<'_, LockSpan>, now: Timestamp) -> bool {
    let kept_until = |until: Timestamp| until.saturating_add_days(one.span.retention_days);
    one.until.is_none_or(|until| kept_until(until) >= now)
}

/// A time cut off to the second.
fn whole_seconds(time: Timestamp) -> Timestamp {
    let seconds = i64::try_from(time.as_seconds()).unwrap_or(i64::MAX);
    Timestamp::EPOCH.saturating_add_seconds(seconds)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod histories;
