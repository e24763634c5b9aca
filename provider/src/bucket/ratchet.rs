//! The ratchet: nothing becomes weaker unless `allow_weakening` names exactly that change.
//!
//! Versioning, Object Lock, the public access block and ownership have no argument, so no plan weakens them. What is left is
//! the lock of the bucket and of each log, encryption, and the lists of principals that the bucket policy enforces. A bucket
//! that is stronger than its configuration, because somebody changed it, counts as what it is. One that somebody weakened counts
//! as what was declared.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::{LockMode, LockSpan};
use tf_provider::{Diagnostic, Object, Value};

use super::lock::of_value;
use super::model::{SSE_KMS, SSE_S3};
use super::path::{logs_of, path_of};
use crate::aws::{DefaultRetention, Period};

/// The argument.
pub(super) const ALLOW: &str = "allow_weakening";

/// What can become weaker, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Strength {
    /// The bucket's lock as `""`, and those that logs have of their own, by `logs["payments"] `.
    locks: BTreeMap<String, DefaultRetention>,
    /// Logs that have the bucket's lock.
    following: BTreeSet<String>,
    encryption: Option<&'static str>,
    /// By argument: who is named, or `None` where IAM alone decides. An argument that is not known yet is absent.
    principals: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Strength {
    fn of(object: &Object) -> Self {
        Self::with_lock(object, of_value(object.value("object_lock")))
    }

    /// That of a state: its bucket may have been weakened since `declared`.
    fn of_state(object: &Object, declared: Option<&LockSpan>) -> Self {
        let found = of_value(object.value("object_lock"));
        Self::with_lock(object, stronger(found, declared.map(of_span)))
    }

    fn with_lock(object: &Object, bucket: Option<DefaultRetention>) -> Self {
        let mut strength = Self::default();
        strength
            .locks
            .extend(bucket.map(|lock| (String::new(), lock)));
        let encryption = object.value("encryption");
        strength.encryption = if encryption.is_null() {
            Some(SSE_S3)
        } else {
            encryption.as_object().map(|_| SSE_KMS)
        };
        for list in ["administrators", "break_glass"] {
            strength.add_principals(list.to_owned(), object.value(list));
        }
        for (name, log) in logs_of(object) {
            let path = path_of(name);
            let own = log.value("object_lock");
            if own.is_null() {
                strength.following.insert(format!("{path} "));
            }
            // A log without a lock of its own has the bucket's.
            let lock = if own.is_null() { bucket } else { of_value(own) };
            let lock = lock.map(|lock| (format!("{path} "), lock));
            strength.locks.extend(lock);
            for list in ["writers", "readers"] {
                strength.add_principals(format!("{path}.{list}"), log.value(list));
            }
        }
        strength
    }

    fn add_principals(&mut self, argument: String, list: &Value) {
        let named = if list.is_null() {
            Some(None)
        } else {
            let arns = list.as_set().into_iter().flatten();
            let arns = arns.map(|arn| arn.as_str().map(str::to_owned));
            let arns = arns.collect::<Option<BTreeSet<String>>>();
            arns.filter(|_| list.as_set().is_some()).map(Some)
        };
        self.principals.extend(named.map(|named| (argument, named)));
    }

    /// Each weakening between the two, in the words that `allow_weakening` takes.
    fn weakenings(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let follows = &after.following;
        for (of, before) in &self.locks {
            let Some(after) = after.locks.get(of) else {
                continue;
            };
            // the bucket's lock is named once, and not for each log that has it
            if !(self.following.contains(of) && follows.contains(of)) {
                found.extend(weaker_lock(of, *before, *after));
            }
        }
        if (self.encryption, after.encryption) == (Some(SSE_KMS), Some(SSE_S3)) {
            found.push(format!("encryption {SSE_KMS} -> {SSE_S3}"));
        }
        for (argument, before) in &self.principals {
            let (Some(before), Some(after)) = (before, after.principals.get(argument)) else {
                continue;
            };
            found.extend(weaker_list(argument, before, after.as_ref()));
        }
        found
    }
}

fn of_span(span: &LockSpan) -> DefaultRetention {
    DefaultRetention {
        mode: span.mode,
        period: Period::Days(span.retention_days),
    }
}

