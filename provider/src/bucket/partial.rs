//! What a plan can check of a declaration while parts of it are not known yet, such as the ARN of a role that the same apply makes.
//!
//! What is not known is left out, or takes the value that asks for least: nothing is refused that may turn out to be in order. The
//! result is for the errors and warnings of a plan. Only where it is the whole declaration is anything planned from it.

use std::collections::BTreeMap;

use tf_provider::{Object, Set, ToValue, Value};

use super::lock::DEFAULT_NOTICE;
use super::path::logs_of;

/// A silence that every retention is long enough for.
const SHORTEST_SILENCE: &str = "1s";
/// In place of the ARN of a key: short, so that it does not make the policy too large.
const SOME_KEY: &str = "k";
/// In place of what the name of a bucket has after its prefix.
const SOME_NAME: &str = "b";
/// In place of the folder of a prefix. No declared prefix begins with it.
const SOME_FOLDER: &str = "=";
/// In place of what an origin has before the name of the log.
const SOME_DOMAIN: &str = "unknown.invalid";

/// A planned state in which all that a declaration needs is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Computed attributes and signing keys in it may be unknown.
    pub(super) state: Object,
    pub(super) extent: Extent,
}

/// How much of a configuration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// All but signing keys, perhaps: what follows from it can be planned.
    Whole,
    /// Not all of it.
    Part,
    /// Not even the lock of the bucket.
    WithoutLock,
}

/// Arguments that may be left out of what is checked.
const OPTIONAL: [&str; 13] = [
    "acknowledged",
    "administrators",
    "allow_weakening",
    "break_glass",
    "bucket_prefix",
    "declared_prefixes",
    "encryption",
    "extra_policy_json",
    "log_delivery",
    "logging",
    "on_destroy",
    "storage",
    "tags",
];

/// What is made again from the rest.
const DERIVED: [&str; 5] = [
    "lifecycle_rules",
    "log_spans",
    "policy",
    "trust_policy",
    "trust_policy_sha256",
];

/// The part of a planned state that can be checked.
pub(super) fn known_part(config: &Object, planned: &Object, prior: Option<&Object>) -> Part {
    let mut part = Part {
        state: planned.clone(),
        extent: Extent::Whole,
    };
    for (name, value) in planned.iter().filter(|(_, value)| !value.is_wholly_known()) {
        match name.as_str() {
            "logs" | "object_lock" | "bucket" => {}
            optional if OPTIONAL.contains(&optional) => {
                part.lacks(Extent::Part);
                part.state.set(name, known_value(name, value));
            }
            _ => part.state.set(name, Value::Unknown),
        }
    }
    for name in DERIVED {
        part.state.set(name, Value::Unknown);
    }
    if config.value("lock_spans").is_null() {
        part.state.set("lock_spans", Value::Unknown);
    }
    part.name(config);
    part.lock(prior);
    part.logs(config);
    if part.extent != Extent::Whole {
        // they name logs by their origins, which may not be known
        part.state.set("acknowledged", Value::Null);
    }
    part
}

impl Part {
    fn lacks(&mut self, extent: Extent) {
        self.extent = self.extent.max(extent);
    }

    /// The name that is known later is not shorter.
    fn name(&mut self, config: &Object) {
        if !self.state.value("bucket").is_unknown() {
            return;
        }
        self.lacks(Extent::Part);
        let prefix = config.value("bucket_prefix").as_str().unwrap_or_default();
        self.state.set("bucket", format!("{prefix}{SOME_NAME}"));
        // it names the bucket
        self.state.set("extra_policy_json", Value::Null);
    }

    /// Where the lock is not known, the one that the bucket has: a stronger one only refuses more.
    fn lock(&mut self, prior: Option<&Object>) {
        let mut lock = self.state.value("object_lock").clone();
        if lock.is_wholly_known() {
            return;
        }
        self.lacks(Extent::Part);
        if let Value::Object(lock) = &mut lock {
            let notice = or_else(lock.value("notice"), DEFAULT_NOTICE);
            lock.set("notice", notice);
            let acknowledged = or_else(lock.value("acknowledge_irreversible"), Value::Null);
            lock.set("acknowledge_irreversible", acknowledged);
        }
        if !lock.is_wholly_known() {
            let before = prior.map_or(&Value::Null, |prior| prior.value("object_lock"));
            lock = before.clone();
            self.state.set("lock_spans", Value::Unknown);
            self.silence_all();
        }
        if lock.is_null() {
            self.lacks(Extent::WithoutLock);
        }
        self.state.set("object_lock", lock);
    }

