//! A sum of the events of a batch: with it, another batch of the same name is not taken for a repeat.

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::line::{Body, Payload, parse_line};
use crc_fast::{CrcAlgorithm, Digest};

/// A checksum of events (CRC-32C). It finds mistakes: one of 4,294,967,296 other batches of a name is taken for a repeat, and nobody is kept
/// from making two batches of one sum under a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentSum([u8; Self::BYTES]);

impl ContentSum {
    pub(super) const BYTES: usize = 4;

    /// That of a batch.
    pub fn of(events: &StoredBatch) -> Self {
        let mut summing = Summing::default();
        for event in events.iter() {
            summing.add(event.as_payload());
        }
        summing.end()
    }

    /// That of a batch in its record of the spool. A line that is not an entry counts for nothing.
    pub fn of_lines(lines: &[u8]) -> Self {
        let mut summing = Summing::default();
        for line in lines.split(|byte| *byte == b'\n') {
            if let Ok(Body::Entry(entry)) = parse_line(line).map(|line| line.body) {
                summing.add(entry.payload);
            }
        }
        summing.end()
    }

    pub(super) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// A sum that is being made, event by event.
pub struct Summing(Digest);

impl Default for Summing {
    /// That of no event.
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc32Iscsi))
    }
}

impl Summing {
    /// Adds the next event.
    pub fn add(&mut self, payload: Payload<'_>) {
        let (kind, text) = match payload {
            Payload::Event(text) => (0u8, text),
            Payload::Text(text) => (1, text),
            Payload::Base64(text) => (2, text),
        };
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_le_bytes());
        self.0.update(&[kind]);
        self.0.update(text.as_bytes());
    }

    /// The sum of all that was added.
    pub fn end(self) -> ContentSum {
        let sum = u32::try_from(self.0.finalize()).unwrap_or(u32::MAX);
        ContentSum(sum.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sum(events: &[&str]) -> ContentSum {
        let mut batch = StoredBatch::default();
        for event in events {
            batch.push_json(event.as_bytes()).unwrap();
        }
        ContentSum::of(&batch)
    }

    #[test]
    fn batches_that_differ_have_other_sums() {
        let all = [
            sum(&[]),
            sum(&["1"]),
            sum(&["2"]),
            sum(&["12"]),
            sum(&["1", "2"]),
            sum(&["2", "1"]),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(sum(&["1", "2"]), sum(&["1", "2"]));
    }

    /// It is in files: other versions and other machines must find the same.
    #[test]
    fn sum_is_the_one_that_files_have() {
        assert_eq!(sum(&["1", "{\"a\":2}"]).as_bytes(), &[254, 149, 210, 6]);
    }
}
