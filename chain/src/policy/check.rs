//! Consistency: what the values of a document must be, by themselves and among each other.

use super::TrustPolicy;
use super::acknowledged::{Acknowledged, Found, FoundMissing};
use super::document::{
    Ended, KeyPolicy, LockSpan, LogPolicy, PolicyDocument, S3Store, SilenceSpan, Store,
};
use super::error::{POLICY_VERSION, PolicyError, wrong};
use super::index::Index;
use super::span::{Span, overlaps};
use crate::limits::MAX_SPANS;
use crate::origin::Origin;
use crate::timestamp::Timestamp;

const DAY_SECONDS: u64 = 86_400;

/// A retention that is shorter than twice the silence that was allowed at the same time, in spans whose time is over: a cut
/// of the log made then may look like expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortRetention {
    /// The log.
    pub origin: Origin,
    /// Days for which its objects were locked.
    pub retention_days: u32,
    /// Seconds that it could be silent.
    pub silence_seconds: u64,
    /// When the spans ended.
    pub until: Timestamp,
}

impl TrustPolicy {
    /// Checks that a document is consistent in itself.
    ///
    /// # Errors
    ///
    /// Names the first value that cannot be.
    pub fn check(document: PolicyDocument) -> Result<Self, PolicyError> {
        if document.trust_policy != POLICY_VERSION {
            return Err(PolicyError::Unsupported {
                found: document.trust_policy,
            });
        }
        document.store.as_ref().map_or(Ok(()), check_store)?;
        check_lock("lock", &document.lock)?;
        check_keys(&document.keys)?;
        if document.logs.is_empty() {
            return wrong("logs", "at least one log is needed");
        }
        let index = Index::of(&document)?;
        let policy = Self { document, index };
        for (at, log) in policy.document.logs.iter().enumerate() {
            policy.check_log(&format!("logs[{at}]"), log)?;
        }
        for (at, acknowledged) in policy.document.acknowledged.iter().enumerate() {
            policy.check_acknowledged(&format!("acknowledged[{at}]"), acknowledged)?;
        }
        Ok(policy)
    }

    /// Checks the retention of each log against its silence in all spans, as [`TrustPolicy::check`] does in those without end.
    /// Returns the spans that are too short and have no effect at `now` any more, since all that was stored in them has
    /// expired.
    ///
    /// # Errors
    ///
    /// Names the first log whose retention is shorter than twice its silence in spans that have an effect still.
    pub fn check_spans_at(&self, now: Timestamp) -> Result<Vec<ShortRetention>, PolicyError> {
        let mut past = Vec::new();
        for (at, log) in self.document.logs.iter().enumerate() {
            for (lock, silence, until) in overlaps(self.lock_of(log), &log.max_silence) {
                if is_long_enough(lock, silence) {
                    continue;
                }
                let until = until.unwrap_or(Timestamp::MAX);
                if until.saturating_add_days(lock.retention_days) >= now {
                    return wrong(format!("logs[{at}].max_silence"), SHORT_RETENTION);
                }
                past.push(ShortRetention {
                    origin: log.origin.clone(),
                    retention_days: lock.retention_days,
                    silence_seconds: silence.seconds,
                    until,
                });
            }
        }
        Ok(past)
    }

    fn check_log(&self, place: &str, log: &LogPolicy) -> Result<(), PolicyError> {
        self.check_verifier_keys(place, log)?;
        check_silence(&format!("{place}.max_silence"), &log.max_silence)?;
        if let Some(lock) = &log.lock {
            check_lock(&format!("{place}.lock"), lock)?;
        }
        if let (Some(lock), Some(silence)) = (self.lock_of(log).last(), log.max_silence.last())
            && !is_long_enough(lock, silence)
        {
            return wrong(format!("{place}.max_silence"), SHORT_RETENTION);
        }
        log.ended.as_ref().map_or(Ok(()), |ended| {
            self.check_ended(&format!("{place}.ended"), ended)
        })
    }

    fn check_verifier_keys(&self, place: &str, log: &LogPolicy) -> Result<(), PolicyError> {
        if log.verifier_keys.is_empty() {
            let reason = "a log without a key can never be verified";
            return wrong(format!("{place}.verifier_keys"), reason);
        }
        for (at, key) in log.verifier_keys.iter().enumerate() {
            let place = || format!("{place}.verifier_keys[{at}]");
            if *key.origin() != log.origin {
                return wrong(place(), "is a key of another origin");
            }
            if self.key(key).is_none() {
                return wrong(place(), "its public key is not among `keys`");
            }
        }
        Ok(())
    }

    /// What was stored is judged by the store's clock where there is one, so the end of a log needs its time by that clock.
    fn check_ended(&self, place: &str, ended: &Ended) -> Result<(), PolicyError> {
        if self.document.store.is_some() && ended.stored.is_none() {
            let reason = "is needed where the policy has a store";
            return wrong(format!("{place}.stored"), reason);
        }
        Ok(())
    }

