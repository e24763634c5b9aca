//! The file of one log: canonical JSON.

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::block::Block;
use crate::parts::document::{read, write};
use crate::rules::RULES;

/// The one version of the document that this program knows.
const CACHE_VERSION: u64 = 1;

/// What is kept of one log.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    #[serde(rename = "cache")]
    version: u64,
    rules: u64,
    log: Origin,
    /// When the listing ended that it is of: a run that is judged by an earlier moment does not use it.
    judged: Timestamp,
    /// Number of segments of a block.
    pub(super) size: u64,
    pub(super) blocks: Vec<Block>,
}

impl Document {
    pub(super) fn new(log: Origin, judged: Timestamp, size: u64, blocks: Vec<Block>) -> Self {
        Self {
            version: CACHE_VERSION,
            rules: RULES,
            log,
            judged,
            size,
            blocks,
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads what the pins name; `None` where it is something else, of another log, other rules or a later moment.
    pub(crate) fn read(bytes: &[u8], digest: Hash, log: &Origin, ended: Timestamp) -> Option<Self> {
        if Hash::of(bytes) != digest {
            return None;
        }
        let document: Self = read("the cache", bytes).ok()?;
        let is_known = (document.version, document.rules) == (CACHE_VERSION, RULES);
        let is_usable = is_known && document.log == *log && document.judged <= ended;
        is_usable.then_some(document)
    }
}
