//! The text of an inclusion proof: [C2SP tlog-proof](https://c2sp.org/tlog-proof), version 1.

use std::fmt::Write as _;

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::hash::Hash;
use auditlog_chain::limits::MAX_INDEX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::note;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Largest proof, in bytes: 53 hashes and the signatures of a hundred witnesses fit. Stops a file that is all padding.
pub const MAX_PROOF_BYTES: usize = 1 << 20;

/// Most hashes in a proof: a tree with 2^53 leaves is 53 levels high.
const MAX_HASHES: usize = 53;

/// The extension of a proof's file.
pub const EXTENSION: &str = "tlog-proof";

/// An inclusion proof: where the leaf is, the hashes on its way up, and the signed root. Not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Index of the leaf.
    pub index: u64,
    /// The hashes, the leaf's sibling first.
    pub hashes: Vec<Hash>,
    /// The checkpoint, with the signatures under the log's own name.
    pub signed: SignedCheckpoint,
}

impl TlogProof {
    /// The text, as C2SP tools take it.
    pub fn format(&self) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            // Writing into a string does not fail.
            _ = writeln!(text, "{}", hash.to_base64());
        }
        text.push('\n');
        text.push_str(&self.signed.note());
        text
    }

    /// Parses the text; `None` where it is not a proof.
    ///
    /// Extra data is passed over, since nothing authenticates it, and so are the signatures of others than the log.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() <= MAX_PROOF_BYTES)?;
        let mut rest = text.strip_prefix(HEADER)?.strip_prefix('\n')?;
        if let Some(extra) = rest.strip_prefix("extra ") {
            let (extra, after) = extra.split_once('\n')?;
            STANDARD.decode(extra).ok()?;
            rest = after;
        }
        let (index, mut rest) = rest.strip_prefix("index ")?.split_once('\n')?;
        let index = number(index)?;
        let mut hashes = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n')?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if hashes.len() >= MAX_HASHES {
                return None;
            }
            hashes.push(Hash::parse_base64(line)?);
        }
        let signed = note::parse(rest)?;
        Some(Self {
            index,
            hashes,
            signed,
        })
    }
}

/// A decimal without leading zeros, below 2^53.
fn number(text: &str) -> Option<u64> {
    let number = text.parse().ok().filter(|number| *number < MAX_INDEX)?;
    (u64::to_string(&number) == text).then_some(number)
}
