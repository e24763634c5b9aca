//! The rules for a bucket's name (Amazon S3 User Guide, "General purpose bucket naming rules").

use std::hash::{BuildHasher as _, RandomState};
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use tf_provider::{Diagnostic, Result};

const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 6] = [
    "-s3alias",
    "--ol-s3",
    ".mrap",
    "--x-s3",
    "--table-s3",
    // the namespace of one account in one region, which this provider does not create buckets in
    "-an",
];

/// Whether S3 would take the name; otherwise a sentence that says why not.
///
/// # Errors
/// The first rule that the name breaks.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), String> {
    let wrong = |why: String| Err(format!("{name:?} {why}"));
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&name.len()) {
        return wrong(format!(
            "has {} characters; a bucket's name has 3 to 63.",
            name.chars().count()
        ));
    }
    if let Some(letter) = name.chars().find(|c| !(edge(*c) || matches!(c, '-' | '.'))) {
        return wrong(format!(
            "contains {letter:?}; a bucket's name has lower-case letters, digits, hyphens and dots."
        ));
    }
    if !name.starts_with(edge) || !name.ends_with(edge) {
        return wrong("does not begin and end with a letter or a digit.".to_owned());
    }
    if name.contains("..") {
        return wrong("has two dots in a row.".to_owned());
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return wrong("is an IP address.".to_owned());
    }
    if let Some(prefix) = RESERVED_PREFIXES
        .iter()
        .find(|prefix| name.starts_with(**prefix))
    {
        return wrong(format!("begins with {prefix:?}, which S3 reserves."));
    }
    if let Some(suffix) = RESERVED_SUFFIXES
        .iter()
        .find(|suffix| name.ends_with(**suffix))
    {
        return wrong(format!("ends with {suffix:?}, which S3 reserves."));
    }
    Ok(())
}

/// What the provider adds to a prefix.
const RANDOM_CHARS: usize = 26;
const MAX_PREFIX_CHARS: usize = 63 - RANDOM_CHARS;

/// Whether names that begin with this prefix are names of buckets.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.len() > MAX_PREFIX_CHARS {
        return Err(format!(
            "{prefix:?} has more than {MAX_PREFIX_CHARS} characters; the provider adds {RANDOM_CHARS}."
        ));
    }
    check_bucket_name(&format!("{prefix}{}", "0".repeat(RANDOM_CHARS)))
}

/// Checks that a bucket has the name that its prefix asks for: the plan may not have known the prefix.
///
/// # Errors
/// It begins otherwise.
pub(super) fn check_begins(name: Option<&String>, prefix: Option<&str>) -> Result {
    match (name, prefix) {
        (Some(name), Some(prefix)) if !name.starts_with(prefix) => {
            let detail = format!(
                "The bucket {name:?} does not begin with {prefix:?}. Another prefix makes another bucket, which the plan must know: set \
                 `bucket_prefix` to a value that is known then."
            );
            Err(Diagnostic::error("The bucket has another prefix", detail)
                .at("bucket_prefix")
                .into())
        }
        _ => Ok(()),
    }
}

/// A name with this prefix that no bucket has: the time, and a random number.
pub(crate) fn unique(prefix: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = now.map_or(0, |now| now.as_micros());
    let random = RandomState::new().hash_one(micros);
    let random = random.rem_euclid(1 << 40);
    format!("{prefix}{micros:016x}{random:010x}")
}

/// Whether the provider has made this name for this prefix.
pub(super) fn is_made_for(prefix: &str, name: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    rest.is_some_and(|rest| {
        rest.len() == RANDOM_CHARS && rest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_s3_takes_are_taken() {
        for name in ["abc", "acme-audit.eu", "0-1", &"a".repeat(63)] {
            assert_eq!(check_bucket_name(name), Ok(()));
        }
    }

    #[test]
    fn names_that_s3_refuses_are_refused_with_the_rule() {
        for (name, rule) in [
            ("ab", "3 to 63"),
            (&"a".repeat(64), "3 to 63"),
            ("Acme-audit", "contains 'A'"),
            ("acme_audit", "contains '_'"),
            ("-acme", "begin and end"),
            ("acme-", "begin and end"),
            ("acme..audit", "two dots"),
            ("192.168.0.1", "IP address"),
            ("xn--acme", "reserves"),
            ("acme-s3alias", "reserves"),
            ("acme-123456789012-eu-central-1-an", "reserves"),
        ] {
            let wrong = check_bucket_name(name).unwrap_err();
            assert!(wrong.contains(rule), "{wrong}");
        }
    }

    #[test]
    fn names_of_a_prefix_are_names_that_differ() {
        let prefix = "a".repeat(MAX_PREFIX_CHARS);
        assert_eq!(check_prefix(&prefix), Ok(()));
        let (one, other) = (unique(&prefix), unique(&prefix));
        assert_eq!(check_bucket_name(&one), Ok(()));
        assert_ne!(one, other);
        assert!(is_made_for(&prefix, &one) && !is_made_for("b", &one));
        assert!(!is_made_for("acme-", "acme-audit"));
        assert!(check_prefix(&format!("{prefix}a")).is_err());
        assert!(check_prefix("Acme-").is_err());
    }
}
