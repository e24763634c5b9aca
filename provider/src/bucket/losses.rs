//! Logs that a plan would undeclare, rename or rob of a key: pure, from the state and the plan.
//!
//! A bucket that was imported has no logs in its state, but what its tags say of them.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{AttributePath, Diagnostic, Field, Object};

use super::identity::Identity;
use super::model::LogSpansModel;
use super::path::{logs_of, path_of};
use crate::diagnostic::nested;
use crate::trust::keys::TrustModel;

/// A prefix under which there may be segments, and why they would be lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) prefix: String,
    path: AttributePath,
    summary: &'static str,
    detail: String,
}

impl Loss {
    /// The error, once it is known whether there is anything under the prefix.
    pub(super) fn refusal(&self, why: &str) -> Diagnostic {
        let detail = format!("{why}. {}", self.detail);
        nested(self.summary, &detail, &self.path)
    }
}

/// Logs that would be undeclared, logs whose origin or prefix would change, and logs that would lose a key.
pub(super) fn losses(prior: &Object, planned: &Object) -> Vec<Loss> {
    let after: BTreeMap<&String, &Object> = logs_of(planned).collect();
    let known = !planned.value("logs").is_unknown();
    let mut found = Vec::new();
    let mut losses_of = |before: &dyn Known, name: &String| match after.get(name) {
        None if known => found.push(before.loss(path_of(name), REMOVED, removed(name))),
        None => {}
        Some(now) => found.extend(changes(before, name, now)),
    };
    for (name, log) in logs_of(prior) {
        if log.value("prefix").as_str().is_some() {
            losses_of(&InState(log), name);
        }
    }
    for (name, identity) in imported(prior) {
        losses_of(&InTags(&name, &identity), &name);
    }
    found
}

/// Logs that the tags of a bucket name and its state does not.
pub(super) fn imported(prior: &Object) -> Vec<(String, Identity)> {
    let spans: Option<BTreeMap<String, LogSpansModel>> = prior.get("log_spans").ok().flatten();
    let declared: BTreeSet<&String> = logs_of(prior).map(|(name, _)| name).collect();
    let spans = spans.unwrap_or_default().into_iter();
    spans
        .filter(|(name, _)| !declared.contains(name))
        .map(|(name, spans)| {
            let words = spans.identity.iter().flatten().map(String::as_str);
            (name, Identity::parse(words))
        })
        .collect()
}

/// What is known of a log before a change.
trait Known {
    /// Where its segments are.
    fn prefix(&self) -> String;

    /// Which of `origin` and `prefix` changes.
    fn moved(&self, now: &Object) -> Vec<&'static str>;

    /// What is lost where a log no longer has a key that it had.
    fn dropped(&self, now: &Object) -> Option<String>;

    fn loss(&self, path: AttributePath, summary: &'static str, detail: String) -> Loss {
        let prefix = self.prefix();
        let prefix = if prefix.is_empty() {
            prefix
        } else {
            format!("{prefix}/")
        };
        Loss {
            prefix,
            path,
            summary,
            detail,
        }
    }
}

fn changes(before: &dyn Known, name: &str, now: &Object) -> Vec<Loss> {
    let moved = before.moved(now).into_iter().map(|attribute| {
        let path = path_of(name).attribute(attribute);
        before.loss(path, MOVED, moved_to(name, attribute))
    });
    let dropped = before.dropped(now).map(|detail| {
        let path = path_of(name).attribute("signing_key");
        before.loss(path, DROPPED, detail)
    });
    moved.chain(dropped).collect()
}

struct InState<'a>(&'a Object);

impl Known for InState<'_> {
    fn prefix(&self) -> String {
        self.0
            .value("prefix")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn moved(&self, now: &Object) -> Vec<&'static str> {
        let changed = |attribute: &&'static str| {
            let (before, after) = (self.0.value(attribute), now.value(attribute));
            !before.is_null() && !after.is_unknown() && before != after
        };
        ["origin", "prefix"].into_iter().filter(changed).collect()
    }

    /// What is not known yet keeps every key: the apply looks again.
    fn dropped(&self, now: &Object) -> Option<String> {
        let (before, after) = (trust_of(self.0)?, trust_of(now)?);
        let kept: BTreeSet<&str> = after.keys.iter().map(|key| key.spki.as_str()).collect();
        let missing = before
            .keys
            .iter()
            .find(|key| !kept.contains(key.spki.as_str()))?;
        let key = missing.arn.as_ref().unwrap_or(&missing.spki);
        Some(without_key(&format!(
            "The key {key} (version {} of {}) is missing.",
            missing.version, before.alias
        )))
    }
}

struct InTags<'a>(&'a str, &'a Identity);

