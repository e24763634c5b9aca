//! How far an input was accepted, and a hash of its beginning.

use std::fmt;

use auditlog_chain::hash::Hash;
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// A place in an input: behind the last event that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Events before it.
    pub events: u64,
    /// Lines before it. A last line without its newline counts.
    pub lines: u64,
    /// Bytes before it.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub hash: Hash,
}

/// A SHA-256 over bytes that come one after the other. A copy of it goes on by itself.
#[derive(Clone)]
pub struct Running(Context);

impl Running {
    /// The hash of no bytes.
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    pub fn hash(&self) -> Hash {
        let mut bytes = [0; 32];
        let digest = self.0.clone().finish();
        for (byte, found) in bytes.iter_mut().zip(digest.as_ref()) {
            *byte = *found;
        }
        Hash::from_bytes(bytes)
    }

    /// The hash of these bytes alone.
    pub fn of(bytes: &[u8]) -> Hash {
        let mut running = Self::new();
        running.update(bytes);
        running.hash()
    }
}

impl Default for Running {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash().fmt(f)
    }
}
