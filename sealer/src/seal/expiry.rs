//! Whether segments that are absent have expired (rule A3 of verification.md). The verifier has code of its own for it.
//!
//! The sealer must not sign over a gap that nobody can explain: it would make the loss look like a part of the log.

use auditlog_chain::policy::{LockSpan, SilenceSpan, intervals};
use auditlog_chain::timestamp::Timestamp;

use super::silence::earliest_sign;

/// What was declared of a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) lock: &'a [LockSpan],
    pub(super) silence: &'a [SilenceSpan],
    /// Silences that the policy acknowledges, from and until.
    pub(super) silences: &'a [(Timestamp, Timestamp)],
}

/// What is known of the times at which absent segments were stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absent {
    /// None of them was stored before.
    pub(super) since: Timestamp,
    /// What the present segment after them claims of the last one's `sealed`.
    pub(super) sealed_before: Timestamp,
    /// When the segment after them was stored; `None` in a folder.
    pub(super) heard: Option<Timestamp>,
}

impl Declared<'_> {
    /// Whether all that could be stored in this time has outlived every retention that it could have.
    pub(super) fn has_expired(&self, absent: Absent, now: Timestamp) -> bool {
        let claimed = absent.since.max(absent.sealed_before);
        // Whoever has the key can claim anything; the store's clock bounds it.
        let until = absent
            .heard
            .map_or(claimed, |heard| claimed.max(self.taken_back(heard)));
        intervals(self.lock).all(|interval| {
            let begins_later = interval.from > until;
            let ended = interval.until.is_some_and(|end| end <= absent.since);
            let unheard = absent
                .heard
                .is_none_or(|heard| interval.from > heard || self.is_acknowledged(until, heard));
            if ended || (begins_later && unheard) {
                return true;
            }
            let end = if begins_later {
                until
            } else {
                interval.until.map_or(until, |end| end.min(until))
            };
            end.saturating_add_days(interval.span.retention_days) < now
        })
    }

    /// The earliest moment at which the segment before one that was stored then was stored, if the log was silent for as long
    /// as it may be, or as the policy acknowledges.
    fn taken_back(&self, heard: Timestamp) -> Timestamp {
        let acknowledged = self
            .silences
            .iter()
            .filter(|(from, until)| *from < heard && heard <= *until)
            .map(|(from, _)| *from);
        acknowledged.fold(earliest_sign(self.silence, heard), Timestamp::min)
    }

    fn is_acknowledged(&self, from: Timestamp, until: Timestamp) -> bool {
        let covers = |known: &(Timestamp, Timestamp)| known.0 <= from && until <= known.1;
        self.silences.iter().any(covers)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use auditlog_chain::policy::LockMode;

    use super::*;

    fn day(days: i64) -> Timestamp {
        Timestamp::EPOCH.saturating_add_seconds(days * 86_400)
    }

    fn lock(all: &[(i64, u32)]) -> Vec<LockSpan> {
        let span = |(from, retention_days): &(i64, u32)| LockSpan {
            from: day(*from),
            mode: LockMode::Compliance,
            retention_days: *retention_days,
        };
        all.iter().map(span).collect()
    }

    const SILENCE: [SilenceSpan; 1] = [SilenceSpan {
        from: Timestamp::EPOCH,
        seconds: 86_400,
    }];

    /// The first day on which segments that were stored in this time have expired.
    fn expires(lock: &[LockSpan], since: i64, claimed: i64, heard: Option<i64>) -> i64 {
        let declared = Declared {
            lock,
            silence: &SILENCE,
            silences: &[],
        };
        let absent = Absent {
            since: day(since),
            sealed_before: day(claimed),
            heard: heard.map(day),
        };
        (0..2000)
            .find(|now| declared.has_expired(absent, day(*now)))
            .unwrap()
    }

    #[test]
    fn what_was_stored_under_a_retention_has_expired_after_it() {
        assert_eq!(expires(&lock(&[(0, 30)]), 0, 10, Some(10)), 41);
        assert_eq!(expires(&lock(&[(0, 30)]), 0, 10, None), 41);
    }

    #[test]
    fn a_retention_that_was_shortened_counts_for_what_was_stored_before() {
        let lock = lock(&[(0, 300), (20, 30)]);
        assert_eq!(expires(&lock, 10, 40, Some(40)), 321);
        assert_eq!(expires(&lock, 20, 40, Some(40)), 71);
    }

    #[test]
    fn a_retention_that_was_lengthened_counts_for_what_may_have_been_stored_after_it() {
        let lock = lock(&[(0, 30), (20, 300)]);
        assert_eq!(expires(&lock, 0, 19, Some(19)), 50);
        // Sealed before the change, and perhaps stored after it.
        assert_eq!(expires(&lock, 0, 19, Some(20)), 320);
    }

    #[test]
    fn a_forged_claim_is_bounded_by_the_clock_of_the_store() {
        // It claims day 1, and was stored on day 200: an honest predecessor was stored on day 199 or later.
        assert_eq!(expires(&lock(&[(0, 30)]), 0, 1, Some(200)), 230);
        assert_eq!(expires(&lock(&[(0, 30)]), 0, 1, None), 32);
        // And by what is still present before it.
        assert_eq!(expires(&lock(&[(0, 30)]), 50, 1, None), 81);
    }
}
