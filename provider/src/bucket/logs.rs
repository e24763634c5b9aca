//! The logs of a bucket: their defaults, and what they declare.

use std::collections::BTreeMap;

use auditlog_chain::policy::is_prefix;
use tf_provider::{AttributePath, Diagnostic, Diagnostics, Field, Object, Result, Value};

use super::history::WantedLog;
use super::identity::Identity;
use super::lock::declared;
use super::model::{BucketModel, LogModel};
use super::path::{default_prefix, logs_of, path_of};
use crate::aws::Delivery;
use crate::diagnostic::nested;
use crate::trust::model::parse_silence;
use crate::trust::values::parse_time;

/// How long a log may be silent, where the configuration does not say.
pub(super) const DEFAULT_SILENCE: &str = "25h";

/// Fills in origin and prefix where the configuration leaves them out.
pub(super) fn complete(bucket: &str, model: &mut BucketModel) {
    for (name, log) in model.logs.iter_mut().flatten() {
        if log.origin.known().is_none() {
            log.origin = Field::Known(default_origin(bucket, name));
        }
        if log.prefix.known().is_none() {
            log.prefix = Field::Known(default_prefix(name));
        }
    }
}

fn default_origin(bucket: &str, name: &str) -> String {
    format!("{bucket}/{name}")
}

/// What the logs of a configuration declare.
///
/// # Errors
/// A value that is not of the right form, with its path.
pub(super) fn wanted(model: &BucketModel) -> Result<BTreeMap<String, WantedLog>> {
    let logs = model.logs.iter().flatten();
    logs.map(|(name, log)| Ok((name.clone(), wanted_log(name, log)?)))
        .collect()
}

fn wanted_log(name: &str, log: &LogModel) -> Result<WantedLog> {
    let at = |attribute: &str| path_of(name).attribute(attribute);
    let lock = log.object_lock.as_ref();
    let lock = lock.map(|lock| lock.retention().map(declared)).transpose();
    let began = log.began.known().map(|text| parse_time(text)).transpose();
    Ok(WantedLog {
        began: began.map_err(|detail| nested("Invalid time", &detail, &at("began")))?,
        lock: lock.map_err(|detail| nested("No retention", &detail, &at("object_lock")))?,
        silence_seconds: parse_silence(&log.max_silence)
            .map_err(|detail| nested("Invalid duration", &detail, &at("max_silence")))?,
        identity: Identity::of(name, log),
    })
}

