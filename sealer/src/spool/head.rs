//! The end of the log as it was last stored: kept for the life of the log.
//!
//! Whoever can delete from the store can cut off the newest segments, and an honest sealer that believes the store would sign
//! over the gap. So the spool keeps where the log ended. The record is replaced once a segment is stored, and before its
//! finished object is removed from the spool: if we crash in between, the spool has both, and the record is that of the
//! segment before.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::Position;
use serde::{Deserialize, Serialize};

use super::Spool;
use super::file::HEAD;
use super::summed::{format_summed, parse_summed};
use crate::error::{Error, SpoolRecord};
use crate::limits::MAX_RECORD_BYTES;

/// The version of the record.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    head: u64,
    segment: u64,
    size: u64,
    root: Hash,
}

impl Spool {
    /// The end of the log as this spool last stored or found it; `None` in a spool that has never known one.
    ///
    /// # Errors
    ///
    /// Where the record cannot be read, or is not one.
    pub fn stored_head(&self) -> Result<Option<Position>, Error> {
        let Some(text) = self.files.read(HEAD, MAX_RECORD_BYTES)? else {
            return Ok(None);
        };
        let record: Record = parse_summed(SpoolRecord::Head, &self.files.path(HEAD), &text)?;
        Ok(Some(Position {
            segment: record.segment,
            size: record.size,
            root: record.root,
        }))
    }

    /// Keeps where the log ends, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn keep_head(&self, head: Position) -> Result<(), Error> {
        let record = Record {
            head: VERSION,
            segment: head.segment,
            size: head.size,
            root: head.root,
        };
        self.files.replace(HEAD, &format_summed(&record))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_head_is_kept_until_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Spool::open(folder.path(), "log", "w").unwrap();
        assert_eq!(open().stored_head().unwrap(), None);
        let at = |segment| Position {
            segment,
            size: 3,
            root: Hash::from_bytes([7; 32]),
        };
        open().keep_head(at(1)).unwrap();
        open().keep_head(at(2)).unwrap();
        assert_eq!(open().stored_head().unwrap(), Some(at(2)));
        // It counts as used: another log must not take the spool over.
        assert!(Spool::open(folder.path(), "other", "w").is_err());
        let path = folder.path().join(HEAD);
        let changed = fs::read_to_string(&path)
            .unwrap()
            .replace("\"segment\":2", "\"segment\":1");
        for torn in ["", "{}", "{\"head\":1,\"segment\":2}", &changed] {
            fs::write(&path, torn).unwrap();
            assert!(open().stored_head().is_err(), "{torn}");
        }
    }
}
