//! What of a bucket can become weaker, and by what it becomes so.
//!
//! Versioning, Object Lock, the public access block and ownership have no argument, so no plan weakens them. What is left is
//! the lock of the bucket and of each log, encryption, the lists of principals that the bucket policy enforces, and what the
//! policy denies beyond them.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::{LockMode, LockSpan};
use tf_provider::{Object, Value};

use super::lock::of_value;
use super::model::{SSE_KMS, SSE_S3};
use super::path::{default_prefix, logs_of, path_of};
use crate::aws::{DefaultRetention, Enforced, Period, Principal, denials};

/// Principals by the pattern that a policy recognises each by, which leaves out its path.
type Principals = BTreeMap<String, String>;

/// What can become weaker, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Strength {
    /// The bucket's lock as `""`, and those that logs have, by `logs["payments"] `.
    locks: BTreeMap<String, DefaultRetention>,
    /// Logs that have the bucket's lock.
    following: BTreeSet<String>,
    encryption: Option<&'static str>,
    /// By argument: who is named, or `None` where IAM alone decides. An argument that is not known yet is absent.
    principals: BTreeMap<String, Option<Principals>>,
    /// What `extra_policy_json` denies: each statement by its meaning, and its name. `None` where it is not known yet.
    denials: Option<BTreeMap<String, String>>,
}

/// One thing that becomes weaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weakening {
    /// What becomes weaker, whatever the values are.
    pub(super) subject: String,
    /// The change, in the words that `allow_weakening` takes.
    pub(super) entry: String,
}

impl Strength {
    /// Of a configuration or a state.
    pub(super) fn of(object: &Object) -> Self {
        Self::with_lock(object, of_value(object.value("object_lock")))
    }

    /// The same, with this lock of the bucket.
    pub(super) fn with_lock(object: &Object, bucket: Option<DefaultRetention>) -> Self {
        let mut strength = Self::default();
        strength
            .locks
            .extend(bucket.map(|lock| (String::new(), lock)));
        strength.encryption = encryption_of(object);
        strength.denials = denials_of(object.value(EXTRA));
        for list in ["administrators", "break_glass"] {
            strength.add_principals(list.to_owned(), object.value(list));
        }
        for (name, log) in logs_of(object) {
            strength.add_log(name, log, bucket);
        }
        strength
    }

    fn add_log(&mut self, name: &str, log: &Object, bucket: Option<DefaultRetention>) {
        let path = path_of(name);
        let own = log.value("object_lock");
        if own.is_null() {
            self.following.insert(format!("{path} "));
        }
        // A log without a lock of its own has the bucket's.
        let lock = if own.is_null() { bucket } else { of_value(own) };
        let lock = lock.map(|lock| (format!("{path} "), lock));
        self.locks.extend(lock);
        for list in ["writers", "readers"] {
            self.add_principals(format!("{path}.{list}"), log.value(list));
        }
    }

    fn add_principals(&mut self, argument: String, list: &Value) {
        let named = if list.is_null() {
            Some(None)
        } else {
            let arns = list.as_set().into_iter().flatten();
            let arns = arns.map(|arn| arn.as_str().map(principal));
            let arns = arns.collect::<Option<Principals>>();
            arns.filter(|_| list.as_set().is_some()).map(Some)
        };
        self.principals.extend(named.map(|named| (argument, named)));
    }

    /// Nobody writes a log that has ended, whatever its list says.
    pub(super) fn of_ended(mut self, planned: &Object) -> Self {
        let ended = logs_of(planned).filter(|(_, log)| !log.value("ended").is_null());
        for (name, _) in ended {
            self.principals
                .remove(&format!("{}.writers", path_of(name)));
        }
        self
    }

    /// The same with another encryption, where it is known.
    pub(super) fn encrypted(mut self, by: Option<&'static str>) -> Self {
        self.encryption = by.or(self.encryption);
        self
    }

    /// The same with the logs that were declared, where the state does not name them: each with its own lock, or with the bucket's.
    pub(super) fn declared<'a>(
        mut self,
        logs: impl Iterator<Item = (&'a str, Option<DefaultRetention>)>,
    ) -> Self {
        let bucket = self.locks.get("").copied();
        for (name, own) in logs {
            let of = format!("{} ", path_of(name));
            if self.locks.contains_key(&of) || self.following.contains(&of) {
                continue;
            }
            if own.is_none() {
                self.following.insert(of.clone());
            }
            self.locks.extend(own.or(bucket).map(|lock| (of, lock)));
        }
        self
    }

    /// The same with what a found policy enforces, where no list says it. `planned` says where its logs are.
    pub(super) fn enforced(mut self, policy: &Enforced, planned: &Object) -> Self {
        self.fill("administrators", policy.administrators.as_ref());
        self.fill("break_glass", policy.break_glass.as_ref());
        let nobody = BTreeSet::new();
        for (name, log) in logs_of(planned) {
            let prefix = log.value("prefix").as_str().map(str::to_owned);
            let prefix = prefix.unwrap_or_else(|| default_prefix(name));
            let path = path_of(name);
            let (writes, reads) = (policy.closes_writes(&prefix), policy.closes_reads(&prefix));
            self.fill(&format!("{path}.writers"), writes.then_some(&nobody));
            self.fill(&format!("{path}.readers"), reads.then_some(&nobody));
        }
        self
    }

