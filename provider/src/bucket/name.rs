//! The rules for a bucket's name (Amazon S3 User Guide, "General purpose bucket naming rules").

use std::net::Ipv4Addr;

const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

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

#[cfg(test)]
mod tests {
    use super::check_bucket_name;

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
        ] {
            let wrong = check_bucket_name(name).unwrap_err();
            assert!(wrong.contains(rule), "{wrong}");
        }
    }
}
