//! What was declared over time: the spans of the bucket's lock, and of each log its beginning, locks and silences.
//!
//! S3 leaves existing objects alone when a default changes, so a verifier needs to know what was declared when. It is kept
//! three times: in the state, in the bucket's tags (an import finds it there), and in private data, so that a change of the
//! tags shows in a plan.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod histories;
mod log;
mod tag;

use std::collections::BTreeMap;

use auditlog_chain::policy::{LockSpan, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use tf_provider::{AttributePath, Field};

use super::identity::Identity;
use super::model::{BucketModel, LogSpansModel, SilenceSpanModel};
use crate::aws::Tags;
use crate::trust::model::LockSpanModel;
use crate::trust::spans::{self, Lock, TagOverflow, parse_tag, to_tag};
pub(super) use log::LogHistory;
use tag::{format_log, parse_log};

/// What was declared, in spans.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) lock: Vec<LockSpan>,
    pub(super) logs: BTreeMap<String, LogHistory>,
}

/// What a configuration declares now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) lock: Lock,
    /// Seconds before something stricter begins.
    pub(super) notice: u64,
    pub(super) logs: BTreeMap<String, WantedLog>,
}

/// The same for one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedLog {
    pub(super) began: Option<Timestamp>,
    pub(super) lock: Option<Lock>,
    pub(super) silence_seconds: u64,
    /// Nothing where it is not known yet.
    pub(super) identity: Option<Identity>,
}