    /// The same with what the statements of others deny that were found in a policy.
    pub(super) fn denied(mut self, found: BTreeMap<String, String>) -> Self {
        self.denials.get_or_insert_default().extend(found);
        self
    }

    /// Patterns that a policy has, where the list of an argument is not there.
    fn fill(&mut self, argument: &str, found: Option<&BTreeSet<String>>) {
        let is_named = matches!(self.principals.get(argument), Some(Some(_)));
        if let (Some(found), false) = (found, is_named) {
            let found = found.iter().map(|one| (one.clone(), one.clone()));
            self.principals
                .insert(argument.to_owned(), Some(found.collect()));
        }
    }

    /// Each weakening between the two.
    pub(super) fn weakenings(&self, after: &Self) -> Vec<Weakening> {
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
            let entry = format!("encryption {SSE_KMS} -> {SSE_S3}");
            found.push(Weakening::new("encryption", entry));
        }
        for (argument, before) in &self.principals {
            let (Some(before), Some(after)) = (before, after.principals.get(argument)) else {
                continue;
            };
            let entries = weaker_list(argument, before, after.as_ref());
            found.extend(
                entries
                    .into_iter()
                    .map(|entry| Weakening::new(&entry.clone(), entry)),
            );
        }
        found.extend(self.lost_denials(after));
        found
    }

    /// What is not denied any more. A statement that changed is another one: nobody can say whether it is stricter.
    fn lost_denials(&self, after: &Self) -> Vec<Weakening> {
        let (Some(before), Some(after)) = (&self.denials, &after.denials) else {
            return Vec::new();
        };
        let lost = before.iter().filter(|(one, _)| !after.contains_key(*one));
        let entry = |name: &String| format!("policy {EXTRA} - {name}");
        lost.map(|(_, name)| Weakening::new(&entry(name), entry(name)))
            .collect()
    }
}

/// The argument whose statements are added to the policy.
const EXTRA: &str = "extra_policy_json";

fn denials_of(extra: &Value) -> Option<BTreeMap<String, String>> {
    if extra.is_null() {
        return Some(BTreeMap::new());
    }
    extra.as_str().map(denials)
}

impl Weakening {
    /// Readers of one log may read the others from now on.
    pub(super) fn of_reading() -> Self {
        let entry = "policy readers of each log -> of any log";
        Self::new(entry, entry.to_owned())
    }

    fn new(subject: &str, entry: String) -> Self {
        let subject = subject.to_owned();
        Self { subject, entry }
    }
}

/// What encrypts objects, where that is known.
fn encryption_of(object: &Object) -> Option<&'static str> {
    let encryption = object.value("encryption");
    if encryption.is_null() {
        Some(SSE_S3)
    } else {
        encryption.as_object().map(|_| SSE_KMS)
    }
}

fn principal(arn: &str) -> (String, String) {
    let pattern = Principal::parse(arn).map(|principal| principal.pattern());
    (pattern.unwrap_or_else(|_| arn.to_owned()), arn.to_owned())
}

pub(super) fn of_span(span: &LockSpan) -> DefaultRetention {
    DefaultRetention {
        mode: span.mode,
        period: Period::Days(span.retention_days),
    }
}

