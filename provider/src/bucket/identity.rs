//! What a log is known by, in words that fit into a tag: an import finds no state, and must still notice that a log was removed or
//! renamed, lost a key, or goes on after its end.
//!
//! Keys and origins are written as the beginning of a digest. That is enough to notice a mistake; the verifier compares the keys
//! themselves.

use auditlog_chain::policy::TrustPolicy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::model::LogModel;
use super::path::default_prefix;

const PREFIX: &str = "in:";
const ORIGIN: &str = "of:";
const KEY: &str = "key:";
const ENDED: &str = "ended";

/// In place of a prefix that does not fit.
const TOO_LONG: &str = "+";
const MAX_PREFIX_CHARS: usize = 100;
/// The beginning of the fingerprint that a signing key shows.
const DIGEST_CHARS: usize = 12;
/// Keys that are kept in any case, the newest.
const LEAST_KEYS: usize = 2;

/// The words of one log: prefix, origin and end, and its keys, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Identity(Vec<String>);

impl Identity {
    /// Of a log of a configuration; nothing where its prefix, its origin or its keys are not known yet.
    pub(super) fn of(name: &str, log: &LogModel) -> Option<Self> {
        let (prefix, origin) = (log.prefix.known()?, log.origin.known()?);
        let trust = log.signing_key.known()?;
        let mut words = vec![format!("{ORIGIN}{}", origin_digest(origin))];
        if *prefix != default_prefix(name) {
            words.push(format!("{PREFIX}{}", prefix_word(prefix)));
        }
        words.extend(log.ended.as_ref().map(|_| ENDED.to_owned()));
        let keys = trust.keys.iter();
        words.extend(keys.map(|key| format!("{KEY}{}", key_digest(&key.spki))));
        Some(Self(words))
    }

    /// The words of a tag or a state that are ours.
    pub(super) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        Self(
            words
                .filter(|word| is_word(word))
                .map(str::to_owned)
                .collect(),
        )
    }

    pub(super) fn words(&self) -> &[String] {
        &self.0
    }

    /// The prefix of the segments; empty, which is the whole bucket, where it did not fit.
    pub(super) fn prefix(&self, name: &str) -> String {
        match self.all(PREFIX).next() {
            Some(TOO_LONG) => String::new(),
            Some(word) => word.replace('+', "~"),
            None => default_prefix(name),
        }
    }

    /// Whether it may be the log of this prefix.
    pub(super) fn has_prefix(&self, name: &str, prefix: &str) -> bool {
        let default = prefix == default_prefix(name);
        let word = self.all(PREFIX).next();
        word.map_or(default, |word| word == prefix_word(prefix))
    }

    /// Whether it may be the log of this origin.
    pub(super) fn has_origin(&self, origin: &str) -> bool {
        let word = self.all(ORIGIN).next();
        word.is_none_or(|word| word == origin_digest(origin))
    }

    /// How many of its keys are not among these public keys.
    pub(super) fn keys_missing_from<'a>(&self, spkis: impl Iterator<Item = &'a str>) -> usize {
        let kept: Vec<String> = spkis.map(key_digest).collect();
        self.all(KEY)
            .filter(|key| !kept.iter().any(|kept| kept == key))
            .count()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.iter().any(|word| word == ENDED)
    }

    /// With the oldest key left out, if there are enough of them.
    pub(super) fn shortened(&self) -> Option<Self> {
        let oldest = self.0.iter().position(|word| word.starts_with(KEY))?;
        let mut words = self.0.clone();
        words.remove(oldest);
        (self.all(KEY).count() > LEAST_KEYS).then_some(Self(words))
    }

    fn all(&self, kind: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter_map(move |word| word.strip_prefix(kind))
    }
}

/// Whether a word of a tag is one of these.
pub(super) fn is_word(word: &str) -> bool {
    word == ENDED
        || [PREFIX, ORIGIN, KEY]
            .iter()
            .any(|kind| word.starts_with(kind))
}