/// The stronger mode and the longer period of two locks.
fn stronger(
    one: Option<DefaultRetention>,
    other: Option<DefaultRetention>,
) -> Option<DefaultRetention> {
    let (Some(a), Some(b)) = (one, other) else {
        return one.or(other);
    };
    let longer = a.period.days() >= b.period.days();
    Some(DefaultRetention {
        mode: a.mode.max(b.mode),
        period: if longer { a.period } else { b.period },
    })
}

fn weaker_lock(of: &str, before: DefaultRetention, after: DefaultRetention) -> Vec<String> {
    let mut found = Vec::new();
    let (was, becomes) = (before.period.days(), after.period.days());
    if becomes < was {
        found.push(format!("{of}retention {was}d -> {becomes}d"));
    }
    if after.mode < before.mode {
        let name = LockMode::as_str;
        found.push(format!(
            "{of}mode {} -> {}",
            name(before.mode),
            name(after.mode)
        ));
    }
    found
}

/// Lists that are no longer enforced, and principals who may do more than before. Who may write or read a log is a grant of
/// every day, and not a weakening; that nobody else may, is one.
fn weaker_list(
    argument: &str,
    before: &BTreeSet<String>,
    after: Option<&BTreeSet<String>>,
) -> Vec<String> {
    let Some(after) = after else {
        return vec![format!("policy {argument} -> not enforced")];
    };
    if argument.starts_with("logs") {
        return Vec::new();
    }
    let new = after.difference(before);
    new.map(|arn| format!("policy {argument} + {arn}"))
        .collect()
}

/// What a change needs: errors for what is not allowed, and warnings for entries that allow nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) refused: Option<Diagnostic>,
    pub(super) stale: Option<Diagnostic>,
}

/// Judges a change by what `allow_weakening` names. The state says what was found, and beside it is the lock that was declared.
pub(super) fn judge((prior, declared): (&Object, Option<&LockSpan>), planned: &Object) -> Judged {
    // Another bucket is not a weaker one; this one is deleted only if it is empty.
    if prior.value("bucket") != planned.value("bucket") {
        return Judged::default();
    }
    let found = Strength::of_state(prior, declared).weakenings(&Strength::of(planned));
    let Some(allowed) = allowed(planned) else {
        return Judged::default();
    };
    let missing: Vec<&String> = found.iter().filter(|one| !allowed.contains(one)).collect();
    let stale: Vec<&String> = allowed.iter().filter(|one| !found.contains(one)).collect();
    Judged {
        refused: (!missing.is_empty()).then(|| refusal(&missing, &found)),
        stale: (!stale.is_empty()).then(|| stale_entries(&stale)),
    }
}

/// The entries; none where they are not known yet.
fn allowed(planned: &Object) -> Option<Vec<String>> {
    let entries: Option<Vec<String>> = planned.get(ALLOW).ok()?;
    Some(entries.unwrap_or_default())
}

fn refusal(missing: &[&String], all: &[String]) -> Diagnostic {
    let lines: Vec<String> = missing.iter().map(|one| format!("- {one}")).collect();
    let entries: Vec<String> = all.iter().map(|one| format!("{one:?}")).collect();
    Diagnostic::error(
        "The bucket would become weaker",
        format!(
            "This change weakens what protects the logs:\n{}\n\nIf this is what you want, name exactly this change:\n\n    {ALLOW} = \
             [{}]",
            lines.join("\n"),
            entries.join(", ")
        ),
    )
    .at(ALLOW)
}

