//! A batch that a sender offers.

use auditlog_chain::builder::{Batch, Source, StoredBatch};

use crate::names::Fingerprint;

/// A batch that a sender offers.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Who sends it.
    pub source: Option<&'a Source>,
    /// Its name, which no other batch of this sender has.
    pub name: Option<&'a Batch>,
    /// Its events, at least one.
    pub events: &'a StoredBatch,
}

/// What the log knows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It is new, and was chained.
    New,
    /// A batch of its name was accepted before. Nothing was chained.
    Known,
}

impl Offered<'_> {
    pub(super) fn source_bytes(&self) -> &[u8] {
        self.source.map_or(b"", |source| source.as_str().as_bytes())
    }

    pub(super) fn name_bytes(&self) -> &[u8] {
        self.name.map_or(b"", |name| name.as_str().as_bytes())
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.name
            .map(|_| Fingerprint::of(self.source_bytes(), self.name_bytes()))
    }
}
