//! An evidence pack: one zip with entries, their proofs, the checkpoints, the trust policy, the report of a verification, and a page that explains how
//! to check it all with and without this program.
//!
//! Everything that an auditor must rely on is proved by signatures of keys in the auditor's own copy of the trust policy. The rest (the page, the files
//! for openssl, the list of digests) follows from that, and [`check_pack`] compares it byte for byte. The report alone is the word of whoever made the pack.

mod archive;
mod check;
mod files;
mod page;

use std::collections::BTreeSet;

use auditlog_chain::policy::LogPolicy;

pub use archive::{MAX_PACK_BYTES, is_pack};
#[cfg(any(fuzzing, test))]
pub(crate) use archive::{read, write};
pub use check::{CheckedPack, PackError, check_pack};

use crate::trail::Segment;
use files::Files;

/// Whether the pack holds the whole segments, for those who want to look at an entry where it was stored. They hold other entries too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// It holds them.
    Included,
    /// It does not.
    LeftOut,
}

/// A pack in the making.
pub struct Pack<'a> {
    log: &'a LogPolicy,
    segments: Segments,
    files: Files,
}

impl<'a> Pack<'a> {
    /// A pack of a log without entries.
    pub fn new(log: &'a LogPolicy, segments: Segments) -> Self {
        Self {
            log,
            segments,
            files: Files::default(),
        }
    }

    /// Adds the trust policy as it was read, and the report of a verification.
    pub fn describe(&mut self, policy: &[u8], report_text: &str, report_json: &str) {
        self.files.put("policy.json".to_owned(), policy.to_vec());
        self.files
            .put("report.txt".to_owned(), report_text.as_bytes().to_vec());
        self.files
            .put("report.json".to_owned(), report_json.as_bytes().to_vec());
    }

    /// Adds entries of a segment by their indexes; `None` where one is not in it.
    pub fn add(&mut self, segment: &Segment, indexes: &[u64]) -> Option<()> {
        let proofs = segment.proofs()?;
        let indexes: BTreeSet<u64> = indexes.iter().copied().collect();
        let lines = segment.lines(&indexes);
        if lines.len() < indexes.len() {
            return None;
        }
        for (index, line) in lines {
            let proof = proofs.prove(index)?.format();
            self.files.put(files::entry_name(index), line);
            self.files.put(files::proof_name(index), proof.into_bytes());
        }
        let number = segment.checked().number();
        self.files
            .add_checkpoint(number, segment.checked().signed_checkpoint(), self.log);
        if self.segments == Segments::Included {
            self.files
                .put(files::segment_name(number), segment.object().to_vec());
        }
        Some(())
    }

    /// The zip; `None` where it would be larger than [`MAX_PACK_BYTES`].
    pub fn finish(mut self) -> Option<Vec<u8>> {
        self.files.put_page(self.log);
        self.files.put_digests();
        archive::write(self.files.all())
    }
}