    /// Whether a silence is too long for a lock that is not known, is not known either.
    fn silence_all(&mut self) {
        let silent = |(name, log): (&String, &Value)| {
            let mut log = log.clone();
            if let Value::Object(log) = &mut log {
                log.set("max_silence", SHORTEST_SILENCE);
                log.set("max_silence_spans", Value::Null);
                log.set("lock_spans", Value::Null);
            }
            (name.clone(), log)
        };
        let logs = self.state.value("logs").as_map();
        let logs = logs.map(|logs| Value::Map(logs.iter().map(silent).collect()));
        if let Some(logs) = logs {
            self.state.set("logs", logs);
        }
    }

    fn logs(&mut self, config: &Object) {
        let configured: BTreeMap<&String, &Object> = logs_of(config).collect();
        let Value::Map(planned) = self.state.value("logs").clone() else {
            if self.state.value("logs").is_unknown() {
                self.lacks(Extent::Part);
                self.state.set("logs", Value::Null);
            }
            return;
        };
        let mut logs = BTreeMap::new();
        for (name, log) in &planned {
            let none = Object::new();
            let said = configured.get(name).copied().unwrap_or(&none);
            let Value::Object(log) = log else {
                self.lacks(Extent::Part);
                continue;
            };
            let (known, is_whole) = known_log(name, said, log);
            logs.insert(name.clone(), Value::Object(known));
            self.lacks(if is_whole {
                Extent::Whole
            } else {
                Extent::Part
            });
        }
        self.state.set("logs", Value::Map(logs));
    }
}

/// What is known of a log, and whether that is all but its key.
fn known_log(name: &str, config: &Object, planned: &Object) -> (Object, bool) {
    let mut log = planned.clone();
    let mut is_whole = true;
    for (attribute, value) in planned.iter().filter(|(_, value)| !value.is_wholly_known()) {
        let is_configured = !config.value(attribute).is_null();
        let known = match attribute.as_str() {
            // the default is known, but a value that comes later takes its place
            "origin" | "prefix" | "began" if !is_configured => continue,
            "signing_key" | "began" => Value::Unknown,
            "origin" => format!("{SOME_DOMAIN}/{name}").to_value(),
            "prefix" => format!("{SOME_FOLDER}/{name}").to_value(),
            "writers" | "readers" => known_principals(value),
            "max_silence" => SHORTEST_SILENCE.to_value(),
            _ => Value::Null,
        };
        if attribute == "object_lock" {
            log.set("max_silence", SHORTEST_SILENCE);
            log.set("lock_spans", Value::Null);
        }
        if matches!(attribute.as_str(), "object_lock" | "max_silence") {
            log.set("max_silence_spans", Value::Null);
        }
        is_whole = is_whole && attribute == "signing_key" && value.is_unknown();
        log.set(attribute, known);
    }
    (log, is_whole)
}

fn known_value(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("administrators" | "break_glass", value) => known_principals(value),
        ("declared_prefixes", Value::List(prefixes)) => {
            let known = prefixes.iter().filter(|one| !one.is_unknown());
            Value::List(known.cloned().collect())
        }
        // how many there are is known
        ("tags", Value::Map(tags)) => {
            let tag = |(key, value): (&String, &Value)| (key.clone(), or_else(value, ""));
            Value::Map(tags.iter().map(tag).collect())
        }
        ("encryption", Value::Object(encryption)) => {
            let key = or_else(encryption.value("kms_key_arn"), SOME_KEY);
            let is_on = or_else(encryption.value("bucket_key_enabled"), true);
            let known = Object::new().with("kms_key_arn", key);
            Value::Object(known.with("bucket_key_enabled", is_on))
        }
        _ => Value::Null,
    }
}

fn or_else(value: &Value, other: impl ToValue) -> Value {
    if value.is_unknown() {
        other.to_value()
    } else {
        value.clone()
    }
}

/// Those of a list that are known. The list is there, whoever else is in it.
fn known_principals(value: &Value) -> Value {
    let known = value.as_set().into_iter().flatten();
    let known = known.filter(|one| !one.is_unknown()).cloned();
    Value::Set(known.collect::<Set>())
}

#[cfg(test)]
mod tests {
    use super::super::model::BucketModel;
    use super::*;

    fn bucket(log: &Object) -> Object {
        let lock = Object::new()
            .with("mode", "GOVERNANCE")
            .with("days", 3)
            .with("notice", "1d");
        let log = log
            .clone()
            .with("signing_key", Value::Unknown)
            .with("max_silence", "25h");
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        Object::new()
            .with("bucket", "trail")
            .with("object_lock", lock)
            .with("logs", Value::Map(logs))
    }

