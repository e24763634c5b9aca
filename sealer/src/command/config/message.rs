//! What the parser says of a configuration, without the values that it has: they may be secrets.

use std::fmt;

/// A message of the parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A table lacks a key.
    Missing(String),
    /// A table has a key that it may not have.
    Unknown {
        /// The key.
        key: String,
        /// Those that it may have.
        known: Vec<String>,
    },
    /// A value is wrong.
    Wrong(String),
}

impl Said {
    pub(super) fn of(message: &str) -> Self {
        if let Some(key) = message.strip_prefix("missing field ") {
            return Self::Missing(quoted(key).next().unwrap_or_default().to_owned());
        }
        if let Some(rest) = message.strip_prefix("unknown field ") {
            let mut names = quoted(rest).map(str::to_owned);
            return Self::Unknown {
                key: names.next().unwrap_or_default(),
                known: names.collect(),
            };
        }
        Self::Wrong(without_value(message).unwrap_or_else(|| message.to_owned()))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "the key {key} is missing"),
            Self::Unknown { key, .. } => write!(f, "unknown key {key}"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// What is between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The message, where it has a value: without it.
fn without_value(message: &str) -> Option<String> {
    let is_of_a_value = |start: &&str| message.starts_with(*start);
    let start = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find(is_of_a_value)?;
    let (found, expected) = message.strip_prefix(start)?.rsplit_once(", expected ")?;
    let kind: &str = found.split(['"', '`']).next().unwrap_or_default();
    Some(format!(
        "{start}{}, expected {}",
        kind.trim_end(),
        in_words(expected)
    ))
}

/// What was expected, without the words of the parser for it.
fn in_words(expected: &str) -> String {
    let up_to = match expected {
        _ if expected.starts_with("struct ") => return "a table".to_owned(),
        "a sequence" => return "a list".to_owned(),
        "a boolean" => return "true or false".to_owned(),
        "a string" => return "text between quotes".to_owned(),
        "path string" => return "a path".to_owned(),
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        // What TOML can have.
        "u64" | "usize" => i64::MAX.unsigned_abs(),
        other => return other.to_owned(),
    };
    format!("a whole number from 0 to {up_to}")
}

/// What to do about the value of a key.
pub(super) fn remedy(key: &str) -> &'static str {
    match key {
        "shared_key" => "write shared_key = { file = … } or { env = … }",
        "token" => {
            "write [[http.token]] with a source, and the name of the file or of the variable that has the secret"
        }
        "webhook" => {
            "write [[http.webhook]] with a source, and the name of the file or of the variable that has the secret"
        }
        "user" => {
            "write [[http.user]] with a name, and the name of the file or of the variable that has the password"
        }
        "tls" => "write [http.tls] with certificate and key",
        "listen" => "write an address and a port, such as 127.0.0.1:9880",
        "paths" => "write paths = [\"/var/log/app/*.log\"]",
        _ => "docs/guides/service.md describes each key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_may_be_a_secret_is_in_no_message() {
        for (message, expected) in [
            (
                "invalid type: string \"s3cret, expected 1\", expected struct SecretFrom",
                "invalid type: string, expected a table",
            ),
            (
                "invalid type: string \"s3cret\", expected a sequence",
                "invalid type: string, expected a list",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "invalid value: integer, expected a whole number from 0 to 9223372036854775807",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "invalid value: integer, expected a whole number from 0 to 4294967295",
            ),
            (
                "invalid type: integer `3`, expected a string",
                "invalid type: integer, expected text between quotes",
            ),
            ("another one", "another one"),
        ] {
            assert_eq!(Said::of(message), Said::Wrong(expected.to_owned()));
        }
    }

    #[test]
    fn keys_are_read_from_messages() {
        assert_eq!(
            Said::of("missing field `spool`"),
            Said::Missing("spool".to_owned())
        );
        for (message, known) in [
            (
                "unknown field `x`, expected one of `a`, `b`, `c`",
                &["a", "b", "c"][..],
            ),
            ("unknown field `x`, expected `a` or `b`", &["a", "b"]),
            ("unknown field `x`, there are no fields", &[]),
        ] {
            let key = "x".to_owned();
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(Said::of(message), Said::Unknown { key, known });
        }
    }
}