/// The stronger mode and the longer period of two locks.
pub(super) fn stronger(
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

fn weaker_lock(of: &str, before: DefaultRetention, after: DefaultRetention) -> Vec<Weakening> {
    let mut found = Vec::new();
    let mut weaker = |what: &str, change: String| {
        let subject = format!("{of}{what}");
        let entry = format!("{subject} {change}");
        found.push(Weakening { subject, entry });
    };
    let (was, becomes) = (before.period.days(), after.period.days());
    if becomes < was {
        weaker("retention", format!("{was}d -> {becomes}d"));
    }
    if after.mode < before.mode {
        let name = LockMode::as_str;
        let change = format!("{} -> {}", name(before.mode), name(after.mode));
        weaker("mode", change);
    }
    found
}

/// Lists that are no longer enforced, and principals who may do more than before. Who may write or read a log is a grant of
/// every day, and not a weakening; that nobody else may, is one.
fn weaker_list(argument: &str, before: &Principals, after: Option<&Principals>) -> Vec<String> {
    let Some(after) = after else {
        return vec![format!("policy {argument} -> not enforced")];
    };
    if argument.starts_with("logs") {
        return Vec::new();
    }
    let new = after
        .iter()
        .filter(|(pattern, _)| !before.contains_key(*pattern));
    new.map(|(_, arn)| format!("policy {argument} + {arn}"))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::bucket) fn lock(mode: &str, days: u32) -> Object {
        Object::new().with("mode", mode).with("days", days)
    }

    pub(in crate::bucket) fn bucket(mode: &str, days: u32) -> Object {
        Object::new().with("object_lock", lock(mode, days))
    }

    pub(in crate::bucket) fn with_log(bucket: Object, lock: Option<Object>) -> Object {
        let log = Object::new().with("object_lock", lock);
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        bucket.with("logs", Value::Map(logs))
    }

    fn set(arns: &[&str]) -> BTreeSet<String> {
        arns.iter().map(ToString::to_string).collect()
    }

    fn entries(found: Vec<Weakening>) -> Vec<String> {
        found.into_iter().map(|one| one.entry).collect()
    }

    fn found(prior: &Object, planned: &Object) -> Vec<String> {
        entries(Strength::of(prior).weakenings(&Strength::of(planned)))
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
    fn statement_that_denies_and_goes_is_a_weakening_and_one_that_allows_is_not() {
        let with = |statements: &str| {
            let extra = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            bucket("GOVERNANCE", 3).with(EXTRA, extra)
        };
        let deny = |sid: &str, action: &str| {
            format!(r#"{{"Sid":"{sid}","Effect":"Deny","Principal":"*","Action":"{action}"}}"#)
        };
        let allow = deny("In", "s3:GetObject").replace("Deny", "Allow");
        let vpc = deny("Vpc", "s3:*");
        let before = with(&format!("{vpc},{allow}"));
        let entry = ["policy extra_policy_json - \"Vpc\""];
        assert_eq!(found(&before, &bucket("GOVERNANCE", 3)), entry);
        assert_eq!(found(&before, &with(&deny("Vpc", "s3:Get*"))), entry);
        let more = format!(
            "{},{}",
            deny("Other", "s3:PutObject"),
            deny("Renamed", "s3:*")
        );
        assert!(found(&before, &with(&more)).is_empty());
        let unknown = bucket("GOVERNANCE", 3).with(EXTRA, Value::Unknown);
        assert!(found(&before, &unknown).is_empty());
    }

    #[test]
    fn path_of_a_role_makes_no_other_principal() {
        let role = |name: &str| set(&[&format!("arn:aws:iam::123456789012:role/{name}")]);
        let with = |roles| bucket("GOVERNANCE", 3).with("administrators", roles);
        assert!(found(&with(role("terraform")), &with(role("ci/terraform"))).is_empty());
        assert_eq!(
            found(&with(role("terraform")), &with(role("ci/other"))),
            ["policy administrators + arn:aws:iam::123456789012:role/ci/other"]
        );
    }

    #[test]
    fn what_is_not_known_yet_is_judged_later() {
        let unknown = bucket("GOVERNANCE", 3).with("administrators", Value::Unknown);
        let before = bucket("GOVERNANCE", 3).with("administrators", set(&["a"]));
        assert!(found(&before, &unknown).is_empty());
    }

    #[test]
    fn writers_of_a_log_that_ends_are_not_a_weakening() {
        let with = |ended: Option<Object>, writers: Option<BTreeSet<String>>| {
            let log = Object::new().with("ended", ended).with("writers", writers);
            let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
            bucket("GOVERNANCE", 3).with("logs", Value::Map(logs))
        };
        let before = Strength::of(&with(None, Some(set(&["a"]))));
        let found =
            |planned: &Object| entries(before.weakenings(&Strength::of(planned).of_ended(planned)));
        assert!(found(&with(Some(Object::new()), None)).is_empty());
        assert_eq!(found(&with(None, None)).len(), 1);
    }

    #[test]
    fn found_policy_counts_where_no_list_says_anything() {
        let statement = |sid: &str, resource: &str| {
            format!(
                r#"{{"Sid":"{sid}","Effect":"Deny","Principal":"*","Action":"s3:x","Resource":"arn:aws:s3:::b{resource}","Condition":{{"ArnNotLike":{{"aws:PrincipalArn":"arn:aws:iam::123456789012:role*/a"}}}}}}"#
            )
        };
        let policy = format!(
            r#"{{"Statement":[{},{},{}]}}"#,
            statement("AuditlogConfiguration", ""),
            statement("AuditlogWrite1", "/logs/a/*"),
            statement("AuditlogRead", "/logs/b/*")
        );
        let imported = bucket("GOVERNANCE", 3);
        let planned = with_log(imported.clone(), None);
        let policy = Enforced::of(&policy);
        let found = |planned: &Object| {
            let before = Strength::of(&imported).enforced(&policy, planned);
            entries(before.weakenings(&Strength::of(planned)))
        };
        assert_eq!(
            found(&planned),
            [
                "policy administrators -> not enforced",
                r#"policy logs["a"].writers -> not enforced"#
            ]
        );
        let role = set(&["arn:aws:iam::123456789012:role/x/a"]);
        let log = Object::new()
            .with("writers", set(&[]))
            .with("prefix", "logs/a");
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        let kept = imported.clone().with("administrators", role);
        assert!(found(&kept.with("logs", Value::Map(logs))).is_empty());
    }
}
