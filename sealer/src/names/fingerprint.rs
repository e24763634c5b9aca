//! What a batch is remembered by.

use std::iter;

use aws_lc_rs::digest::{Context, SHA256};

use super::content::ContentSum;
use crate::forward::name_without_id;

/// The first 12 bytes of the SHA-256 of a sender and its name for a batch, and a sum of the events. Two names of one hash are not to be
/// expected; a sender that looks for two among its own needs 2^48 attempts, and hides a batch of its own with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    name: NameHash,
    content: ContentSum,
}

/// The part of a fingerprint that a batch is looked for by.
pub(super) type NameHash = [u8; NAME_BYTES];

const NAME_BYTES: usize = 12;

impl Fingerprint {
    pub(super) const BYTES: usize = NAME_BYTES + ContentSum::BYTES;

    /// That of a batch.
    pub fn of(source: &[u8], name: &[u8], content: ContentSum) -> Self {
        let mut hashing = Context::new(&SHA256);
        // A source has at most 255 bytes, and its length keeps the two apart.
        hashing.update(&[u8::try_from(source.len()).unwrap_or(u8::MAX)]);
        hashing.update(source);
        hashing.update(name);
        let digest = hashing.finish();
        let hash = digest.as_ref().first_chunk();
        Self {
            name: hash.copied().unwrap_or_default(),
            content,
        }
    }

    /// All that a batch is remembered by: its name, and where that ends in the hash of its content, the name that is made of the hash alone. A
    /// chunk of Forward that is sent again may have another id.
    pub fn all_of(
        source: &[u8],
        name: &[u8],
        content: ContentSum,
    ) -> impl Iterator<Item = Self> + use<> {
        let without_id = name_without_id(name);
        let without_id = without_id.map(|name| Self::of(source, name.as_bytes(), content));
        iter::once(Self::of(source, name, content)).chain(without_id)
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (name, content) = bytes.split_first_chunk().unwrap_or((&[0; NAME_BYTES], &[]));
        Self {
            name: *name,
            content: ContentSum::from_bytes(content.first_chunk().copied().unwrap_or_default()),
        }
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + use<> {
        self.name.into_iter().chain(*self.content.as_bytes())
    }

    pub(super) const fn name(&self) -> &NameHash {
        &self.name
    }

    /// Whether a batch of the same name has the same events.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

/// Those that a file has one after the other.
pub(super) fn names_in(bytes: &[u8]) -> impl Iterator<Item = Fingerprint> + '_ {
    let (names, _) = bytes.as_chunks();
    names.iter().map(Fingerprint::from_bytes)
}

/// Sorts them, and leaves the last one of each name.
pub(super) fn last_of_each(mut names: Vec<Fingerprint>) -> Vec<Fingerprint> {
    names.reverse();
    // It keeps the order of equal ones.
    names.sort_by_key(|fingerprint| fingerprint.name);
    names.dedup_by_key(|fingerprint| fingerprint.name);
    names
}
