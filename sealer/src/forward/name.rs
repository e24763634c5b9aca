//! The name that a chunk has in the log, and what it means that the name comes again.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest id that is in the name as it is.
const MAX_ID_BYTES: usize = 100;

/// The digits of a hash that are in a name.
const HASH_BYTES: usize = 16;

/// What a chunk without an id has in place of it.
const WITHOUT_ID: &str = "forward";

/// Other names of ours that end in a hash.
const NOT_IDS: [&str; 2] = [WITHOUT_ID, "syslog"];

/// What the sender's id of a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// No other chunk has it, and a chunk that is sent again keeps it: Fluentd and the loggers of Go.
    Unique,
    /// A hash of the content (Fluent Bit), unknown, or none at all: two chunks may have it.
    Ambiguous,
}

/// The name of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkName {
    text: String,
    /// What its id is.
    pub kind: NameKind,
}

impl ChunkName {
    /// From the id that the sender gives, and the SHA-256 of tag and entries: even where a sender uses an id twice, nothing is lost.
    pub fn new(id: &[u8], sha256_of_chunk: &[u8], sha256_of_id: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let trimmed = id.trim_ascii_end();
        let mut text = String::new();
        match std::str::from_utf8(trimmed) {
            Ok(id) if is_plain(id) => text.push_str(id),
            Ok(_) | Err(_) => push_hash(&mut text, &sha256_of_id(id)),
        }
        text.push(':');
        push_hash(&mut text, sha256_of_chunk);
        let kind = kind_of(trimmed);
        Self { text, kind }
    }

    /// From the SHA-256 of tag and entries alone, where the sender gives no id.
    pub fn without_id(sha256_of_chunk: &[u8]) -> Self {
        let mut text = format!("{WITHOUT_ID}:");
        push_hash(&mut text, sha256_of_chunk);
        let kind = NameKind::Ambiguous;
        Self { text, kind }
    }

    /// The name of a part, by its number. A chunk that is in one part has the name itself.
    pub fn of_part(&self, part: Option<usize>) -> String {
        let mut name = self.text.clone();
        if let Some(part) = part {
            // Writing into a string cannot fail.
            _ = write!(name, ":{part}");
        }
        name
    }
}

/// The name of the same chunk, or part of it, as it would be without an id; `None` where this is not the name of a chunk that has one.
pub fn name_without_id(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let (before, last) = name.rsplit_once(':')?;
    let id = if is_hash(last) {
        before
    } else {
        let (id, hash) = before.rsplit_once(':')?;
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && is_hash(hash)).then_some(id)?
    };
    let is_id = !id.is_empty() && !NOT_IDS.contains(&id);
    let rest = name.get(id.len()..).filter(|_| is_id)?;
    Some(format!("{WITHOUT_ID}{rest}"))
}

fn is_hash(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == HASH_BYTES.saturating_mul(2) && text.bytes().all(is_digit)
}

/// An id of 16 random bytes in base64 is unique. A hash in hexadecimal would be base64 of 24 bytes.
fn kind_of(id: &[u8]) -> NameKind {
    match STANDARD.decode(id) {
        Ok(bytes) if bytes.len() == 16 => NameKind::Unique,
        Ok(_) | Err(_) => NameKind::Ambiguous,
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(plain)
}

fn push_hash(to: &mut String, hash: &[u8]) {
    for byte in hash.iter().take(HASH_BYTES) {
        _ = write!(to, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &[u8]) -> ChunkName {
        ChunkName::new(id, &[0xab; 32], |_| vec![0xcd; 32])
    }

    #[test]
    fn ids_of_fluentd_are_unique_and_those_of_fluent_bit_are_not() {
        let fluentd = name(b"ZkhLd1JmS3dSZkt3UmZLdw==\n");
        assert_eq!(fluentd.kind, NameKind::Unique);
        let expected = "ZkhLd1JmS3dSZkt3UmZLdw==:abababababababababababababababab";
        assert_eq!(fluentd.of_part(None), expected);
        assert_eq!(fluentd.of_part(Some(2)), format!("{expected}:2"));
        for id in [
            &b"0123456789abcdef0123456789abcdef"[..],
            b"7",
            b"chunk-1",
            b"",
        ] {
            assert_eq!(name(id).kind, NameKind::Ambiguous, "{id:?}");
        }
    }

    #[test]
    fn name_without_an_id_is_that_of_the_content_and_of_its_part() {
        let hash = "ab".repeat(16);
        let expected = format!("forward:{hash}");
        assert_eq!(ChunkName::without_id(&[0xab; 32]).of_part(None), expected);
        for id in [&b"ZkhLd1JmS3dSZkt3UmZLdw=="[..], b"7", b"a:b", b"\xff", b""] {
            let with = name(id);
            let without = |part| name_without_id(with.of_part(part).as_bytes());
            assert_eq!(without(None), Some(expected.clone()));
            assert_eq!(without(Some(12)), Some(format!("{expected}:12")));
        }
        for other in [
            format!("forward:{hash}"),
            format!("forward:{hash}:2"),
            format!("syslog:{hash}"),
            format!("sha256:{hash}{hash}"),
            format!(":{hash}"),
            hash.clone(),
            format!("id:{hash}:x"),
            format!("id:{}", hash.to_uppercase()),
            "id".to_owned(),
            "input@17".to_owned(),
            String::new(),
        ] {
            assert_eq!(name_without_id(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn id_that_a_line_cannot_have_is_hashed() {
        let long = [b'x'; 101];
        for id in [&b"a\"b"[..], b"a b", b"\xff", &long, b"", b"\n"] {
            let name = name(id).of_part(None);
            assert!(
                name.starts_with("cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd:"),
                "{id:?}: {name}"
            );
        }
    }
}