impl History {
    /// What the configuration's declaration adds at `now`. The same declaration adds nothing.
    pub(super) fn declare(&self, wanted: &Wanted, now: Timestamp) -> Self {
        let lock = spans::declare(&self.lock, wanted.lock, now, wanted.notice);
        let logs = wanted.logs.iter().map(|(name, log)| {
            let before = self.logs.get(name);
            let bucket = [self.lock.as_slice(), lock.as_slice()];
            let after = LogHistory::declare(before, log, (wanted, bucket), now);
            (name.clone(), after)
        });
        let logs = logs.collect();
        Self { lock, logs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock.is_empty() && self.logs.is_empty()
    }

    /// The spans that hold for a log.
    pub(super) fn lock_of(&self, log: &str) -> &[LockSpan] {
        let own = self.logs.get(log).and_then(|log| log.lock.as_deref());
        own.unwrap_or(&self.lock)
    }

    /// The longest retention, in days, of any lock that is still in force.
    pub(super) fn longest(&self, now: Timestamp) -> u32 {
        let own = self.logs.values().filter_map(|log| log.lock.as_deref());
        let all = std::iter::once(self.lock.as_slice()).chain(own);
        let days = all.map(|spans| spans::longest(spans, now));
        days.max().unwrap_or_default()
    }

    /// What a state says; what cannot be read there counts as never declared.
    pub(super) fn of(model: &BucketModel) -> Self {
        let lock = model.lock_spans.known().map_or(&[][..], Vec::as_slice);
        let none = BTreeMap::new();
        let spans = model.log_spans.known().unwrap_or(&none);
        let logs = model.logs.iter().flatten().filter_map(|(name, log)| {
            let began = Timestamp::parse_rfc3339(log.began.known()?)?;
            let spans = spans.get(name)?;
            let history = LogHistory {
                began,
                lock: match spans.lock.as_deref() {
                    Some(spans) => Some(parse_spans(spans)?),
                    None => None,
                },
                max_silence: parse_silences(&spans.max_silence)?,
                identity: Identity::parse(spans.identity.iter().flatten().map(String::as_str)),
            };
            Some((name.clone(), history))
        });
        Self {
            lock: parse_spans(lock).unwrap_or_default(),
            logs: logs.collect(),
        }
    }

    /// The tags that hold it.
    ///
    /// # Errors
    /// Where the spans of one lock that are in force do not fit into a tag.
    pub(super) fn tags(&self, now: Timestamp) -> Result<Tags, TagOverflow> {
        let mut tags = Tags::new();
        if !self.lock.is_empty() {
            tags.insert(LOCK_TAG.to_owned(), to_tag(&self.lock, now)?);
        }
        for (name, log) in &self.logs {
            let (text, lock) = format_log(log, now)?;
            tags.insert(format!("{LOG_TAG}{name}"), text);
            tags.extend(lock.map(|lock| (format!("{LOG_LOCK_TAG}{name}"), lock)));
        }
        Ok(tags)
    }

    /// What the tags of a bucket say. A tag that does not have our form says nothing.
    pub(super) fn from_tags(tags: &Tags) -> Self {
        let lock = |key: &str| tags.get(key).and_then(|text| parse_tag(text));
        let logs = tags.iter().filter_map(|(key, text)| {
            let name = key.strip_prefix(LOG_TAG)?;
            let mut history = parse_log(text)?;
            history.lock = history.lock.or(lock(&format!("{LOG_LOCK_TAG}{name}")));
            Some((name.to_owned(), history))
        });
        Self {
            lock: lock(LOCK_TAG).unwrap_or_default(),
            logs: logs.collect(),
        }
    }

    /// Writes it into a model, where the model does not have it from the plan.
    pub(super) fn fill(&self, model: &mut BucketModel) {
        if model.lock_spans.known().is_none() {
            model.lock_spans = Field::Known(self.lock_spans());
        }
        if model.log_spans.known().is_none() {
            model.log_spans = Field::Known(self.log_spans());
        }
        for (name, log) in model.logs.iter_mut().flatten() {
            if let (None, Some(history)) = (log.began.known(), self.logs.get(name)) {
                log.began = Field::Known(history.began.to_rfc3339());
            }
        }
    }

    pub(super) fn lock_spans(&self) -> Vec<LockSpanModel> {
        format_spans(&self.lock)
    }

    pub(super) fn log_spans(&self) -> BTreeMap<String, LogSpansModel> {
        let spans = self.logs.iter().map(|(name, log)| {
            let max_silence = log.max_silence.iter().map(|span| SilenceSpanModel {
                from: span.from.to_rfc3339(),
                seconds: span.seconds,
            });
            let spans = LogSpansModel {
                lock: log.lock.as_deref().map(format_spans),
                max_silence: max_silence.collect(),
                identity: Some(log.identity.words().to_vec()),
            };
            (name.clone(), spans)
        });
        spans.collect()
    }
}

impl LogHistory {
    fn declare(
        before: Option<&Self>,
        log: &WantedLog,
        (bucket, [followed, follows]): (&Wanted, [&[LockSpan]; 2]),
        now: Timestamp,
    ) -> Self {
        let own = before.and_then(|before| before.lock.as_deref());
        // A log that had a lock of its own keeps those spans, and follows the bucket from now on.
        let lock = match (own, log.lock) {
            (None, None) => None,
            (Some(own), wanted) => Some(spans::declare(
                own,
                wanted.unwrap_or(bucket.lock),
                now,
                bucket.notice,
            )),
            (None, Some(wanted)) => {
                let followed = if before.is_some() { followed } else { &[] };
                Some(spans::declare(followed, wanted, now, bucket.notice))
            }
        };
        let silences = before.map_or(&[][..], |before| &before.max_silence);
        let max_silence = spans::declare_silence(
            silences,
            log.silence_seconds,
            lock.as_deref().unwrap_or(follows),
            now,
            bucket.notice,
        );
        Self {
            began: log
                .began
                .or(before.map(|before| before.began))
                .unwrap_or(now),
            max_silence,
            lock,
            identity: log
                .identity
                .clone()
                .or(before.map(|before| before.identity.clone()))
                .unwrap_or_default(),
        }
    }
}

const LOCK_TAG: &str = "auditlog:lock";
pub(super) const LOG_TAG: &str = "auditlog:log:";
pub(super) const LOG_LOCK_TAG: &str = "auditlog:log-lock:";

/// Lock spans as a configuration or a state has them.
pub(super) fn parse_spans(spans: &[LockSpanModel]) -> Option<Vec<LockSpan>> {
    LockSpanModel::spans(spans, &AttributePath::root()).ok()
}

fn parse_silences(spans: &[SilenceSpanModel]) -> Option<Vec<SilenceSpan>> {
    let parse = |span: &SilenceSpanModel| {
        Some(SilenceSpan {
            from: Timestamp::parse_rfc3339(&span.from)?,
            seconds: span.seconds,
        })
    };
    spans.iter().map(parse).collect()
}

fn format_spans(spans: &[LockSpan]) -> Vec<LockSpanModel> {
    spans.iter().map(LockSpanModel::from).collect()
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn governance(days: u32) -> Lock {
        Lock {
            mode: LockMode::Governance,
            days,
        }
    }

    fn wanted(days: u32, seconds: u64) -> Wanted {
        let log = WantedLog {
            began: None,
            lock: None,
            silence_seconds: seconds,
            identity: None,
        };
        Wanted {
            lock: governance(days),
            notice: 86_400,
            logs: BTreeMap::from([("payments".to_owned(), log)]),
        }
    }

    const CREATED: &str = "2026-01-01T00:00:00Z";
    const LATER: &str = "2026-03-01T00:00:00Z";

    #[test]
    fn first_declaration_begins_with_the_bucket_and_the_same_adds_nothing() {
        let first = History::default().declare(&wanted(3, 90_000), at(CREATED));
        assert_eq!(first.lock[0].from, at(CREATED));
        assert_eq!(first.logs["payments"].began, at(CREATED));
        assert_eq!(first.declare(&wanted(3, 90_000), at(LATER)), first);
    }

    #[test]
    fn shorter_silence_begins_after_the_notice_and_a_longer_one_at_once() {
        let first = History::default().declare(&wanted(3, 90_000), at(CREATED));
        let shorter = first.declare(&wanted(3, 3_600), at(LATER));
        let longer = first.declare(&wanted(3, 100_000), at(LATER));
        let from = |history: &History| history.logs["payments"].max_silence[1].from;
        assert_eq!(from(&shorter), at("2026-03-02T00:00:00Z"));
        assert_eq!(from(&longer), at(LATER));
        assert_eq!(
            shorter.declare(&wanted(3, 90_000), at(LATER)).logs,
            first.logs,
            "one that has not begun is taken back"
        );
    }

    #[test]
    fn silence_that_needs_the_other_lock_changes_with_it() {
        let short = History::default().declare(&wanted(3, 90_000), at(CREATED));
        let long = short.declare(&wanted(30, 900_000), at(LATER));
        let span = |history: &History| history.logs["payments"].max_silence[1];
        assert_eq!(span(&long).from, long.lock[1].from);
        let much_later = at("2026-09-01T00:00:00Z");
        let back = long.declare(&wanted(3, 90_000), much_later);
        let last = back.logs["payments"].max_silence[2];
        assert_eq!((last.from, back.lock[2].from), (much_later, much_later));
    }

    #[test]
    fn log_that_gets_a_lock_of_its_own_keeps_the_spans_that_it_had() {
        let first = History::default().declare(&wanted(3, 90_000), at(CREATED));
        let mut own = wanted(3, 90_000);
        own.logs.get_mut("payments").unwrap().lock = Some(governance(30));
        let own = first.declare(&own, at(LATER));
        let days = |history: &History| -> Vec<u32> {
            let spans = history.logs["payments"].lock.iter().flatten();
            spans.map(|span| span.retention_days).collect()
        };
        assert_eq!(days(&own), [3, 30]);
        let back = own.declare(&wanted(4, 90_000), at("2026-06-01T00:00:00Z"));
        assert_eq!(days(&back), [3, 30, 4], "it follows the bucket again");
    }

    #[test]
    fn tags_give_back_what_was_put_into_them() {
        let first = History::default().declare(&wanted(3, 90_000), at(CREATED));
        let mut own = wanted(30, 3_600);
        own.logs.get_mut("payments").unwrap().lock = Some(governance(60));
        let history = first.declare(&own, at(LATER));
        let tags = history.tags(at(LATER)).unwrap();
        assert_eq!(History::from_tags(&tags), history);
        let strange = Tags::from([("auditlog:lock".to_owned(), "x".to_owned())]);
        assert!(History::from_tags(&strange).is_empty());
    }
}
