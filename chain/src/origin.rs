//! The name of a log (F1).

use std::fmt;

use crate::limits::MAX_ORIGIN_BYTES;

/// The unique name of a log: a schema-less URL such as `acme.example/audit/payments`.
///
/// 1 to 255 bytes of printable ASCII without space, `"`, `\` and `+`: it is written in JSON without escapes and is the key
/// name of a C2SP signed note, which allows neither spaces nor `+`. C2SP's names are URLs without a scheme, so `://` is refused.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// Checks and wraps a name; `None` where it is empty, too long, has a scheme, or has a character that it must not have.
    pub fn parse(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'+');
        let fits = !name.is_empty() && name.len() <= MAX_ORIGIN_BYTES;
        let is_plain = name.bytes().all(allowed) && !name.contains("://");
        (fits && is_plain).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last `/`: the last part of the log's prefix, unless the prefix is declared otherwise.
    pub fn last_part(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl serde::Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{text}` is not an origin: 1 to 255 printable ASCII characters without space, quote, backslash, plus and `://`"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_note_or_a_line_could_not_carry_is_refused() {
        assert!(Origin::parse("acme.example/audit/payments").is_some());
        assert!(Origin::parse(&"x".repeat(255)).is_some());
        assert!(Origin::parse("acme.example:8443//audit").is_some());
        for bad in [
            "",
            "a b",
            "a+b",
            "a\"b",
            "a\\b",
            "a\nb",
            "ä",
            "https://acme.example/audit",
            "acme.example/://",
            &"x".repeat(256),
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad:?}");
        }
    }
}