    fn check_acknowledged(&self, place: &str, one: &Acknowledged) -> Result<(), PolicyError> {
        let unknown = |origin| self.log(origin).is_none();
        if one.log.as_ref().is_some_and(unknown) {
            return wrong(format!("{place}.log"), "is not a log of this policy");
        }
        if one.reason.trim().is_empty() {
            return wrong(format!("{place}.reason"), "must not be empty");
        }
        match &one.found {
            Found::Silence(silence) if silence.from >= silence.until => {
                let reason = "must be later than `from`";
                wrong(format!("{place}.silence.until"), reason)
            }
            Found::Missing(missing) => self.check_missing(&format!("{place}.missing"), missing),
            Found::Silence(_) | Found::Version(_) | Found::Segment(_) => Ok(()),
        }
    }

    fn check_missing(&self, place: &str, missing: &FoundMissing) -> Result<(), PolicyError> {
        if missing.first > missing.last {
            return wrong(format!("{place}.last"), "must not be before `first`");
        }
        if (missing.first == 0) != missing.before.is_none() {
            let reason = "must be there, unless `first` is 0";
            return wrong(format!("{place}.before"), reason);
        }
        let stored = missing.before.and_then(|before| before.stored);
        if stored.is_some() && self.document.store.is_none() {
            let reason = "must be absent if the policy has no store";
            return wrong(format!("{place}.before.stored"), reason);
        }
        let range = missing.first..=missing.last;
        if missing.pin.is_some_and(|pin| !range.contains(&pin.segment)) {
            return wrong(format!("{place}.pin.segment"), "is not in the range");
        }
        Ok(())
    }
}

const SHORT_RETENTION: &str =
    "the retention is shorter than twice this: a cut could not be distinguished from expiry";

/// Whether what is stored is kept for at least twice as long as the log may be silent.
fn is_long_enough(lock: &LockSpan, silence: &SilenceSpan) -> bool {
    let kept = u64::from(lock.retention_days).saturating_mul(DAY_SECONDS);
    kept >= silence.seconds.saturating_mul(2)
}

/// A request that names no owner goes to whoever has a bucket of that name, so an empty account is not accepted.
fn check_store(store: &Store) -> Result<(), PolicyError> {
    let S3Store {
        bucket,
        region,
        account,
    } = store.s3();
    let made_of = |text: &str, lengths: std::ops::RangeInclusive<usize>, more: &[u8]| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
        lengths.contains(&text.len()) && text.bytes().all(allowed)
    };
    if !made_of(bucket, 3..=255, b"-._") {
        let reason = "must be 3 to 255 letters, digits and -._";
        return wrong("store.s3.bucket", reason);
    }
    if !made_of(region, 1..=64, b"-") {
        let reason = "must be 1 to 64 letters, digits and -";
        return wrong("store.s3.region", reason);
    }
    let digits = account.bytes().all(|b| b.is_ascii_digit());
    if account.len() != 12 || !digits {
        return wrong("store.s3.account", "must be twelve digits");
    }
    Ok(())
}

fn check_lock(place: &str, spans: &[LockSpan]) -> Result<(), PolicyError> {
    check_order(place, spans)?;
    for (at, span) in spans.iter().enumerate() {
        if !(1..=36_500).contains(&span.retention_days) {
            let place = format!("{place}[{at}].retention_days");
            return wrong(place, "must be from 1 to 36500");
        }
    }
    Ok(())
}

fn check_silence(place: &str, spans: &[SilenceSpan]) -> Result<(), PolicyError> {
    check_order(place, spans)?;
    for (at, span) in spans.iter().enumerate() {
        if span.seconds == 0 || i64::try_from(span.seconds).is_err() {
            let place = format!("{place}[{at}].seconds");
            return wrong(place, "must be at least 1 and below 2^63");
        }
    }
    Ok(())
}

fn check_order<S: Span>(place: &str, spans: &[S]) -> Result<(), PolicyError> {
    if spans.is_empty() {
        return wrong(place, "at least one span is needed");
    }
    if spans.len() > MAX_SPANS {
        return wrong(place, "has more than 1000 spans");
    }
    let mut pairs = spans.iter().zip(spans.iter().skip(1));
    if pairs.any(|(one, next)| one.from() >= next.from()) {
        let reason = "the spans must be ordered by `from`, each later than the one before";
        return wrong(place, reason);
    }
    Ok(())
}

fn check_keys(keys: &[KeyPolicy]) -> Result<(), PolicyError> {
    for (at, key) in keys.iter().enumerate() {
        let place = |field| format!("keys[{at}].{field}");
        if key.spec != key.spki.spec() {
            return wrong(place("spec"), "is not the spec of the public key");
        }
        let retired_early = |retired| retired < key.valid_from;
        if key.retired_at.is_some_and(retired_early) {
            return wrong(place("retired_at"), "is before valid_from");
        }
    }
    Ok(())
}
