//! What a name is remembered by.

use std::iter;

use aws_lc_rs::digest::{Context, SHA256};

use crate::forward::name_without_id;

/// The first 16 bytes of the SHA-256 of a sender and its name for a batch. Two names of one fingerprint are not to be expected, and nobody
/// can make two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; Self::BYTES]);

impl Fingerprint {
    pub(super) const BYTES: usize = 16;

    /// That of a batch.
    pub fn of(source: &[u8], name: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        // A source has at most 255 bytes, and its length keeps the two apart.
        context.update(&[u8::try_from(source.len()).unwrap_or(u8::MAX)]);
        context.update(source);
        context.update(name);
        let digest = context.finish();
        let mut bytes = [0; Self::BYTES];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// That of the content of a batch, where its name ends in the hash of it: a chunk of Forward that is sent again may have another id.
    pub fn of_content(source: &[u8], name: &[u8]) -> Option<Self> {
        let content = name_without_id(name)?;
        Some(Self::of(source, content.as_bytes()))
    }

    /// All that a batch is remembered by.
    pub fn all_of(source: &[u8], name: &[u8]) -> impl Iterator<Item = Self> {
        iter::once(Self::of(source, name)).chain(Self::of_content(source, name))
    }

    pub(super) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Two numbers, each as random as the fingerprint is.
    pub(super) fn halves(&self) -> (u64, u64) {
        let number = u128::from_le_bytes(self.0);
        let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
        let high = u64::try_from(number >> 64).unwrap_or(0);
        (low, high)
    }
}
