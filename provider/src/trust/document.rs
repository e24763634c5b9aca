//! The trust policy that a declaration makes: one function for the resource that owns a bucket and for the data source.

use auditlog_chain::keys::PublicKey;
use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    Acknowledged, Ended, KeyPolicy, LockSpan, LogPolicy, POLICY_VERSION, PolicyDocument,
    PolicyError, S3Store, SilenceSpan, Store, TrustPolicy, intervals,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use tf_provider::AttributePath;

use super::duration::format_duration;
use super::keys::TrustModel;
use super::values::{Misfit, parse_acknowledged, placed};

/// The format number of every log that this version can seal.
pub const FORMAT: u64 = 1;

/// What was declared, with the places in the configuration that it comes from.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The bucket; `None` for logs in a folder. It comes from `bucket`, `region` and `account_id`.
    pub store: Option<S3Store>,
    /// The lock of all logs without a lock of their own.
    pub lock: Placed<Vec<LockSpan>>,
    /// The logs.
    pub logs: Vec<DeclaredLog>,
    /// Keys besides those of the logs. They come first in the document.
    pub keys: Vec<Placed<KeyPolicy>>,
    /// Findings that a person has explained, each as a JSON object. They come from `acknowledged`.
    pub acknowledged: Vec<String>,
    /// What else the bucket may contain. It comes from `declared_prefixes`.
    pub declared_prefixes: Vec<String>,
}

/// One log.
#[derive(Clone, Debug)]
pub struct DeclaredLog {
    /// The object in the configuration that declares it.
    pub path: AttributePath,
    /// Its unique name.
    pub origin: Origin,
    /// Where its segments are stored.
    pub prefix: String,
    /// Its format number.
    pub format: u64,
    /// From when on it must have segments.
    pub began: Timestamp,
    /// How long it may be silent.
    pub max_silence: Placed<Vec<SilenceSpan>>,
    /// Its own lock, where it has one.
    pub lock: Option<Placed<Vec<LockSpan>>>,
    /// The keys that may sign it.
    pub keys: Vec<Placed<KeyPolicy>>,
    /// Its end, where it was declared ended.
    pub ended: Option<Ended>,
}

/// A value with the place in the configuration that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub path: AttributePath,
}

impl<T> Placed<T> {
    /// A value from a place.
    pub const fn new(value: T, path: AttributePath) -> Self {
        Self { value, path }
    }
}

/// A trust policy, and the bytes of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The policy.
    pub policy: TrustPolicy,
    /// The file.
    pub json: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// The keys of a signing key's `trust` object.
///
/// # Errors
///
/// Names the first value that is not of the right form; `path` is where the object is.
pub fn keys_of_trust(
    trust: &TrustModel,
    path: &AttributePath,
) -> Result<Vec<Placed<KeyPolicy>>, Misfit> {
    let policies = trust.policies(path)?.into_iter().enumerate();
    let keys = path.clone().attribute("keys");
    Ok(policies
        .map(|(at, key)| Placed::new(key, keys.clone().index(at)))
        .collect())
}

/// Makes the trust policy.
///
/// # Errors
///
/// Names the first value that cannot be, with its place in the configuration.
pub fn trust_policy(declared: &Declared) -> Result<Rendered, Misfit> {
    for log in &declared.logs {
        check_last_spans(declared, log)?;
        check_successor(log)?;
    }
    let keys = united_keys(declared)?;
    let document = document(declared, &keys)?;
    let policy =
        TrustPolicy::check(document).map_err(|error| inconsistent(declared, &keys, &error))?;
    let json = policy.format();
    if json.len() > MAX_POLICY_BYTES {
        let found = json.len();
        return Err(inconsistent(
            declared,
            &keys,
            &PolicyError::TooLarge { found },
        ));
    }
    Ok(Rendered {
        sha256: TrustPolicy::digest(json.as_bytes()).to_hex(),
        policy,
        json,
    })
}

/// Checks retention against silence in all spans that are in force at a time, as the sealer and the verifier do.
///
/// # Errors
///
/// Names the first log whose retention is shorter than twice its silence.
pub fn check_spans_at(
    declared: &Declared,
    policy: &TrustPolicy,
    now: Timestamp,
) -> Result<(), Misfit> {
    let Err(error) = policy.check_spans_at(now) else {
        return Ok(());
    };
    let mut logs = declared.logs.iter();
    let short = logs.find_map(|log| short_retention(declared, log, now));
    Err(short.unwrap_or_else(|| inconsistent(declared, &[], &error)))
}