impl Known for InTags<'_> {
    fn prefix(&self) -> String {
        self.1.prefix(self.0)
    }

    fn moved(&self, now: &Object) -> Vec<&'static str> {
        let is_other = |attribute: &str, same: &dyn Fn(&str) -> bool| {
            now.value(attribute)
                .as_str()
                .is_some_and(|text| !same(text))
        };
        let origin = is_other("origin", &|origin| self.1.has_origin(origin));
        let prefix = is_other("prefix", &|prefix| self.1.has_prefix(self.0, prefix));
        let origin = origin.then_some("origin");
        origin
            .into_iter()
            .chain(prefix.then_some("prefix"))
            .collect()
    }

    fn dropped(&self, now: &Object) -> Option<String> {
        let after = trust_of(now)?;
        let spkis = after.keys.iter().map(|key| key.spki.as_str());
        let missing = self.1.keys_missing_from(spkis);
        (missing > 0).then(|| {
            without_key(&format!(
                "The bucket's tags name {missing} {} of the log that {} missing.",
                if missing == 1 { "key" } else { "keys" },
                if missing == 1 { "is" } else { "are" },
            ))
        })
    }
}

const REMOVED: &str = "A log with segments is not removed";
const MOVED: &str = "A log with segments is not renamed";
const DROPPED: &str = "A key of a log with segments is not dropped";

fn removed(name: &str) -> String {
    format!(
        "Without its declaration, the verifier reports each of them as unaccounted. Keep the log, and declare its end with the head \
         that `auditlog-verify` reports:\n\n    {name} = {{\n      …\n      ended = {{ segment = …, size = …, root = \"…\", sealed = \
         \"…\", stored = \"…\" }}\n    }}\n\nRemove it when its last segment has expired and is gone."
    )
}

fn moved_to(name: &str, attribute: &str) -> String {
    format!(
        "The {attribute} is part of each segment, or of its key, so the segments that are there would be faults. Keep it, or end the log \
         {name:?} with `ended` and add another log under another name."
    )
}

fn without_key(missing: &str) -> String {
    format!(
        "{missing} Without it, each segment that it signed is a fault. To rotate the key, change `rotation.trigger` or `key_spec` of the \
         log's `auditlog_signing_key`: its `trust` keeps every version. To sign with the key of another resource, keep the earlier keys \
         beside it:\n\n    signing_key = {{\n      alias = auditlog_signing_key.NEW.trust.alias\n      keys  = \
         concat(auditlog_signing_key.OLD.trust.keys, auditlog_signing_key.NEW.trust.keys)\n    }}"
    )
}

fn trust_of(log: &Object) -> Option<TrustModel> {
    let trust: Field<TrustModel> = log.get("signing_key").ok()?;
    trust.into_known()
}