    fn part(planned: &Object) -> Part {
        known_part(planned, planned, None)
    }

    fn log_of(part: &Part) -> Object {
        let logs = part.state.value("logs").as_map().unwrap();
        logs.get("a").unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn declaration_without_its_key_is_whole() {
        let planned = bucket(&Object::new());
        assert_eq!(part(&planned).extent, Extent::Whole);
        let computed = planned
            .with("arn", Value::Unknown)
            .with("tags_all", Value::Unknown);
        assert_eq!(part(&computed).extent, Extent::Whole);
    }

    #[test]
    fn each_unknown_is_left_out_and_the_rest_can_be_read() {
        let object = Object::new().with("x", Value::Unknown);
        let list = Value::List(vec![Value::from("a"), Value::Unknown]);
        let set = |values: &[Value]| Value::Set(values.iter().cloned().collect());
        let cases = [
            ("administrators", set(&[Value::Unknown])),
            ("allow_weakening", list.clone()),
            ("acknowledged", list.clone()),
            ("declared_prefixes", list),
            (
                "encryption",
                Value::Object(
                    Object::new()
                        .with("kms_key_arn", Value::Unknown)
                        .with("bucket_key_enabled", true),
                ),
            ),
            ("log_delivery", Value::from(&object)),
            ("logging", Value::from(&object)),
            ("storage", Value::from(&object)),
            (
                "tags",
                Value::Map([("a".to_owned(), Value::Unknown)].into()),
            ),
            ("bucket", Value::Unknown),
            ("logs", Value::Unknown),
        ];
        for (name, value) in cases {
            for value in [value, Value::Unknown] {
                let part = part(&bucket(&Object::new()).with(name, value));
                assert_eq!(part.extent, Extent::Part, "{name}");
                let model = part.state.decode::<BucketModel>();
                assert!(
                    model.is_ok_and(|model| model.bucket.known().is_some()),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn unknowns_of_a_log_are_left_out_of_it() {
        let names = [
            "origin",
            "prefix",
            "began",
            "writers",
            "readers",
            "max_silence",
            "object_lock",
            "lock_spans",
            "max_silence_spans",
            "ended",
        ];
        for name in names {
            let mut planned = bucket(&Object::new());
            let log = log_of(&part(&planned)).with(name, Value::Unknown);
            planned.set(
                "logs",
                Value::Map([("a".to_owned(), Value::Object(log))].into()),
            );
            let part = part(&planned);
            assert_eq!(part.extent, Extent::Part, "{name}");
            assert!(part.state.decode::<BucketModel>().is_ok(), "{name}");
        }
    }

    #[test]
    fn default_that_nobody_configured_does_not_wait() {
        let config = bucket(&Object::new());
        let log = log_of(&part(&config))
            .with("origin", Value::Unknown)
            .with("began", Value::Unknown);
        let logs = Value::Map([("a".to_owned(), Value::Object(log))].into());
        let planned = config.clone().with("logs", logs);
        assert_eq!(known_part(&config, &planned, None).extent, Extent::Whole);
    }

    #[test]
    fn silence_is_not_judged_by_a_lock_that_is_not_known() {
        let days = Object::new()
            .with("mode", "GOVERNANCE")
            .with("days", Value::Unknown)
            .with("notice", "1d");
        let planned = bucket(&Object::new()).with("object_lock", &days);
        let prior = bucket(&Object::new());
        let first = known_part(&planned, &planned, None);
        assert_eq!(first.extent, Extent::WithoutLock);
        let changed = known_part(&planned, &planned, Some(&prior));
        assert_eq!(changed.extent, Extent::Part);
        assert_eq!(
            changed.state.value("object_lock"),
            prior.value("object_lock")
        );
        assert_eq!(
            log_of(&changed).value("max_silence").as_str(),
            Some(SHORTEST_SILENCE)
        );
        let own = Object::new().with("object_lock", days);
        let own = part(&bucket(&own));
        assert_eq!(
            log_of(&own).value("max_silence").as_str(),
            Some(SHORTEST_SILENCE)
        );
        // the words of a lock that say nothing of its strength
        let lock = prior.value("object_lock").as_object().unwrap().clone();
        let lock = lock
            .with("notice", Value::Unknown)
            .with("acknowledge_irreversible", Value::Unknown);
        let worded = part(&bucket(&Object::new()).with("object_lock", lock));
        assert_eq!(worded.extent, Extent::Part);
        assert_eq!(log_of(&worded).value("max_silence").as_str(), Some("25h"));
    }
}