fn stale_entries(stale: &[&String]) -> Diagnostic {
    let lines: Vec<String> = stale.iter().map(|one| format!("- {one}")).collect();
    Diagnostic::warning(
        "Weakening that is allowed and does not happen",
        format!(
            "Remove these entries of {ALLOW}, so that they do not allow a later change:\n{}",
            lines.join("\n")
        ),
    )
    .at(ALLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(mode: &str, days: u32) -> Object {
        Object::new().with("mode", mode).with("days", days)
    }

    fn bucket(mode: &str, days: u32) -> Object {
        Object::new().with("object_lock", lock(mode, days))
    }

    fn with_log(bucket: Object, lock: Option<Object>) -> Object {
        let log = Object::new().with("object_lock", lock);
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        bucket.with("logs", Value::Map(logs))
    }

    fn set(arns: &[&str]) -> BTreeSet<String> {
        arns.iter().map(ToString::to_string).collect()
    }

    fn found(prior: &Object, planned: &Object) -> Vec<String> {
        Strength::of(prior).weakenings(&Strength::of(planned))
    }

    #[test]
    fn shorter_and_weaker_locks_are_named_and_stronger_ones_are_not() {
        let (strong, weak) = (bucket("COMPLIANCE", 2192), bucket("GOVERNANCE", 365));
        assert_eq!(
            found(&strong, &weak),
            ["retention 2192d -> 365d", "mode COMPLIANCE -> GOVERNANCE"]
        );
        assert!(found(&weak, &strong).is_empty());
    }

    #[test]
    fn lock_of_the_bucket_is_named_once_and_that_of_a_log_by_its_own_name() {
        let (long, short) = (bucket("GOVERNANCE", 30), bucket("GOVERNANCE", 3));
        let follows = |bucket: &Object| with_log(bucket.clone(), None);
        assert_eq!(
            found(&follows(&long), &follows(&short)),
            ["retention 30d -> 3d"]
        );
        let own = with_log(short.clone(), Some(lock("GOVERNANCE", 30)));
        assert_eq!(
            found(&own, &follows(&short)),
            [r#"logs["a"] retention 30d -> 3d"#],
            "it loses a longer one of its own"
        );
        assert!(found(&follows(&short), &own).is_empty());
    }

    #[test]
    fn encryption_and_lists_that_go_are_weakenings() {
        let kms = Object::new().with("kms_key_arn", "arn:aws:kms:eu-central-1:1:key/1");
        let before = bucket("GOVERNANCE", 3)
            .with("encryption", kms)
            .with("administrators", set(&["a"]))
            .with("break_glass", set(&[]));
        let after = bucket("GOVERNANCE", 3).with("administrators", set(&["a", "b"]));
        assert_eq!(
            found(&before, &after),
            [
                "encryption aws:kms -> AES256",
                "policy administrators + b",
                "policy break_glass -> not enforced"
            ]
        );
    }

    #[test]
    fn what_is_not_known_yet_is_judged_later() {
        let unknown = bucket("GOVERNANCE", 3).with("administrators", Value::Unknown);
        let before = bucket("GOVERNANCE", 3).with("administrators", set(&["a"]));
        assert!(found(&before, &unknown).is_empty());
    }

    #[test]
    fn exactly_the_named_change_is_allowed_and_stale_entries_warn() {
        let (long, short) = (bucket("GOVERNANCE", 30), bucket("GOVERNANCE", 3));
        let allow = |entries: &[&str]| {
            let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
            judge((&long, None), &short.clone().with(ALLOW, entries))
        };
        let refused = allow(&[]).refused.unwrap().detail;
        assert!(
            refused.contains("allow_weakening = [\"retention 30d -> 3d\"]"),
            "{refused}"
        );
        assert_eq!(allow(&["retention 30d -> 3d"]), Judged::default());
        let other = allow(&["retention 30d -> 1d"]);
        assert!(other.refused.is_some() && other.stale.is_some());
    }

    #[test]
    fn bucket_that_was_weakened_by_another_hand_counts_as_declared() {
        let declared = LockSpan {
            from: auditlog_chain::timestamp::Timestamp::EPOCH,
            mode: LockMode::Compliance,
            retention_days: 10,
        };
        let refused = |found: &Object, planned: &Object| {
            let refused = judge((found, Some(&declared)), planned).refused;
            refused.map(|refused| refused.detail).unwrap_or_default()
        };
        let weak = bucket("GOVERNANCE", 5);
        let both = r#"["retention 10d -> 5d", "mode COMPLIANCE -> GOVERNANCE"]"#;
        for found in [&weak, &Object::new()] {
            let said = refused(found, &weak);
            assert!(said.contains(both), "{said}");
            assert_eq!(refused(found, &bucket("COMPLIANCE", 10)), "");
        }
        let own = with_log(bucket("COMPLIANCE", 10), Some(lock("COMPLIANCE", 5)));
        let said = refused(&with_log(weak, None), &own);
        assert!(
            said.contains(r#"logs["a"] retention 10d -> 5d"#),
            "{}",
            said
        );
        let longer = refused(&bucket("GOVERNANCE", 30), &bucket("COMPLIANCE", 10));
        assert!(longer.contains(r#"["retention 30d -> 10d"]"#), "{longer}");
    }
}
