//! A SHA-256 value, and the leaf hash of RFC 6962 section 2.1 (F5). Inner nodes are in [`tree`](crate::tree).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use sha256_lanes::{Digest, Hasher};

pub use sha256_lanes::Kind;

/// A SHA-256 value, 32 bytes. Written as 64 lower-case hex digits in lines and as base64 in checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses 64 lower-case hex digits; anything else is `None`.
    pub fn parse_hex(text: &[u8]) -> Option<Self> {
        let mut bytes = [0u8; 32];
        // The decoder would pass over a leading `0x`, and take upper case. Without a branch, many digits are looked at at once.
        let upper = |found: bool, digit: &u8| found | digit.is_ascii_uppercase();
        let one_form = text.len() == 64 && !text.iter().fold(false, upper);
        (one_form && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }

    /// SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        hash_parts(&[bytes])
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// The same, behind what `out` holds.
    pub(crate) fn put_hex(self, out: &mut Vec<u8>) {
        out.extend_from_slice(hex::Buffer::<32>::new().const_format(&self.0).as_bytes());
    }

    /// Parses canonical standard base64 (RFC 4648 section 4, 44 characters); anything else is `None`.
    pub fn parse_base64(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Standard base64, 44 characters.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// In JSON documents a hash is base64.
impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse_base64(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{text}` is not base64 of 32 bytes"))
        })
    }
}

/// The byte before a line in its leaf hash.
const LEAF: Option<u8> = Some(0x00);
/// The byte before two hashes in the hash of their node.
const NODE: Option<u8> = Some(0x01);

/// The RFC 6962 leaf hash of a line: `SHA-256(0x00 ‖ line)`, the line without its newline.
pub fn leaf_hash(line: &[u8]) -> Hash {
    Hash(Hasher::in_use().hash(LEAF, line))
}

/// The leaf hashes of many lines at once, which is faster than one after the other.
pub(crate) fn leaf_hashes(lines: &[&[u8]], hashes: &mut Vec<Digest>) {
    hashes.resize(lines.len(), [0; 32]);
    Hasher::in_use().hash_all(LEAF, lines, hashes);
}

/// The RFC 6962 hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
pub(crate) fn hash_node(left: &Hash, right: &Hash) -> Hash {
    Hash(Hasher::in_use().hash(NODE, [left.0, right.0].as_flattened()))
}

/// The hashes of the nodes over pairs of neighbours. A last one without a neighbour is left out.
pub(crate) fn hash_nodes(below: &[Digest], nodes: &mut Vec<Digest>) {
    let (pairs, _) = below.as_chunks::<2>();
    nodes.resize(pairs.len(), [0; 32]);
    let pairs = pairs.iter().map(|pair| pair.as_flattened());
    Hasher::in_use().hash_each(NODE, pairs, nodes);
}

/// SHA-256 over the parts one after the other.
pub(crate) fn hash_parts(parts: &[&[u8]]) -> Hash {
    if let [whole] = parts {
        return Hash(Hasher::in_use().hash(None, whole));
    }
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// Hashes with this kind from now on, and not with the fastest one. For comparisons: all give the same hashes.
///
/// # Errors
///
/// Where this processor does not have it.
pub fn use_kind(kind: Kind) -> Result<(), KindAbsent> {
    let hasher = Hasher::of(kind).ok_or(KindAbsent(kind))?;
    hasher.use_from_now_on();
    Ok(())
}

/// A kind of hashing that this processor does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this processor cannot hash with {0}")]
pub struct KindAbsent(Kind);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_lower_case_only_and_exactly_64_digits() {
        let hash = leaf_hash(b"x");
        assert_eq!(Hash::parse_hex(hash.to_hex().as_bytes()), Some(hash));
        assert_eq!(
            Hash::parse_hex(hash.to_hex().to_uppercase().as_bytes()),
            None
        );
        assert_eq!(Hash::parse_hex(&hash.to_hex().as_bytes()[1..]), None);
        assert_eq!(Hash::parse_hex(b""), None);
        let prefixed = format!("0x{hash}");
        assert_eq!(Hash::parse_hex(prefixed.as_bytes()), None);
        assert_eq!(Hash::parse_hex(&prefixed.as_bytes()[..64]), None);
    }

    #[test]
    fn base64_with_other_trailing_bits_is_refused() {
        let hash = Hash::from_bytes([0; 32]);
        assert_eq!(Hash::parse_base64(&hash.to_base64()), Some(hash));
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=";
        assert_eq!(Hash::parse_base64(other), None);
    }
}
