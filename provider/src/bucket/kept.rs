//! What no plan may take away: a bucket that holds anything, logs whose segments are there, and the keys
//! that may have signed them.
//!
//! The plan looks, which changes nothing. What cannot be looked at counts as there.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{
    AttributePath, Diagnostic, Diagnostics, Field, Object, Plan, Result, ToValue as _, Value,
};

use super::model::BucketModel;
use super::path::{logs_of, path_of};
use crate::aws::{Clients, holds_versions};
use crate::diagnostic::nested;
use crate::trust::keys::TrustModel;

/// A prefix under which there may be segments, and why they would be lost.
#[derive(Debug, PartialEq, Eq)]
struct Loss {
    prefix: String,
    path: AttributePath,
    summary: &'static str,
    detail: String,
}

/// Refuses a plan that takes away what is there.
///
/// # Errors
/// The bucket or the log, at the attribute, with what to do.
pub(super) async fn check(plan: &Plan, clients: &Clients) -> Result {
    let Some(prior) = &plan.prior else {
        return Ok(());
    };
    let Value::String(bucket) = prior.value("bucket") else {
        return Ok(());
    };
    if let Some(name) = replaced_by(prior, &plan.planned) {
        return check_replacement(clients, bucket, name).await;
    }
    check_logs(prior, &plan.planned, (clients, bucket)).await
}

/// What it checks of logs once more, before a write: the plan may not have known the values.
///
/// # Errors
/// As [`check`].
pub(super) async fn check_models(
    prior: &BucketModel,
    planned: &BucketModel,
    clients: &Clients,
) -> Result {
    let (Value::Object(before), Value::Object(after)) = (prior.to_value(), planned.to_value())
    else {
        return Ok(());
    };
    check_logs(&before, &after, (clients, prior.name()?)).await
}

