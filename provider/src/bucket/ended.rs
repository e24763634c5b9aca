//! The declared end of a log, compared with the segment that it names.
//!
//! A wrong end turns every segment, or the end itself, into a fault, and the policy denies to write the log from then on. So an end that is
//! new or changed must agree with the bucket, as far as it may be read.

use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{CheckedSegment, Expected, FORMAT, check_segment};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Context, Diagnostic, Diagnostics, Object, Result};

use super::path::{logs_of, path_of};
use crate::account::Account;
use crate::aws::{Clients, StoredVersion, first_under, first_version, is_followed, read_version};
use crate::diagnostic::nested;
use crate::error::Error;
use crate::trust::model::EndedModel;

/// How a declared end compares with the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Compared {
    Agrees,
    /// In what it differs, and what the end is.
    Differs(String),
    /// Why it was not compared, or only in part.
    Unreadable(String),
}

/// Refuses ends that are new or changed and do not agree with the bucket; none can agree with one that is not there yet.
///
/// # Errors
/// What the segment says in place of it, at the log.
pub(super) async fn check(
    cx: &Context<Account>,
    (prior, planned): (Option<&Object>, &Object),
    place: Option<(&Clients, &str)>,
) -> Result {
    let mut found = Diagnostics::new();
    for (name, log) in logs_of(planned).filter(|(name, log)| is_new(prior, name, log)) {
        let path = path_of(name).attribute("ended");
        match compare_at(place, log).await {
            Compared::Agrees => {}
            Compared::Differs(detail) => found.push(nested(NOT_THE_END, &detail, &path)),
            Compared::Unreadable(why) => cx.warn(unchecked(&why, &path)),
        }
        if let Some(place) = place
            && let Some(warning) = rest(place, log, &path).await
        {
            cx.warn(warning);
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Whether an end is known now, and is not the one of the state.
fn is_new(prior: Option<&Object>, name: &str, log: &Object) -> bool {
    let same = |(before, _): &(&String, &Object)| before.as_str() == name;
    let before = prior.and_then(|prior| logs_of(prior).find(same));
    let unchanged = before.is_some_and(|(_, before)| before.value("ended") == log.value("ended"));
    declared(log).is_some() && !unchanged
}

async fn compare_at(place: Option<(&Clients, &str)>, log: &Object) -> Compared {
    match place {
        Some((clients, bucket)) => compare(clients, bucket, log).await,
        None => Compared::Differs("A new bucket has no segments to end.".to_owned()),
    }
}

const NOT_THE_END: &str = "The declared end is not the log's";

fn unchecked(why: &str, path: &AttributePath) -> Diagnostic {
    let detail = format!(
        "At {path}: {why}. Compare it with the head that `auditlog-verify` reports: a wrong end makes the verifier report a fault."
    );
    Diagnostic::warning("The declared end was not checked", detail).at("logs")
}

/// Segments behind the end are disowned: right where somebody else wrote them, wrong where the log had gone on.
async fn rest(
    (clients, bucket): (&Clients, &str),
    log: &Object,
    path: &AttributePath,
) -> Option<Diagnostic> {
    let (prefix, ended) = declared(log)?;
    let key = segment_key(&prefix, ended.segment);
    let followed = is_followed(clients, bucket, &format!("{prefix}/"), &key).await;
    let detail = format!(
        "At {path}: There are segments after segment {}. The verifier will report them as disowned. If the log itself wrote them, declare \
         its last segment instead.",
        ended.segment
    );
    let warning = Diagnostic::warning("The log goes on after its declared end", detail);
    match followed {
        Ok(is_followed) => is_followed.then(|| warning.at("logs")),
        Err(error) => Some(unchecked(&with_hint(&error), path)),
    }
}

/// The error and what to do about it, in one sentence of a warning.
fn with_hint(error: &Error) -> String {
    let hint = error.hint().map(|hint| format!(" ({hint})"));
    format!("{error}{}", hint.unwrap_or_default())
}

fn declared(log: &Object) -> Option<(String, EndedModel)> {
    let prefix = log.value("prefix").as_str()?.to_owned();
    let ended: Option<EndedModel> = log.get("ended").ok()?;
    Some((prefix, ended?))
}

/// The key of a segment (F1).
fn segment_key(prefix: &str, segment: u64) -> String {
    format!("{prefix}/{segment:012}.jsonl.zst")
}

/// Compares the end of a log of a configuration or a state.
pub(super) async fn compare(clients: &Clients, bucket: &str, log: &Object) -> Compared {
    let Some((prefix, ended)) = declared(log) else {
        return Compared::Unreadable("its values are not known".to_owned());
    };
    let origin = log.value("origin").as_str().and_then(Origin::parse);
    let key = segment_key(&prefix, ended.segment);
    let found = match first_version(clients, bucket, &key).await {
        Err(error) => return Compared::Unreadable(with_hint(&error)),
        Ok(None) => return absent(clients, bucket, &prefix, ended.segment).await,
        Ok(Some(found)) => found,
    };
    let bytes = match read_version(clients, bucket, &found).await {
        Err(error) => return stored_alone(&ended, &found, format!("{error}")),
        Ok(bytes) => bytes,
    };
    let segment = origin.zip(bytes).and_then(|(origin, bytes)| {
        let expected = Expected {
            origin: &origin,
            segment: ended.segment,
            format: FORMAT,
        };
        check_segment(&bytes, expected).ok()
    });
    match segment {
        Some(segment) => differences(&ended, &found, &segment),
        None => Compared::Differs(format!(
            "The object {key:?} is not segment {} of this log, or has more than {MAX_OBJECT_BYTES} bytes.",
            ended.segment
        )),
    }
}

/// A log that has expired as a whole cannot be compared any more.
async fn absent(clients: &Clients, bucket: &str, prefix: &str, segment: u64) -> Compared {
    let folder = format!("{prefix}/");
    match first_under(clients, bucket, &folder).await {
        Ok(Some(_)) => Compared::Differs(format!(
            "Segment {segment} does not exist under {folder:?}. Declare the head that `auditlog-verify` reports."
        )),
        Ok(None) => Compared::Unreadable(format!("Nothing is stored under {folder:?}")),
        Err(error) => Compared::Unreadable(error.to_string()),
    }
}

/// Where the segment may not be read, the listing says when it was stored.
fn stored_alone(ended: &EndedModel, found: &StoredVersion, why: String) -> Compared {
    let said = ended.stored.as_deref().unwrap_or_default();
    if same_second(said, found.at) {
        return Compared::Unreadable(why);
    }
    Compared::Differs(format!(
        "Segment {} was stored at {}, not at {}. Set `stored = {:?}`.",
        ended.segment,
        found.at.to_rfc3339(),
        said,
        found.at.to_rfc3339()
    ))
}

fn same_second(text: &str, at: Timestamp) -> bool {
    Timestamp::parse_rfc3339(text).is_some_and(|said| said.as_seconds() == at.as_seconds())
}

fn differences(ended: &EndedModel, found: &StoredVersion, segment: &CheckedSegment) -> Compared {
    let sealed = segment.sealed();
    let root = segment.root().to_base64();
    let wrong = [
        ("size", segment.size() != ended.size),
        ("root", root != ended.root),
        (
            "sealed",
            Timestamp::parse_rfc3339(&ended.sealed) != Some(sealed),
        ),
        (
            "stored",
            !same_second(ended.stored.as_deref().unwrap_or_default(), found.at),
        ),
    ];
    let wrong: Vec<String> = wrong
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if wrong.is_empty() {
        return Compared::Agrees;
    }
    Compared::Differs(format!(
        "Segment {} has another {}. If it is the last one, set:\n\n    ended = {{\n      segment = {}\n      size    = {}\n      root    = \
         {root:?}\n      sealed  = {:?}\n      stored  = {:?}\n    }}",
        ended.segment,
        wrong.join(" and "),
        ended.segment,
        segment.size(),
        sealed.to_rfc3339(),
        found.at.to_rfc3339()
    ))
}