/// A tag takes no `~`, and a prefix has no `+`.
fn prefix_word(prefix: &str) -> String {
    if prefix.len() > MAX_PREFIX_CHARS {
        return TOO_LONG.to_owned();
    }
    prefix.replace('~', "+")
}

fn origin_digest(origin: &str) -> String {
    short_digest(origin.as_bytes())
}

/// Of a public key in base64; one that is not of that form is refused elsewhere.
fn key_digest(spki: &str) -> String {
    let bytes = STANDARD.decode(spki);
    short_digest(bytes.as_deref().unwrap_or(spki.as_bytes()))
}

fn short_digest(bytes: &[u8]) -> String {
    let mut text = TrustPolicy::digest(bytes).to_hex();
    text.truncate(DIGEST_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use tf_provider::Field;

    use super::*;
    use crate::trust::keys::{TrustKey, TrustModel};

    fn log(prefix: &str, keys: &[&str]) -> LogModel {
        let key = |(version, spki): (u32, &&str)| TrustKey {
            version,
            spec: "ECC_NIST_P256".to_owned(),
            spki: STANDARD.encode(spki),
            arn: None,
            valid_from: "2026-01-01T00:00:00Z".to_owned(),
            retired_at: None,
            lost_at: None,
            compromised: None,
        };
        LogModel {
            origin: Field::Known("acme.example/a".to_owned()),
            prefix: Field::Known(prefix.to_owned()),
            signing_key: Field::Known(TrustModel {
                alias: "alias/audit".to_owned(),
                keys: (1..).zip(keys).map(key).collect(),
            }),
            writers: None,
            readers: None,
            max_silence: "25h".to_owned(),
            object_lock: None,
            lock_spans: None,
            max_silence_spans: None,
            began: Field::Unknown,
            ended: None,
        }
    }

    fn identity(prefix: &str, keys: &[&str]) -> Identity {
        Identity::of("a", &log(prefix, keys)).unwrap()
    }

    #[test]
    fn words_say_what_a_log_had() {
        let default = identity("logs/a", &["old", "new"]);
        assert_eq!(default.words().len(), 3, "{default:?}");
        assert_eq!(default.prefix("a"), "logs/a");
        assert!(default.has_prefix("a", "logs/a") && !default.has_prefix("a", "else/a"));
        assert!(default.has_origin("acme.example/a") && !default.has_origin("acme.example/b"));
        let kept = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| STANDARD.encode(key)).collect();
            default.keys_missing_from(keys.iter().map(String::as_str))
        };
        assert_eq!(kept(&["old", "new", "newer"]), 0);
        assert_eq!(kept(&["new"]), 1);
        assert_eq!(kept(&[]), 2);
        assert!(!default.has_ended());
    }

    #[test]
    fn prefix_of_its_own_comes_back_from_a_tag() {
        let own = identity("a~b/c=d/a", &["key"]);
        assert!(own.words().iter().all(|word| !word.contains('~')));
        assert_eq!(own.prefix("a"), "a~b/c=d/a");
        let long = format!("{}/a", "x".repeat(200));
        let unknown = identity(&long, &["key"]);
        assert_eq!(unknown.prefix("a"), "", "anything in the bucket may be its");
        assert!(unknown.has_prefix("a", &long));
    }

    #[test]
    fn what_is_not_known_yet_has_no_words() {
        let unknown = LogModel {
            signing_key: Field::Unknown,
            ..log("logs/a", &[])
        };
        assert_eq!(Identity::of("a", &unknown), None);
    }

    #[test]
    fn oldest_keys_are_left_out_first_and_two_stay() {
        let three = identity("logs/a", &["one", "two", "three"]);
        let two = three.shortened().unwrap();
        let spki = STANDARD.encode("one");
        assert_eq!(two.keys_missing_from(std::iter::once(spki.as_str())), 2);
        assert_eq!(two.shortened(), None);
    }
}