async fn check_logs(
    prior: &Object,
    planned: &Object,
    (clients, bucket): (&Clients, &str),
) -> Result {
    let mut found: Diagnostics = resurrected(prior, planned).into_iter().collect();
    for loss in losses(prior, planned) {
        if holds(clients, bucket, &loss.prefix).await {
            found.push(nested(loss.summary, &loss.detail, &loss.path));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

async fn holds(clients: &Clients, bucket: &str, prefix: &str) -> bool {
    match holds_versions(clients, bucket, prefix).await {
        Ok(holds) => holds,
        Err(error) => {
            tracing::warn!(%error, bucket, prefix, "what cannot be looked at counts as there");
            error.code() != Some("NoSuchBucket")
        }
    }
}

/// The attribute whose change makes another bucket.
fn replaced_by(prior: &Object, planned: &Object) -> Option<&'static str> {
    let changed = |name: &&str| {
        let (before, after) = (prior.value(name), planned.value(name));
        !before.is_null() && before != after
    };
    ["bucket", "bucket_prefix", "region"]
        .into_iter()
        .find(changed)
}

async fn check_replacement(clients: &Clients, bucket: &str, attribute: &str) -> Result {
    if !holds(clients, bucket, "").await {
        return Ok(());
    }
    let detail = format!(
        "The bucket {bucket:?} holds object versions, or cannot be looked at. A change of {attribute:?} makes another bucket and deletes \
         this one. Add a second resource for the new bucket, and end the logs of this one with `ended`. To give this one up without \
         deleting it, use a `removed` block with `destroy = false`."
    );
    let found = Diagnostic::error("A bucket that holds anything is not replaced", detail);
    Err(found.at(attribute).into())
}

/// Logs that would be undeclared, logs whose origin or prefix would change, and logs that would lose a key.
fn losses(prior: &Object, planned: &Object) -> Vec<Loss> {
    let after: BTreeMap<&String, &Object> = logs_of(planned).collect();
    let known = !planned.value("logs").is_unknown();
    let mut losses = Vec::new();
    for (name, log) in logs_of(prior) {
        let Value::String(prefix) = log.value("prefix") else {
            continue;
        };
        let loss = |path: AttributePath, summary, detail| Loss {
            prefix: format!("{prefix}/"),
            path,
            summary,
            detail,
        };
        match after.get(name) {
            None if known => losses.push(loss(path_of(name), REMOVED, removed(name, prefix))),
            None => {}
            Some(now) => {
                let moved = ["origin", "prefix"].into_iter().filter(|attribute| {
                    let (before, after) = (log.value(attribute), now.value(attribute));
                    !before.is_null() && !after.is_unknown() && before != after
                });
                losses.extend(moved.map(|attribute| {
                    loss(
                        path_of(name).attribute(attribute),
                        MOVED,
                        moved_to(name, attribute),
                    )
                }));
                losses.extend(
                    dropped(log, now, prefix).map(|detail| {
                        loss(path_of(name).attribute("signing_key"), DROPPED, detail)
                    }),
                );
            }
        }
    }
    losses
}

const REMOVED: &str = "A log with segments is not removed";
const MOVED: &str = "A log with segments is not renamed";
const DROPPED: &str = "A key of a log with segments is not dropped";

fn removed(name: &str, prefix: &str) -> String {
    format!(
        "There are objects under {prefix:?}. Without its declaration, the verifier reports each of them as unaccounted. Keep the log, and \
         declare its end with the head that `auditlog-verify` reports:\n\n    {name} = {{\n      …\n      ended = {{ segment = …, size = …, \
         root = \"…\", sealed = \"…\", stored = \"…\" }}\n    }}\n\nRemove it when its last segment has expired and is gone."
    )
}

fn moved_to(name: &str, attribute: &str) -> String {
    format!(
        "The {attribute} is part of each segment, or of its key, so the segments that are there would be faults. Keep it, or end the log \
         {name:?} with `ended` and add another log under another name."
    )
}

/// What is lost where a log no longer has a key that it had, by its public key. What is not known yet keeps every key: the
/// apply looks again.
fn dropped(prior: &Object, planned: &Object, prefix: &str) -> Option<String> {
    let (before, after) = (trust_of(prior)?, trust_of(planned)?);
    let kept: BTreeSet<&str> = after.keys.iter().map(|key| key.spki.as_str()).collect();
    let missing = before
        .keys
        .iter()
        .find(|key| !kept.contains(key.spki.as_str()))?;
    let key = missing.arn.as_ref().unwrap_or(&missing.spki);
    Some(format!(
        "The key {key} (version {} of {}) is missing, and there are objects under {prefix:?}. Without it, each segment that it signed is a \
         fault. To rotate the key, change `rotation.trigger` or `key_spec` of the log's `auditlog_signing_key`: its `trust` keeps \
         every version. To sign with the key of another resource, keep the earlier keys beside it:\n\n    signing_key = {{\n      alias = \
         auditlog_signing_key.NEW.trust.alias\n      keys  = concat(auditlog_signing_key.OLD.trust.keys, \
         auditlog_signing_key.NEW.trust.keys)\n    }}",
        missing.version, before.alias
    ))
}

fn trust_of(log: &Object) -> Option<TrustModel> {
    let trust: Field<TrustModel> = log.get("signing_key").ok()?;
    trust.into_known()
}

/// An end that was declared stays: the verifier has judged by it.
fn resurrected(prior: &Object, planned: &Object) -> Vec<Diagnostic> {
    let after: BTreeMap<&String, &Object> = logs_of(planned).collect();
    let ended = logs_of(prior).filter(|(_, log)| !log.value("ended").is_null());
    let open = ended.filter(|(name, _)| {
        let now = after.get(name);
        now.is_some_and(|log| log.value("ended").is_null())
    });
    open.map(|(name, _)| {
        let detail = "The end of a log cannot be taken back. Add another log under another name, and name it as the successor.";
        let path = path_of(name).attribute("ended");
        nested("An ended log does not go on", detail, &path)
    })
    .collect()
}

#[cfg(test)]
mod tests {
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
        let detail = losses(&two, &signed_by(&["new"])).pop().unwrap().detail;
        let said = "The key old (version 1 of alias/audit) is missing";
        assert!(detail.starts_with(said), "{detail}");
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

    #[test]
    fn end_of_a_log_is_not_taken_back() {
        let (ended, open) = (bucket(&[("a", "a", true)]), bucket(&[("a", "a", false)]));
        assert_eq!(resurrected(&ended, &open).len(), 1);
        assert!(resurrected(&open, &ended).is_empty() && resurrected(&ended, &ended).is_empty());
    }

    #[test]
    fn another_name_or_region_is_another_bucket() {
        let before = bucket(&[]);
        assert_eq!(replaced_by(&before, &before), None);
        let elsewhere = bucket(&[]).with("region", "eu-west-1");
        assert_eq!(replaced_by(&before, &elsewhere), Some("region"));
        let unnamed = bucket(&[]).with("bucket", Value::Unknown);
        assert_eq!(replaced_by(&before, &unnamed), Some("bucket"));
    }
}
