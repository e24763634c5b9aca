//! What the policy says about one log, in the plain values that the rules of absence are functions of.

use auditlog_chain::policy::{self, Found, LockSpan, LogPolicy, SilenceSpan, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

use crate::absence::acknowledged::Loss;
use crate::absence::expiry;
use crate::absence::gap::Border;
use crate::absence::silence::Period;
use crate::absence::span::Span;
use crate::explained;

const DAY_SECONDS: i64 = 86_400;

/// What was declared of one log.
pub(crate) struct Declared<'p> {
    began: Timestamp,
    skew_seconds: i64,
    /// Retentions.
    pub(crate) lock: Vec<Span>,
    /// `max_silence`.
    pub(crate) silence: Vec<Span>,
    /// The entries of `acknowledged` about the log.
    pub(crate) entries: &'p [&'p policy::Acknowledged],
    silences: Vec<Period>,
    pub(crate) losses: Vec<Loss>,
    loss_entries: Vec<&'p policy::Acknowledged>,
    /// The last segment of a log that has ended, and when it was stored, in a folder sealed.
    pub(crate) end: Option<(Border, Timestamp)>,
}

impl<'p> Declared<'p> {
    pub(crate) fn new(
        policy: &TrustPolicy,
        log: &LogPolicy,
        entries: &'p [&'p policy::Acknowledged],
        skew_seconds: i64,
        has_storage: bool,
    ) -> Self {
        let found = || entries.iter().map(|entry| &entry.found);
        let silences = found().filter_map(|found| match found {
            Found::Silence(silence) => Some(explained::period(silence)),
            Found::Missing(_) | Found::Version(_) | Found::Segment(_) => None,
        });
        let losses = found().filter_map(|found| match found {
            Found::Missing(missing) => Some(explained::loss(missing)),
            Found::Silence(_) | Found::Version(_) | Found::Segment(_) => None,
        });
        let is_loss = |entry: &&&policy::Acknowledged| matches!(entry.found, Found::Missing(_));
        let loss_entries = entries.iter().filter(is_loss);
        Self {
            began: log.began,
            skew_seconds,
            lock: policy.lock_of(log).iter().map(retention).collect(),
            silence: log.max_silence.iter().map(max_silence).collect(),
            entries,
            silences: silences.collect(),
            losses: losses.collect(),
            loss_entries: loss_entries.copied().collect(),
            end: log.ended.as_ref().map(|ended| {
                let border = Border {
                    number: ended.segment,
                    size: ended.size,
                    sealed: Some(ended.sealed),
                };
                let stored = ended.stored.filter(|_| has_storage);
                (border, stored.unwrap_or(ended.sealed))
            }),
        }
    }

    /// What the rules of expiry take.
    pub(crate) fn for_expiry(&self) -> expiry::Declared<'_> {
        expiry::Declared {
            began: self.began,
            skew_seconds: self.skew_seconds,
            lock: &self.lock,
            silence: &self.silence,
            silences: &self.silences,
        }
    }

    /// The entry of a loss.
    pub(crate) fn loss_entry(&self, loss: usize) -> Option<&'p policy::Acknowledged> {
        self.loss_entries.get(loss).copied()
    }

    /// Number of the last segment of a log that has ended.
    pub(crate) fn end_number(&self) -> Option<u64> {
        self.end.map(|(border, _)| border.number)
    }
}

fn retention(span: &LockSpan) -> Span {
    Span {
        from: span.from,
        seconds: i64::from(span.retention_days).saturating_mul(DAY_SECONDS),
    }
}

fn max_silence(span: &SilenceSpan) -> Span {
    Span {
        from: span.from,
        seconds: i64::try_from(span.seconds).unwrap_or(i64::MAX),
    }
}
