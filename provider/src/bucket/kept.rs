//! What no plan may take away: a bucket that holds anything, and logs whose segments are there.
//!
//! The plan looks, which changes nothing. What cannot be looked at counts as there.

use std::collections::BTreeMap;

use tf_provider::{AttributePath, Diagnostic, Diagnostics, Object, Plan, Result, Value};

use super::path::{logs_of, path_of};
use crate::aws::{Clients, holds_versions};
use crate::diagnostic::nested;

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
    let mut found: Diagnostics = resurrected(prior, &plan.planned).into_iter().collect();
    for loss in losses(prior, &plan.planned) {
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

/// Logs that would be undeclared, and logs whose origin or prefix would change.
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
            }
        }
    }
    losses
}

const REMOVED: &str = "A log with segments is not removed";
const MOVED: &str = "A log with segments is not renamed";

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
