//! The name that a chunk has in the log, and what it means that the name comes again.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest id that is in the name as it is.
const MAX_ID_BYTES: usize = 100;

/// The digits of a hash that are in a name.
const HASH_BYTES: usize = 16;

/// What the sender's id of a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// No other chunk has it, and a chunk that is sent again keeps it: Fluentd and the loggers of Go.
    Unique,
    /// A hash of the content (Fluent Bit), or unknown: two chunks may have it.
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
