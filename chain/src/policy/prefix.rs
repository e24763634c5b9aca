//! Prefixes of object keys.

/// Whether a key prefix can be that of a log: `/`-separated parts of printable ASCII that mean the same in a bucket, a
/// folder and a URL.
pub fn is_prefix(prefix: &str) -> bool {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'=' | b'@' | b'~');
    prefix.len() <= 512
        && prefix
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(allowed))
}