/// Checks names, prefixes and origins, as far as they are known.
///
/// # Errors
/// A name or a prefix that cannot be, prefixes that overlap, and origins that are there twice.
pub(super) fn check(config: &Object) -> Result {
    let mut found = Diagnostics::new();
    let bucket: Option<String> = config.get("bucket").ok();
    let mut prefixes = declared_prefixes(config, &mut found);
    found.extend(overlapping_deliveries(config, &prefixes));
    let mut origins: BTreeMap<String, &String> = BTreeMap::new();
    for (name, log) in logs_of(config) {
        let at = |attribute: &str| path_of(name).attribute(attribute);
        if let Err(detail) = check_name(name) {
            found.push(nested("Invalid name of a log", &detail, &path_of(name)));
        }
        let default = Some(default_prefix(name));
        if let Some(prefix) = known_or(log.value("prefix"), default) {
            found.extend(check_prefix(name, &prefix, &at("prefix")));
            let prefix = format!("{prefix}/");
            found.extend(overlapping(&prefix, &prefixes, &at("prefix")));
            prefixes.push((prefix, at("prefix").to_string()));
        }
        let default = bucket.as_deref().map(|bucket| default_origin(bucket, name));
        let Some(origin) = known_or(log.value("origin"), default) else {
            continue;
        };
        if let Some(other) = origins.insert(origin.clone(), name) {
            let detail =
                format!("{origin:?} is the origin of the log {other:?}. Each log needs its own.");
            found.push(nested("Origin used twice", &detail, &at("origin")));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The text, or the default where the configuration leaves it out; nothing where it is not known yet.
fn known_or(value: &Value, default: Option<String>) -> Option<String> {
    if value.is_null() {
        default
    } else {
        value.as_str().map(str::to_owned)
    }
}

/// Prefixes with the `/` after them, each with the argument that it comes from.
type Prefixes = Vec<(String, String)>;

fn declared_prefixes(config: &Object, found: &mut Diagnostics) -> Prefixes {
    let Value::List(list) = config.value("declared_prefixes") else {
        return Vec::new();
    };
    let mut prefixes = Prefixes::new();
    for (at, value) in list.iter().enumerate() {
        let path = AttributePath::from("declared_prefixes").index(at);
        let Value::String(prefix) = value else {
            continue;
        };
        if !prefix.strip_suffix('/').is_some_and(is_prefix) {
            let detail = format!(
                "{prefix:?} is not a declared prefix: parts of letters, digits and -_.=@~, with a single / between them and one at the \
                 end, such as \"archive/\"."
            );
            found.push(nested("Invalid prefix", &detail, &path));
        }
        prefixes.push((prefix.clone(), path.to_string()));
    }
    prefixes
}

fn check_prefix(name: &str, prefix: &str, path: &AttributePath) -> Option<Diagnostic> {
    let last = prefix.rsplit('/').next();
    let detail = if !is_prefix(prefix) {
        format!(
            "{prefix:?} is not a prefix: parts of letters, digits and -_.=@~, with a single / between them."
        )
    } else if last != Some(name) {
        format!("{prefix:?} must end with the name of its log, {name:?}.")
    } else {
        return None;
    };
    Some(nested("Invalid prefix", &detail, path))
}

/// What is delivered is stored as the logs are, and what is below a declared prefix is left alone: a rule of S3 for one would reach the
/// other.
fn overlapping_deliveries(config: &Object, declared: &Prefixes) -> Vec<Diagnostic> {
    let Value::Object(services) = config.value("log_delivery") else {
        return Vec::new();
    };
    let found = ["cloudtrail", "load_balancers"]
        .into_iter()
        .filter_map(|service| {
            let Value::Object(to) = services.value(service) else {
                return None;
            };
            let prefix = known_or(to.value("prefix"), Some(String::new()))?;
            let trails = Vec::new();
            let delivery = Delivery::CloudTrail { prefix, trails };
            let path = AttributePath::from("log_delivery").attribute(service);
            overlapping(
                &delivery.declared_prefix(),
                declared,
                &path.attribute("prefix"),
            )
        });
    found.collect()
}

/// One prefix inside another would make objects of one log part of the other.
fn overlapping(prefix: &str, others: &Prefixes, path: &AttributePath) -> Option<Diagnostic> {
    let meets = |other: &String| prefix.starts_with(other) || other.starts_with(prefix);
    let (other, argument) = others.iter().find(|(other, _)| meets(other))?;
    let detail = format!(
        "{prefix:?} overlaps {other:?} of {argument}. Each object must belong to one of them."
    );
    Some(nested("Overlapping prefixes", &detail, path))
}

const MAX_NAME_CHARS: usize = 64;

/// Checks that a text can be the name of a log: it is part of its prefix, and of the key of a tag.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let sized = (1..=MAX_NAME_CHARS).contains(&name.len());
    if sized && name.bytes().all(allowed) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err(format!(
        "{name:?} is not the name of a log: 1 to {MAX_NAME_CHARS} letters, digits and -_."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(logs: &[(&str, Option<&str>, Option<&str>)], declared: &[&str]) -> Object {
        let logs = logs.iter().map(|(name, origin, prefix)| {
            let origin = origin.map(str::to_owned);
            let prefix = prefix.map(str::to_owned);
            let log = Object::new().with("origin", origin).with("prefix", prefix);
            ((*name).to_owned(), Value::Object(log))
        });
        let declared: Vec<Value> = declared.iter().map(|prefix| Value::from(*prefix)).collect();
        Object::new()
            .with("bucket", "acme-audit")
            .with("logs", Value::Map(logs.collect()))
            .with("declared_prefixes", Value::List(declared))
    }

    #[track_caller]
    fn refused(config: &Object, path: &str, part: &str) {
        let found = check(config).unwrap_err();
        let one = found.iter().next().unwrap();
        assert!(
            one.detail.starts_with(&format!("At {path}: ")),
            "{}",
            one.detail
        );
        assert!(one.detail.contains(part), "{}", one.detail);
    }

    #[test]
    fn logs_with_defaults_beside_a_declared_prefix_are_fine() {
        let logs = [("payments", None, None), ("pay", None, Some("a/pay"))];
        assert!(check(&config(&logs, &["archive/", "logs/payments-old/"])).is_ok());
    }

    #[test]
    fn names_prefixes_and_origins_that_cannot_be_are_refused_with_their_path() {
        let log = |name, origin, prefix| config(&[(name, origin, prefix)], &[]);
        refused(
            &log("a b", None, Some("logs/x")),
            r#"logs["a b"]"#,
            "not the name of a log",
        );
        refused(
            &log("a", None, Some("/a")),
            r#"logs["a"].prefix"#,
            "not a prefix",
        );
        refused(
            &log("a", None, Some("logs/b")),
            r#"logs["a"].prefix"#,
            "must end with",
        );
        refused(
            &config(&[], &["archive"]),
            "declared_prefixes[0]",
            "one at the end",
        );
        let twice = [("a", Some("acme-audit/b"), None), ("b", None, None)];
        refused(
            &config(&twice, &[]),
            r#"logs["b"].origin"#,
            "origin of the log \"a\"",
        );
    }

    #[test]
    fn prefixes_that_overlap_are_refused_in_both_directions() {
        let inside = [("a", None, Some("logs/b/a")), ("b", None, None)];
        refused(
            &config(&inside, &[]),
            r#"logs["b"].prefix"#,
            r#"overlaps "logs/b/a/""#,
        );
        let one = [("a", None, None)];
        refused(
            &config(&one, &["probe/", "ünï/"]),
            "declared_prefixes[1]",
            "\"ünï/\" is not a declared prefix: parts of letters",
        );
        refused(
            &config(&one, &["logs/"]),
            r#"logs["a"].prefix"#,
            "declared_prefixes[0]",
        );
        refused(
            &config(&one, &["logs/a/x/"]),
            r#"logs["a"].prefix"#,
            "declared_prefixes[0]",
        );
    }

    #[test]
    fn declared_prefix_that_overlaps_a_delivery_is_refused_in_both_directions() {
        let with = |service: &str, prefix: Option<&str>, declared: &str| {
            let to = Object::new().with("prefix", prefix.map(str::to_owned));
            config(&[], &[declared]).with("log_delivery", Object::new().with(service, to))
        };
        for (service, prefix, declared) in [
            ("cloudtrail", None, "AWSLogs/policies/"),
            ("cloudtrail", Some("trails"), "trails/"),
            ("load_balancers", Some("/alb/"), "alb/AWSLogs/"),
            ("load_balancers", Some("alb"), "alb/AWSLogs/old/"),
        ] {
            refused(
                &with(service, prefix, declared),
                &format!("log_delivery.{service}.prefix"),
                &format!("overlaps {declared:?} of declared_prefixes[0]"),
            );
        }
        assert!(check(&with("cloudtrail", Some("trails"), "trails-old/")).is_ok());
        assert!(check(&with("cloudtrail", Some("trails"), "trails/old/")).is_ok());
    }
}