/// The first lock of a log that is too short for a silence beside it and in force, with the times at which both hold. The last spans
/// have no end, and were checked before.
fn short_retention(declared: &Declared, log: &DeclaredLog, now: Timestamp) -> Option<Misfit> {
    let locks = &log.lock.as_ref().unwrap_or(&declared.lock).value;
    let silences = &log.max_silence.value;
    let mut pairs =
        intervals(locks).flat_map(|lock| intervals(silences).map(move |silence| (lock, silence)));
    let detail = pairs.find_map(|(lock, silence)| {
        let until = lock.until.into_iter().chain(silence.until).min()?;
        let days = lock.span.retention_days;
        let counts_until = until.saturating_add_days(days);
        let why = check_retention(&[days], &[silence.span.seconds]).err()?;
        let counts = lock.from.max(silence.from) < until && counts_until >= now;
        counts.then(|| {
            format!(
                "{why} The lock of {} and the silence of {} both hold until {}, and what was stored by then counts until {}. In \
                 `max_silence_spans`, give at most {} until the first of these times.",
                lock.span.from.to_rfc3339(),
                silence.span.from.to_rfc3339(),
                until.to_rfc3339(),
                counts_until.to_rfc3339(),
                format_duration(u64::from(days).saturating_mul(43_200)),
            )
        })
    })?;
    Some(Misfit {
        summary: TOO_SHORT,
        path: log.max_silence.path.clone(),
        detail,
    })
}

/// Checks that each lock of a log keeps objects for at least twice as long as each silence that may hold beside it.
///
/// # Errors
///
/// A sentence for the user about the first pair that does not fit.
pub fn check_retention(retention_days: &[u32], silence_seconds: &[u64]) -> Result<(), String> {
    let shortest = retention_days.iter().min();
    let longest = silence_seconds.iter().max();
    let (Some(days), Some(seconds)) = (shortest, longest) else {
        return Ok(());
    };
    let needed = seconds.saturating_mul(2);
    if u64::from(*days).saturating_mul(86_400) >= needed {
        return Ok(());
    }
    Err(format!(
        "{} of silence need a retention of at least {}, twice as long, and the lock lasts {days} days. Otherwise nobody could \
         distinguish segments that were removed from expired ones.",
        format_duration(*seconds),
        format_duration(needed),
    ))
}

/// A sealer sends whoever seals an ended log to its successor.
fn check_successor(log: &DeclaredLog) -> Result<(), Misfit> {
    let successor = log.ended.as_ref().and_then(|end| end.successor.as_ref());
    if successor != Some(&log.origin) {
        return Ok(());
    }
    let path = log.path.clone().attribute("ended").attribute("successor");
    let detail = "A log that has ended cannot be its own successor. Name the log that continues it, or leave it out.";
    Err(Misfit::invalid(path, detail))
}

/// Whatever the time is, the last spans are in force.
fn check_last_spans(declared: &Declared, log: &DeclaredLog) -> Result<(), Misfit> {
    let lock = log.lock.as_ref().unwrap_or(&declared.lock);
    let days: Vec<_> = lock
        .value
        .last()
        .map(|span| span.retention_days)
        .into_iter()
        .collect();
    let silence = log.max_silence.value.last().map(|span| span.seconds);
    let silence: Vec<_> = silence.into_iter().collect();
    check_retention(&days, &silence).map_err(|detail| Misfit {
        summary: TOO_SHORT,
        path: log.max_silence.path.clone(),
        detail,
    })
}

/// The summary where a retention is shorter than twice a silence.
pub const TOO_SHORT: &str = "Retention too short";

/// Every key once, in the order in which they are declared.
fn united_keys(declared: &Declared) -> Result<Vec<Placed<KeyPolicy>>, Misfit> {
    let mut found: Vec<Placed<KeyPolicy>> = Vec::new();
    let of_logs = declared.logs.iter().flat_map(|log| &log.keys);
    for key in declared.keys.iter().chain(of_logs) {
        let same = |known: &&Placed<KeyPolicy>| known.value.spki == key.value.spki;
        match found.iter().find(same) {
            None => found.push(key.clone()),
            Some(known) if known.value == key.value => {}
            Some(known) => {
                let detail = format!(
                    "The key at {} is the same one, but something else is declared of it there.",
                    known.path
                );
                return Err(Misfit {
                    summary: INCONSISTENT,
                    path: key.path.clone(),
                    detail,
                });
            }
        }
    }
    Ok(found)
}

fn document(declared: &Declared, keys: &[Placed<KeyPolicy>]) -> Result<PolicyDocument, Misfit> {
    Ok(PolicyDocument {
        trust_policy: POLICY_VERSION,
        store: declared.store.clone().map(Store::S3),
        lock: declared.lock.value.clone(),
        logs: declared.logs.iter().map(log_policy).collect(),
        keys: keys.iter().map(|key| key.value.clone()).collect(),
        acknowledged: acknowledged(&declared.acknowledged)?,
        declared_prefixes: declared.declared_prefixes.clone(),
    })
}

