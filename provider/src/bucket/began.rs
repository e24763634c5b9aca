//! `began` as the configuration gives it, for a log that was there before.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Context, Diagnostic, Diagnostics, Object, Result};

use super::path::{logs_of, path_of};
use crate::account::Account;
use crate::aws::{Clients, first_under};
use crate::diagnostic::nested;
use crate::error::Error;
use crate::trust::duration::parse_duration;

const SUMMARY: &str = "The beginning of a log does not fit";

/// Refuses beginnings in the future: until then, a log without segments would be in order.
///
/// # Errors
/// The log, at the attribute.
pub(super) fn check_past(config: &Object, now: Timestamp) -> Result {
    let later = logs_of(config).filter(|(_, log)| began(log).is_some_and(|began| began > now));
    let found: Diagnostics = later
        .map(|(name, _)| {
            let detail =
                "It is in the future. Leave `began` out for a log that begins when it is applied.";
            nested(SUMMARY, detail, &path_of(name).attribute("began"))
        })
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn began(log: &Object) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(log.value("began").as_str()?)
}

/// Compares beginnings that are new in the configuration with the first segment, as far as it may be looked at.
///
/// # Errors
/// The first segment is older.
pub(super) async fn check(
    cx: &Context<Account>,
    (prior, planned): (Option<&Object>, &Object),
    place: Option<(&Clients, &str)>,
    now: Timestamp,
) -> Result {
    let mut found = Diagnostics::new();
    for (name, log) in logs_of(planned) {
        let Some((began, prefix)) = new_beginning(prior, name, log) else {
            continue;
        };
        let path = path_of(name).attribute("began");
        let first = match first_stored(place, prefix).await {
            Ok(first) => first,
            Err(error) => {
                cx.warn(unchecked(&error, &path));
                continue;
            }
        };
        match judged(began, first, silence_of(log), now) {
            Judged::Fits => {}
            Judged::TooLate(detail) => found.push(nested(SUMMARY, &detail, &path)),
            Judged::Silent(detail) => cx.warn(silent(&format!("At {path}: {detail}"))),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// A beginning that the state does not have, and where the segments are.
fn new_beginning<'a>(
    prior: Option<&Object>,
    name: &str,
    log: &'a Object,
) -> Option<(Timestamp, &'a str)> {
    let same = |(before, _): &(&String, &Object)| before.as_str() == name;
    let before = prior.and_then(|prior| logs_of(prior).find(same));
    let changed = before.is_none_or(|(_, before)| before.value("began") != log.value("began"));
    let new = began(log).filter(|_| changed);
    new.zip(log.value("prefix").as_str())
}

/// When the first object under a prefix was stored; nothing in a bucket that is not there yet.
async fn first_stored(
    place: Option<(&Clients, &str)>,
    prefix: &str,
) -> Result<Option<Timestamp>, Error> {
    let Some((clients, bucket)) = place else {
        return Ok(None);
    };
    let first = first_under(clients, bucket, &format!("{prefix}/")).await?;
    Ok(first.map(|first| first.at))
}

fn silence_of(log: &Object) -> u64 {
    let text = log.value("max_silence").as_str();
    let seconds = text.and_then(|text| parse_duration(text).ok());
    seconds.unwrap_or(u64::MAX)
}

fn unchecked(error: &Error, path: &AttributePath) -> Diagnostic {
    let detail = format!("At {path}: {error}. Check that no segment was stored before it.");
    Diagnostic::warning("The beginning of a log was not checked", detail).at("logs")
}

fn silent(detail: &str) -> Diagnostic {
    Diagnostic::warning("Silence at the beginning of a log", detail).at("logs")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    Fits,
    TooLate(String),
    /// The verifier will report silence.
    Silent(String),
}

fn judged(began: Timestamp, first: Option<Timestamp>, silence: u64, now: Timestamp) -> Judged {
    let seconds = i64::try_from(silence).unwrap_or(i64::MAX);
    let due = began.saturating_add_seconds(seconds);
    match first {
        Some(first) if first < began => Judged::TooLate(format!(
            "The first segment was stored at {}, before that. Set `began` to that time or to an earlier one.",
            first.to_rfc3339()
        )),
        Some(first) if first > due => Judged::Silent(format!(
            "The first segment was stored at {}, more than `max_silence` after `began`, so the verifier will report silence. To correct \
             `began`, set another time: removing the argument keeps the value.",
            first.to_rfc3339()
        )),
        None if now > due => Judged::Silent(
            "The log has no segments, and `max_silence` has passed since `began`, so the verifier will report an empty log. Leave `began` \
             out for a new log. To correct it later, set another time: removing the argument keeps the value."
                .to_owned(),
        ),
        Some(_) | None => Judged::Fits,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tf_provider::Value;

    use super::*;

    fn at(day: u32) -> Timestamp {
        let first = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        first.saturating_add_days(day)
    }

    const DAY: u64 = 86_400;

    #[test]
    fn beginning_must_be_before_the_first_segment_and_not_long_before() {
        let judged = |began, first: Option<u32>| judged(at(began), first.map(at), DAY, at(10));
        assert_eq!(judged(3, Some(3)), Judged::Fits);
        assert_eq!(judged(2, Some(3)), Judged::Fits);
        assert!(matches!(judged(4, Some(3)), Judged::TooLate(_)));
        assert!(matches!(judged(1, Some(3)), Judged::Silent(_)));
        assert_eq!(judged(9, None), Judged::Fits);
        assert!(matches!(judged(8, None), Judged::Silent(_)));
    }

    #[test]
    fn beginning_in_the_future_is_refused_with_its_path() {
        let log = Object::new().with("began", at(5).to_rfc3339());
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        let config = Object::new().with("logs", Value::Map(logs));
        assert!(check_past(&config, at(5)).is_ok());
        let found = check_past(&config, at(4)).unwrap_err();
        let one = found.iter().next().unwrap();
        assert!(
            one.detail
                .starts_with("At logs[\"a\"].began: It is in the future")
        );
    }
}
