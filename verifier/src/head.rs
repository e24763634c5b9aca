//! The one value that can be pinned.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;

use crate::absence::moments::Moments;
use crate::absence::pins::{Keep, Run};
use crate::absence::span::Span;
use crate::pin::Pin;
use crate::verdict::Verdict;

/// The head of a log that verified. Made by [`verify`](fn@crate::verify::verify) alone, after its last rule, and all that can
/// be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHead {
    origin: Origin,
    pin: Pin,
    witness: Witness,
    cache: Option<CacheFile>,
}

/// What a run keeps of a log for the next one: a file that only the pins make evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheFile {
    bytes: Vec<u8>,
    digest: Hash,
}

impl CacheFile {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let digest = Hash::of(&bytes);
        Self { bytes, digest }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    pub const fn digest(&self) -> Hash {
        self.digest
    }
}

/// What a run knows of a log besides its head: enough to compare it with what another run pinned in the meantime (A5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    /// Size and root at the end of each segment above the pin that the run had read.
    pub(crate) trail: BTreeMap<u64, (u64, Hash)>,
    /// Retentions.
    pub(crate) lock: Vec<Span>,
    /// Number of the last segment of a log that has ended.
    pub(crate) end: Option<u64>,
    /// The moments of the run.
    pub(crate) moments: Moments,
}

impl VerifiedHead {
    /// The head of a log with this verdict; `None` unless it verified.
    pub(crate) fn mint(
        verdict: Verdict,
        origin: &Origin,
        head: Option<Pin>,
        witness: Witness,
        cache: Option<CacheFile>,
    ) -> Option<Self> {
        let pin = head.filter(|_| verdict == Verdict::Verified)?;
        Some(Self {
            origin: origin.clone(),
            pin,
            witness,
            cache,
        })
    }

    /// What becomes of the pin that is there now; `seen` is the one that the run had read.
    pub(crate) fn keep(&self, kept: Option<&Pin>, seen: Option<&Pin>) -> Keep {
        let run = Run {
            ours: self.pin.for_rules(),
            seen: seen.map(Pin::for_rules),
            saw: &|number| self.witness.trail.get(&number).copied(),
            lock: &self.witness.lock,
            end: self.witness.end,
            begun: self.witness.moments.begun,
            ended: self.witness.moments.ended,
            skew_seconds: self.witness.moments.skew_seconds,
        };
        run.keep(kept.map(Pin::for_rules).as_ref())
    }

    /// Leaves out what was to be kept for the next run, where it cannot be kept.
    pub fn forget_cache(&mut self) {
        self.cache = None;
    }

    /// What is kept for the next run, where there is a cache.
    pub const fn cache(&self) -> Option<&CacheFile> {
        self.cache.as_ref()
    }

    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its last segment, as a later run will compare it.
    pub const fn pin(&self) -> &Pin {
        &self.pin
    }
}
