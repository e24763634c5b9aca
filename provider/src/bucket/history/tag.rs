//! One log in a tag: when it began, how long it may be silent, its own lock, and what it is known by.
//!
//! `2026-03-01T12:00:00Z 90000@2026-03-01T12:00:00Z lock:20260301T120000Z=G30 of:0a1b2c3d4e5f key:5f4e3d2c1b0a`. A bucket has at most 50
//! tags, so one is enough for most logs. A lock that does not fit has a tag of its own.

use auditlog_chain::policy::{LockSpan, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;

use super::log::LogHistory;
use crate::bucket::identity::{Identity, is_word};
use crate::trust::spans::{MAX_TAG_CHARS, TagOverflow, parse_tag, to_tag};

const LOCK: &str = "lock:";
/// Room that is left for silences beside the other words.
const SILENCES_CHARS: usize = 58;

/// The tag of a log, and one for its lock where that does not fit.
///
/// # Errors
/// The spans of its lock that are in force do not fit into a tag.
pub(super) fn format_log(
    log: &LogHistory,
    now: Timestamp,
) -> Result<(String, Option<String>), TagOverflow> {
    let lock = log
        .lock
        .as_deref()
        .map(|lock| to_tag(lock, now))
        .transpose()?;
    let words = |lock: &str| {
        lock.split(' ')
            .map(|span| format!("{LOCK}{span}"))
            .collect()
    };
    let inside: Vec<String> = lock.as_deref().map(words).unwrap_or_default();
    let identity = fitting(log, &inside);
    let (inside, apart) = match &identity {
        Some(_) => (inside, None),
        None => (Vec::new(), lock),
    };
    let identity = identity.or_else(|| fitting(log, &[])).unwrap_or_default();
    let others = [inside.as_slice(), identity.words()].concat();
    Ok((with_silences(log, &others), apart))
}

/// The words of the identity, without the oldest keys where there are too many.
fn fitting(log: &LogHistory, lock: &[String]) -> Option<Identity> {
    let room = MAX_TAG_CHARS.saturating_sub(log.began.to_rfc3339().len());
    let room = room.saturating_sub(SILENCES_CHARS);
    let mut identity = log.identity.clone();
    loop {
        let words = lock.iter().chain(identity.words());
        let chars: usize = words.map(|word| word.len().saturating_add(1)).sum();
        if chars <= room {
            return Some(identity);
        }
        identity = identity.shortened()?;
    }
}

/// Where the silences do not fit, the earliest ones become one that allows the longest of them.
fn with_silences(log: &LogHistory, others: &[String]) -> String {
    let word = |span: &SilenceSpan| format!("{}@{}", span.seconds, span.from.to_rfc3339());
    let mut spans = log.max_silence.clone();
    loop {
        let words = std::iter::once(log.began.to_rfc3339()).chain(spans.iter().map(word));
        let words: Vec<String> = words.chain(others.iter().cloned()).collect();
        let text = words.join(" ");
        if text.len() <= MAX_TAG_CHARS || spans.len() < 2 {
            return text;
        }
        let first = spans.remove(0);
        if let Some(second) = spans.first_mut() {
            second.from = first.from;
            second.seconds = second.seconds.max(first.seconds);
        }
    }
}

/// What a tag says; `None` where it is not one that [`format_log`] writes. A lock in another tag is not known here.
pub(super) fn parse_log(text: &str) -> Option<LogHistory> {
    let (began, words) = text.split_once(' ')?;
    let words: Vec<&str> = words.split(' ').collect();
    let lock: Vec<&str> = words
        .iter()
        .filter_map(|word| word.strip_prefix(LOCK))
        .collect();
    let lock: Option<Vec<LockSpan>> = match lock.as_slice() {
        [] => None,
        spans => Some(parse_tag(&spans.join(" "))?),
    };
    let silences = words
        .iter()
        .filter(|word| !word.starts_with(LOCK) && !is_word(word));
    Some(LogHistory {
        began: Timestamp::parse_rfc3339(began)?,
        lock,
        max_silence: silences
            .map(|word| parse_silence(word))
            .collect::<Option<_>>()?,
        identity: Identity::parse(words.iter().copied()),
    })
}

fn parse_silence(word: &str) -> Option<SilenceSpan> {
    let (seconds, from) = word.split_once('@')?;
    Some(SilenceSpan {
        from: Timestamp::parse_rfc3339(from)?,
        seconds: seconds.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;

    use super::*;

    const CREATED: &str = "2026-01-01T00:00:00Z";

    fn at(day: u32) -> Timestamp {
        Timestamp::parse_rfc3339(CREATED)
            .unwrap()
            .saturating_add_days(day)
    }

    fn log(silences: u32, locks: u32, keys: u32) -> LogHistory {
        let silence = |day| SilenceSpan {
            from: at(day),
            seconds: 90_000_u64.saturating_sub(day.into()),
        };
        let lock = |day| LockSpan {
            from: at(day),
            mode: LockMode::Compliance,
            retention_days: day.saturating_add(10_000),
        };
        let keys: Vec<String> = (0..keys).map(|key| format!("key:{key:012x}")).collect();
        let words = ["of:0a1b2c3d4e5f".to_owned()].into_iter().chain(keys);
        let words: Vec<String> = words.collect();
        LogHistory {
            began: at(0),
            lock: (locks > 0).then(|| (0..locks).map(lock).collect()),
            max_silence: (0..silences).map(silence).collect(),
            identity: Identity::parse(words.iter().map(String::as_str)),
        }
    }

    fn written(log: &LogHistory) -> (LogHistory, Option<String>) {
        let (text, lock) = format_log(log, at(0)).unwrap();
        assert!(text.len() <= MAX_TAG_CHARS, "{text}");
        (parse_log(&text).unwrap(), lock)
    }

    #[test]
    fn one_tag_holds_a_log_with_its_lock_and_a_few_keys() {
        for log in [log(1, 0, 1), log(2, 1, 4), log(1, 2, 3)] {
            assert_eq!(written(&log), (log, None));
        }
    }

    #[test]
    fn silences_that_do_not_fit_become_the_longest_of_them() {
        let many = log(29, 0, 3);
        let (found, _) = written(&many);
        assert_eq!(found.max_silence[0], many.max_silence[0]);
        assert_eq!(found.max_silence.last(), many.max_silence.last());
        assert_eq!(found.identity, many.identity);
    }

    #[test]
    fn oldest_keys_are_left_out_where_they_do_not_fit() {
        let many = log(1, 1, 40);
        let (found, apart) = written(&many);
        assert!(found.identity.words().len() > 5, "{found:?}");
        assert_eq!(found.identity.words().last(), many.identity.words().last());
        assert_eq!((found.lock, apart), (many.lock, None));
    }

    #[test]
    fn lock_that_does_not_fit_has_its_own_tag() {
        let many = log(1, 8, 3);
        let (found, apart) = written(&many);
        assert_eq!(found.lock, None);
        assert_eq!(parse_tag(&apart.unwrap()), many.lock);
        assert_eq!(found.identity, many.identity);
    }

    #[test]
    fn tag_of_an_earlier_version_is_read() {
        let found = parse_log("2026-01-01T00:00:00Z 90000@2026-01-01T00:00:00Z").unwrap();
        assert_eq!(
            (found.max_silence.len(), found.identity.words().is_empty()),
            (1, true)
        );
        assert_eq!(parse_log("x"), None);
    }
}