/// Logs whose declared end would be taken back, with the log before.
pub(super) fn resurrected<'a>(
    prior: &'a Object,
    planned: &Object,
) -> Vec<(String, Option<&'a Object>)> {
    let after: BTreeMap<&String, &Object> = logs_of(planned).collect();
    let goes_on = |name: &String| {
        after
            .get(name)
            .is_some_and(|log| log.value("ended").is_null())
    };
    let ended = logs_of(prior).filter(|(_, log)| !log.value("ended").is_null());
    let of_tags = imported(prior).into_iter();
    let of_tags = of_tags.filter(|(_, identity)| identity.has_ended());
    ended
        .map(|(name, log)| (name.clone(), Some(log)))
        .chain(of_tags.map(|(name, _)| (name, None)))
        .filter(|(name, _)| goes_on(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use tf_provider::{ToValue as _, Value};

    use super::*;
    use crate::trust::keys::TrustKey;

    fn bucket(logs: &[(&str, &str, bool)]) -> Object {
        let logs = logs.iter().map(|(name, prefix, ended)| {
            let ended = ended.then(Object::new);
            let log = Object::new()
                .with("origin", format!("acme.example/{name}"))
                .with("prefix", *prefix)
                .with("ended", ended);
            ((*name).to_owned(), Value::Object(log))
        });
        Object::new()
            .with("bucket", "audit")
            .with("region", "eu-central-1")
            .with("logs", Value::Map(logs.collect()))
    }

    fn places(prior: &Object, planned: &Object) -> Vec<String> {
        let losses = losses(prior, planned).into_iter();
        losses
            .map(|loss| format!("{} {}", loss.path, loss.prefix))
            .collect()
    }

    #[test]
    fn removed_and_moved_logs_are_looked_for_under_their_old_prefix() {
        let two = bucket(&[("a", "logs/a", false), ("b", "logs/b", false)]);
        assert!(places(&two, &two).is_empty());
        let one = bucket(&[("a", "else/a", false)]);
        assert_eq!(
            places(&two, &one),
            [r#"logs["a"].prefix logs/a/"#, r#"logs["b"] logs/b/"#]
        );
        let unknown = Object::new().with("logs", Value::Unknown);
        assert!(places(&two, &unknown).is_empty());
    }

    /// A bucket with one log that these keys may sign.
    fn signed_by(keys: &[&str]) -> Object {
        let key = |(version, spki): (u32, &&str)| TrustKey {
            version,
            spec: "ECC_NIST_P256".to_owned(),
            spki: (*spki).to_owned(),
            arn: None,
            valid_from: "2026-01-01T00:00:00Z".to_owned(),
            retired_at: None,
            lost_at: None,
            compromised: None,
        };
        let trust = TrustModel {
            alias: "alias/audit".to_owned(),
            keys: (1..).zip(keys).map(key).collect(),
        };
        with_trust(trust.to_value())
    }

    fn with_trust(trust: Value) -> Object {
        let log = Object::new()
            .with("origin", "acme.example/a")
            .with("prefix", "logs/a")
            .with("signing_key", trust);
        let logs = [("a".to_owned(), Value::Object(log))].into();
        Object::new().with("logs", Value::Map(logs))
    }

    #[test]
    fn keys_that_a_log_no_longer_has_are_a_loss_by_their_public_keys() {
        let lost = [r#"logs["a"].signing_key logs/a/"#];
        let two = signed_by(&["old", "new"]);
        for kept in [&["old", "new"][..], &["new", "old", "newer"]] {
            assert!(places(&two, &signed_by(kept)).is_empty());
        }
        for dropped in [&["new"][..], &["newer"], &[]] {
            assert_eq!(places(&two, &signed_by(dropped)), lost);
        }
        let dropped = losses(&two, &signed_by(&["new"])).pop().unwrap();
        let refusal = dropped
            .refusal("There are objects under \"logs/a/\"")
            .detail;
        let said = "There are objects under \"logs/a/\". The key old (version 1 of alias/audit) is missing.";
        assert!(refusal.contains(said), "{refusal}");
    }

    #[test]
    fn keys_that_are_not_known_yet_are_not_a_loss() {
        let one = signed_by(&["old"]);
        assert!(places(&one, &with_trust(Value::Unknown)).is_empty());
        let partly = Object::new()
            .with("alias", Value::Unknown)
            .with("keys", Value::List(Vec::new()));
        assert!(places(&one, &with_trust(Value::Object(partly))).is_empty());
    }

    /// An imported bucket, whose tags say these words of its log `a`.
    fn tagged(words: &[&str]) -> Object {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let spans = LogSpansModel {
            lock: None,
            max_silence: Vec::new(),
            identity: Some(words),
        };
        Object::new().with("log_spans", BTreeMap::from([("a".to_owned(), spans)]))
    }

    #[test]
    fn logs_of_an_imported_bucket_are_looked_for_as_its_tags_say() {
        let none = bucket(&[]);
        assert_eq!(places(&tagged(&[]), &none), [r#"logs["a"] logs/a/"#]);
        assert_eq!(places(&tagged(&["in:x/a"]), &none), [r#"logs["a"] x/a/"#]);
        assert_eq!(places(&tagged(&["in:+"]), &none), [r#"logs["a"] "#]);
        let here = bucket(&[("a", "logs/a", false)]);
        assert!(places(&tagged(&[]), &here).is_empty());
        assert_eq!(
            places(&tagged(&["in:x/a", "of:0"]), &here),
            [r#"logs["a"].origin x/a/"#, r#"logs["a"].prefix x/a/"#]
        );
    }

    #[test]
    fn keys_of_an_imported_log_are_a_loss_by_their_fingerprints() {
        let keys = signed_by(&["old", "new"]);
        assert!(places(&tagged(&[]), &keys).is_empty());
        let lost = [r#"logs["a"].signing_key logs/a/"#];
        assert_eq!(places(&tagged(&["key:000000000000"]), &keys), lost);
    }

    #[test]
    fn end_that_the_tags_say_is_not_taken_back() {
        let (ended, open) = (bucket(&[("a", "a", true)]), bucket(&[("a", "a", false)]));
        assert_eq!(resurrected(&tagged(&["ended"]), &open).len(), 1);
        assert!(resurrected(&tagged(&["ended"]), &ended).is_empty());
        assert!(resurrected(&tagged(&[]), &open).is_empty());
    }

    #[test]
    fn end_of_a_log_is_not_taken_back() {
        let (ended, open) = (bucket(&[("a", "a", true)]), bucket(&[("a", "a", false)]));
        assert_eq!(resurrected(&ended, &open).len(), 1);
        assert!(resurrected(&open, &ended).is_empty() && resurrected(&ended, &ended).is_empty());
    }
}
