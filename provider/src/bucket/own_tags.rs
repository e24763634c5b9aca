//! The provider's own tags of a bucket that no attribute shows: the creation tag, and those that nothing reads.

use auditlog_chain::timestamp::Timestamp;

use super::history::{History, LOG_LOCK_TAG, LOG_TAG};
use crate::aws::{CREATION_TAG, Tags, is_providers_own};

/// What others have done to them, a line each. `created` is what the creation tag said when the bucket was created or imported.
///
/// Tags that hold the declarations are shown as these: see `lock_spans` and `log_spans`.
pub(super) fn drift(
    found: &Tags,
    created: Option<&str>,
    (declared, now): (&History, Timestamp),
) -> Vec<String> {
    let wanted = declared.tags(now).unwrap_or_default();
    let created = created.filter(|created| !created.is_empty());
    let creation = match (found.get(CREATION_TAG), created) {
        (None, Some(_)) => Some("removed"),
        (Some(found), Some(created)) if found != created => Some("changed"),
        _ => None,
    };
    let creation = creation.map(|done| line(CREATION_TAG, done));
    let added = found.keys().filter(|key| {
        is_providers_own(key) && *key != CREATION_TAG && is_unread(key, found, &wanted)
    });
    creation
        .into_iter()
        .chain(added.map(|key| line(key, "added")))
        .collect()
}

fn line(key: &str, done: &str) -> String {
    format!("the tag {key:?} was {done}")
}

/// Whether nothing is declared by the tag. One of a log that says something else than was declared is shown with the log.
fn is_unread(key: &str, found: &Tags, wanted: &Tags) -> bool {
    let Some(name) = key.strip_prefix(LOG_LOCK_TAG) else {
        let holds = History::from_tags(
            &found
                .clone()
                .into_iter()
                .filter(|(one, _)| one == key)
                .collect(),
        );
        return !wanted.contains_key(key) && holds.is_empty();
    };
    let log = format!("{LOG_TAG}{name}");
    !wanted.contains_key(key) && found.get(&log) == wanted.get(&log)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[(&str, &str)], created: &str) -> Vec<String> {
        let tags = tags
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        let nothing = (&History::default(), Timestamp::EPOCH);
        drift(&tags.collect(), Some(created), nothing)
    }

    #[test]
    fn creation_tag_that_others_removed_or_changed_is_named() {
        let created = ("auditlog:created", "a");
        assert!(of(&[created], "a").is_empty());
        assert!(of(&[created], "").is_empty(), "nothing is remembered");
        assert_eq!(of(&[], "a"), ["the tag \"auditlog:created\" was removed"]);
        assert_eq!(
            of(&[created], "b"),
            ["the tag \"auditlog:created\" was changed"]
        );
    }

    #[test]
    fn own_tag_that_nothing_reads_is_named_and_others_are_not() {
        let unread = [
            ("auditlog:x", "1"),
            ("auditlog:log-lock:a", "x"),
            ("team", "b"),
        ];
        let wanted = [
            "the tag \"auditlog:log-lock:a\" was added",
            "the tag \"auditlog:x\" was added",
        ];
        assert_eq!(of(&unread, ""), wanted);
        // a lock that was not declared is shown as a lock
        assert!(of(&[("auditlog:lock", "20260101T000000Z=G3")], "").is_empty());
    }
}
