//! `lock_spans` as the configuration gives it: the history of a bucket that is not managed yet.
//!
//! Once something was declared, the spans follow from `object_lock` and its changes alone. Otherwise a list could declare a
//! weaker lock than `object_lock`, and no `allow_weakening` would name it.

use auditlog_chain::policy::LockSpan;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Object, Result};

use super::history::parse_spans;
use crate::trust::model::LockSpanModel;
use crate::trust::spans::Lock;

const SPANS: &str = "lock_spans";

/// Checks the spans that a configuration gives, as far as they are known, against those that were declared `before`. Without a
/// clock, spans that have not begun are found later.
///
/// # Errors
/// They differ from what was declared, or the last one has not begun.
pub(super) fn check(config: &Object, before: &[LockSpan], now: Option<Timestamp>) -> Result {
    let Ok(Some(given)) = config.get::<Option<Vec<LockSpanModel>>>(SPANS) else {
        return Ok(());
    };
    let Some(given) = parse_spans(&given) else {
        return Err(wrong(NOT_IN_ORDER.to_owned()).into());
    };
    let refused = if before.is_empty() {
        begins_later(&given, now)
    } else {
        (given != before).then(differs)
    };
    refused.map_or(Ok(()), |refused| Err(refused.into()))
}

const NOT_IN_ORDER: &str = "Give each span a later `from` than the one before it.";

fn differs() -> Diagnostic {
    wrong(
        "The spans of this bucket are declared already, and these are others. `lock_spans` is for the import of a bucket whose lock \
         changed before. Leave it out: a change of object_lock adds its span itself."
            .to_owned(),
    )
}

/// The lock must be in force: what is stored before its span begins would be accepted with an earlier, perhaps weaker one.
fn begins_later(given: &[LockSpan], now: Option<Timestamp>) -> Option<Diagnostic> {
    let later = given
        .iter()
        .find(|span| now.is_some_and(|now| span.from > now))?;
    Some(wrong(format!(
        "The span of {} begins at {}, in the future. Give only spans that have begun: `lock_spans` says which locks the bucket had.",
        Lock::from(*later),
        later.from.to_rfc3339()
    )))
}

/// Spans that the configuration gives, or that the plan knew.
///
/// # Errors
/// They are not in order, or the last one is not the lock.
pub(super) fn given_spans(given: &[LockSpanModel], lock: Lock) -> Result<Vec<LockSpan>> {
    let spans = parse_spans(given)
        .filter(|spans| spans.is_sorted_by(|one, next| one.from < next.from))
        .ok_or_else(|| wrong(NOT_IN_ORDER.to_owned()))?;
    match spans.last().copied().map(Lock::from) {
        Some(last) if last == lock => Ok(spans),
        Some(last) => Err(wrong(format!(
            "The last span is {last}, but object_lock is {lock}. On an import, give the lock of object_lock as the last span. Once \
             the bucket is imported, leave `lock_spans` out."
        ))
        .into()),
        None => Err(wrong("Give at least one span.".to_owned()).into()),
    }
}

fn wrong(detail: String) -> Diagnostic {
    Diagnostic::error("Lock spans that do not fit", detail).at(AttributePath::from(SPANS))
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;
    use tf_provider::Value;

    use super::*;

    const NOW: &str = "2026-06-01T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn config(spans: &[(&str, &str, u32)]) -> Object {
        let span = |(from, mode, days): &(&str, &str, u32)| LockSpanModel {
            from: (*from).to_owned(),
            mode: (*mode).to_owned(),
            days: *days,
        };
        let spans: Vec<LockSpanModel> = spans.iter().map(span).collect();
        Object::new().with(SPANS, spans)
    }

    fn detail(result: Result) -> String {
        let found = result.unwrap_err();
        found.iter().next().unwrap().detail.clone()
    }

    fn declared() -> Vec<LockSpan> {
        vec![LockSpan {
            from: at("2026-01-01T00:00:00Z"),
            mode: LockMode::Compliance,
            retention_days: 10,
        }]
    }

    const SOFTENED: [(&str, &str, u32); 2] = [
        ("2026-01-01T00:00:00Z", "GOVERNANCE", 3),
        ("2099-01-01T00:00:00Z", "COMPLIANCE", 10),
    ];

    #[test]
    fn spans_of_a_managed_bucket_are_not_given() {
        for given in [&SOFTENED[..], &SOFTENED[..1], &[]] {
            let said = detail(check(&config(given), &declared(), None));
            assert!(said.contains("for the import"), "{said}");
        }
    }

    #[test]
    fn spans_that_were_given_on_import_may_stay() {
        let same = config(&[("2026-01-01T01:00:00+01:00", "COMPLIANCE", 10)]);
        assert!(check(&same, &declared(), Some(at(NOW))).is_ok());
        assert!(check(&Object::new(), &declared(), Some(at(NOW))).is_ok());
        let unknown = Object::new().with(SPANS, Value::Unknown);
        assert!(check(&unknown, &declared(), None).is_ok());
    }

    #[test]
    fn span_that_has_not_begun_is_not_given_on_import() {
        let said = detail(check(&config(&SOFTENED), &[], Some(at(NOW))));
        assert!(
            said.contains("COMPLIANCE for 10 days begins at 2099"),
            "{said}"
        );
        assert!(check(&config(&SOFTENED[..1]), &[], Some(at(NOW))).is_ok());
    }
}
