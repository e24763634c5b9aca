//! What was declared, of a bucket whose declaration nobody remembers: it was imported.
//!
//! Its tags say it. Whoever may tag the bucket could have written them, and a weaker past makes the verifier accept what it would
//! report. Nothing else in S3 says what was declared when, so a person has to compare.

use std::collections::BTreeSet;

use auditlog_chain::policy::{LockSpan, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic};

use super::given::WAY_OUT;
use super::history::{History, LogHistory};
use super::lock::declared as as_lock;
use super::memory::{declared, remember};
use super::model::BucketModel;
use super::path::path_of;
use crate::account::Account;
use crate::aws::{BucketParts, DefaultRetention, Tags};
use crate::trust::spans::Lock;

/// What was declared, for a read. Where nothing is remembered, the bucket was imported, and its tags say it; or its state was
/// made by an earlier version, and says it. From then on it is remembered.
pub(super) fn known_history(
    cx: &Context<Account>,
    state: &BucketModel,
    parts: &BucketParts,
    now: Timestamp,
) -> Option<History> {
    if let Some(history) = declared(cx) {
        if let Some(warning) = changed_tags(&history, &parts.marks, now) {
            cx.warn(warning);
        }
        return Some(history);
    }
    let found = History::from_tags(&parts.marks);
    let history = if found.is_empty() {
        History::of(state)
    } else {
        cx.warn(announced(&found, parts.retention));
        found
    };
    if history.is_empty() {
        return None;
    }
    remember(cx, &history);
    Some(history)
}

/// Tags of a managed bucket that do not hold what was declared. The declaration that is remembered counts.
fn changed_tags(declared: &History, found: &Tags, now: Timestamp) -> Option<Diagnostic> {
    let wanted = declared.tags(now).ok()?;
    if History::from_tags(&wanted) == History::from_tags(found) {
        return None;
    }
    let keys = wanted.keys().chain(found.keys());
    let keys = keys.filter(|key| wanted.get(*key) != found.get(*key));
    let keys: BTreeSet<String> = keys.map(|key| format!("`{key}`")).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let detail = format!(
        "These tags of the bucket do not hold what was declared: {}. Somebody has changed them, or an apply did not finish. Terraform \
         remembers what was declared, and the next apply writes them again. Do not remove the bucket from the state before: an import \
         would take what the tags say.",
        keys.join(", ")
    );
    Some(Diagnostic::warning("Tags that hold declarations were changed", detail).at("lock_spans"))
}

fn announced(found: &History, retention: Option<DefaultRetention>) -> Diagnostic {
    let lock = (!found.lock.is_empty()).then(|| format!("- object_lock: {}", locks(&found.lock)));
    let logs = found.logs.iter().map(|(name, log)| of_log(name, log));
    let lines: Vec<String> = lock.into_iter().chain(logs).collect();
    let detail = format!(
        "The tags of the bucket say what was declared before. Compare it with the last trust policy, because whoever may tag the bucket \
         could have changed it:\n\n{}{}\n\n{WAY_OUT}",
        lines.join("\n"),
        other_lock(found, retention).unwrap_or_default()
    );
    Diagnostic::warning("Earlier declarations were imported from tags", detail).at("lock_spans")
}

fn of_log(name: &str, log: &LogHistory) -> String {
    let own = log
        .lock
        .as_deref()
        .map(|spans| format!(", object_lock {}", locks(spans)));
    let silences: Vec<String> = log.max_silence.iter().map(silence).collect();
    format!(
        "- {}: began {}, max_silence {}{}",
        path_of(name),
        log.began.to_rfc3339(),
        silences.join(", "),
        own.unwrap_or_default()
    )
}

fn silence(span: &SilenceSpan) -> String {
    format!("{}s from {}", span.seconds, span.from.to_rfc3339())
}

fn locks(spans: &[LockSpan]) -> String {
    let spans = spans
        .iter()
        .map(|span| format!("{} from {}", Lock::from(*span), span.from.to_rfc3339()));
    spans.collect::<Vec<_>>().join(", ")
}

/// The last declaration is also the default retention, unless somebody changed one of them.
fn other_lock(found: &History, retention: Option<DefaultRetention>) -> Option<String> {
    let last = Lock::from(*found.lock.last()?);
    let is = retention.map(as_lock).filter(|is| *is != last)?;
    Some(format!(
        "\n\nThe tags declare {last} last, but the default retention of the bucket is {is}. Somebody changed one of them."
    ))
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;

    use super::*;
    use crate::aws::Period;

    fn detail(tags: &[(&str, &str)], days: u32) -> String {
        let tags = tags
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        let found = History::from_tags(&tags.collect::<Tags>());
        let retention = DefaultRetention {
            mode: LockMode::Compliance,
            period: Period::Days(days),
        };
        announced(&found, Some(retention)).detail
    }

    #[test]
    fn every_declaration_of_the_tags_is_printed_for_a_person_to_compare() {
        let from = Timestamp::EPOCH.to_rfc3339();
        let log = format!("{from} 90000@{from} lock:19700101T000000Z=G3");
        let said = detail(
            &[
                ("auditlog:lock", "19700101T000000Z=G1 20260101T000000Z=C10"),
                ("auditlog:log:payments", &log),
            ],
            10,
        );
        for line in [
            "- object_lock: GOVERNANCE for 1 day from 1970-01-01T00:00:00Z, COMPLIANCE for 10 days from 2026-01-01T00:00:00Z",
            "- logs[\"payments\"]: began 1970-01-01T00:00:00Z, max_silence 90000s from 1970-01-01T00:00:00Z, object_lock GOVERNANCE \
             for 3 days from 1970-01-01T00:00:00Z",
        ] {
            assert!(said.contains(line), "{said}");
        }
        assert!(!said.contains("Somebody changed one"), "{said}");
    }

    #[test]
    fn tags_that_do_not_fit_the_default_retention_are_pointed_out() {
        let said = detail(&[("auditlog:lock", "20260101T000000Z=G1")], 10);
        let differs = "The tags declare GOVERNANCE for 1 day last, but the default retention of the bucket is COMPLIANCE for 10 days.";
        assert!(said.contains(differs), "{said}");
    }

    #[test]
    fn tags_of_a_managed_bucket_that_others_changed_are_named() {
        let tags = |lock: &str| -> Tags {
            let log = format!("{0} 90000@{0}", Timestamp::EPOCH.to_rfc3339());
            let pairs = [("auditlog:lock", lock), ("auditlog:log:a", &log)];
            let pairs = pairs.map(|(key, text)| (key.to_owned(), text.to_owned()));
            pairs.into()
        };
        let ours = tags("19700101T000000Z=C10");
        let declared = History::from_tags(&ours);
        assert_eq!(changed_tags(&declared, &ours, Timestamp::EPOCH), None);
        let said =
            |found: &Tags| changed_tags(&declared, found, Timestamp::EPOCH).map(|one| one.detail);
        let forged = said(&tags("19700101T000000Z=G1")).unwrap();
        assert!(
            forged.contains("declared: `auditlog:lock`. Somebody"),
            "{forged}"
        );
        let gone = said(&Tags::new()).unwrap();
        assert!(gone.contains("`auditlog:lock`, `auditlog:log:a`"), "{gone}");
    }
}
