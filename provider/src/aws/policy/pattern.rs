//! The patterns of policies: `*` for any text, `?` for one character.

/// Whether a pattern matches a text, whatever the case, as the names of actions are matched.
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    let lower = |text: &str| text.to_ascii_lowercase().into_bytes();
    matches(&lower(pattern), &lower(action))
}

/// Whether a pattern matches a text of the same case.
///
/// Goes on behind the last `*` as often as the text differs from what follows it.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => matches(rest, text),
        (Some((b'*', rest)), Some((_, shorter))) => {
            matches(rest, text) || matches(pattern, shorter)
        }
        (Some((wanted, rest)), Some((found, shorter))) if wanted == found || *wanted == b'?' => {
            matches(rest, shorter)
        }
        _ => false,
    }
}

/// Whether a pattern may match something that begins with `prefix`. It may say so too often, never too seldom: what follows
/// the first wildcard or variable is not looked at.
pub(super) fn may_match_below(pattern: &str, prefix: &str) -> bool {
    let fixed = pattern
        .find(['*', '?', '$'])
        .map_or(pattern, |at| pattern.get(..at).unwrap_or_default());
    if fixed.len() == pattern.len() {
        return fixed.starts_with(prefix);
    }
    fixed.starts_with(prefix) || prefix.starts_with(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_iam() {
        for (pattern, action) in [
            ("s3:*", "s3:PutObject"),
            ("*", "s3:PutObject"),
            ("S3:putobject", "s3:PutObject"),
            ("s3:P*t*ject", "s3:PutObject"),
            ("s3:?utObject", "s3:PutObject"),
            ("s3:PutObject*", "s3:PutObject"),
        ] {
            assert!(action_matches(pattern, action), "{pattern}");
        }
        for pattern in [
            "s3:Get*",
            "s3:?PutObject",
            "s3:Put",
            "kms:*",
            "",
            "s3:PutObject?",
        ] {
            assert!(!action_matches(pattern, "s3:PutObject"), "{pattern}");
        }
    }

    #[test]
    fn pattern_that_may_reach_a_prefix_counts() {
        for pattern in [
            "*",
            "b/*",
            "b/logs/*",
            "b/logs/a/*",
            "b/logs/a/x",
            "b/*/a",
            "b/${aws:userid}/x",
            "b/l?gs/a/x",
        ] {
            assert!(may_match_below(pattern, "b/logs/a/"), "{pattern}");
        }
        for pattern in ["b", "b/logs/b/*", "b/logs/a", "c/*", "b/archive/*"] {
            assert!(!may_match_below(pattern, "b/logs/a/"), "{pattern}");
        }
    }
}