fn log_policy(log: &DeclaredLog) -> LogPolicy {
    let verifier_key = |spki: &PublicKey| VerifierKey::new(log.origin.clone(), spki.clone());
    LogPolicy {
        origin: log.origin.clone(),
        prefix: log.prefix.clone(),
        format: log.format,
        began: log.began,
        max_silence: log.max_silence.value.clone(),
        lock: log.lock.as_ref().map(|lock| lock.value.clone()),
        verifier_keys: log
            .keys
            .iter()
            .map(|key| verifier_key(&key.value.spki))
            .collect(),
        ended: log.ended.clone(),
    }
}

fn acknowledged(entries: &[String]) -> Result<Vec<Acknowledged>, Misfit> {
    let parse = |(at, text): (usize, &String)| {
        placed(
            parse_acknowledged(text),
            AttributePath::from("acknowledged").index(at),
        )
    };
    entries.iter().enumerate().map(parse).collect()
}

const INCONSISTENT: &str = "The trust policy is not consistent";

/// What the format's own check found, at the attribute that it came from.
fn inconsistent(declared: &Declared, keys: &[Placed<KeyPolicy>], error: &PolicyError) -> Misfit {
    let (path, reason) = match error {
        PolicyError::Inconsistent { place, reason } => {
            (attribute_of(declared, keys, place), format!("{reason}."))
        }
        PolicyError::TooLarge { .. }
        | PolicyError::Unsupported { .. }
        | PolicyError::UnsupportedStore { .. }
        | PolicyError::TerraformJson
        | PolicyError::Malformed { .. } => (AttributePath::root(), format!("{error}.")),
    };
    Misfit {
        summary: INCONSISTENT,
        path,
        detail: reason,
    }
}

/// The attribute that a place in the document, such as `logs[2].lock[1].retention_days`, was filled from.
fn attribute_of(declared: &Declared, keys: &[Placed<KeyPolicy>], place: &str) -> AttributePath {
    let (first, rest) = split(place);
    let inner = |rest: &str| {
        rest.split_once('.')
            .map_or(rest, |(name, _)| name)
            .to_owned()
    };
    match first {
        ("store", _) => AttributePath::from(match rest {
            "s3.bucket" => "bucket",
            "s3.region" => "region",
            _ => "account_id",
        }),
        ("lock", at) => span_of(&declared.lock.path, at, rest),
        ("keys", Some(at)) => keys
            .get(at)
            .map_or_else(AttributePath::root, |key| match rest {
                // written in one of several forms
                "spki" | "spec" => key.path.clone(),
                rest => key.path.clone().attribute(inner(rest)),
            }),
        ("logs", Some(at)) => declared
            .logs
            .get(at)
            .map_or_else(AttributePath::root, |log| {
                attribute_of_log(declared, log, rest)
            }),
        (name, Some(at)) => AttributePath::from(name).index(at),
        (name, None) => AttributePath::from(name),
    }
}

fn attribute_of_log(declared: &Declared, log: &DeclaredLog, place: &str) -> AttributePath {
    let ((name, at), rest) = split(place);
    match name {
        "max_silence" => span_of(&log.max_silence.path, at, rest),
        "lock" => span_of(&log.lock.as_ref().unwrap_or(&declared.lock).path, at, rest),
        // made from the keys, not an argument
        "verifier_keys" => log.path.clone(),
        "ended" if !rest.is_empty() => log.path.clone().attribute("ended").attribute(rest),
        name => log.path.clone().attribute(name),
    }
}

/// A span in a list of them. The places of the two kinds of list that a configuration does not write are the whole.
fn span_of(path: &AttributePath, at: Option<usize>, rest: &str) -> AttributePath {
    let is_list = path.to_string().ends_with("_spans");
    match at.filter(|_| is_list) {
        None => path.clone(),
        Some(at) => match rest {
            "retention_days" => path.clone().index(at).attribute("days"),
            "seconds" => path.clone().index(at).attribute("max_silence"),
            _ => path.clone().index(at),
        },
    }
}

/// `logs[2].prefix` as `logs`, 2 and `prefix`.
fn split(place: &str) -> ((&str, Option<usize>), &str) {
    let (first, rest) = place.split_once('.').unwrap_or((place, ""));
    let named = first
        .split_once('[')
        .map_or((first, None), |(name, index)| {
            (name, index.trim_end_matches(']').parse().ok())
        });
    (named, rest)
}
