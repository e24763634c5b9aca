//! What the last batches with a name had in them, so that a sender that gives one name to several batches is found out.
//!
//! Only this process knows it. A repeat that comes after a restart, or after very many other batches, is recognised by its name alone.

use std::collections::{HashMap, VecDeque};

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::line::Payload;

use crate::names::Fingerprint;

/// Batches that are remembered. They take about a MiB.
const MOST: usize = 1 << 14;

/// The sums of the last batches.
pub(super) struct Contents {
    sums: HashMap<Fingerprint, u32>,
    order: VecDeque<Fingerprint>,
    most: usize,
}

impl Contents {
    pub(super) fn new() -> Self {
        Self::of(MOST)
    }

    fn of(most: usize) -> Self {
        Self {
            sums: HashMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    /// Whether the last batch of this name is known, and had other events.
    pub(super) fn is_other(&self, name: &Fingerprint, sum: u32) -> bool {
        self.sums.get(name).is_some_and(|known| *known != sum)
    }

    /// Remembers a batch.
    pub(super) fn insert(&mut self, name: Fingerprint, sum: u32) {
        if self.sums.insert(name, sum).is_some() {
            return;
        }
        self.order.push_back(name);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.sums.remove(&oldest);
        }
    }
}

/// A checksum of events (CRC-32C). It finds mistakes, and nobody is kept from making two batches of one sum.
pub(super) fn sum_of(events: &StoredBatch) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    for event in events.iter() {
        let (kind, text) = match event.as_payload() {
            Payload::Event(text) => (0u8, text),
            Payload::Text(text) => (1, text),
            Payload::Base64(text) => (2, text),
        };
        digest.update(&text.len().to_le_bytes());
        digest.update(&[kind]);
        digest.update(text.as_bytes());
    }
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u8) -> Fingerprint {
        Fingerprint::of(b"sender", &[number])
    }

    #[test]
    fn last_batches_are_known_by_their_sums() {
        let mut contents = Contents::of(2);
        assert!(!contents.is_other(&name(1), 1));
        contents.insert(name(1), 1);
        assert!(!contents.is_other(&name(1), 1));
        assert!(contents.is_other(&name(1), 2));
        // The last one of a name counts.
        contents.insert(name(1), 2);
        assert!(contents.is_other(&name(1), 1) && !contents.is_other(&name(1), 2));
        contents.insert(name(2), 1);
        contents.insert(name(3), 1);
        assert!(!contents.is_other(&name(1), 7), "it is forgotten");
        assert!(contents.is_other(&name(2), 7) && contents.is_other(&name(3), 7));
    }

    #[test]
    fn batches_that_differ_have_other_sums() {
        let sum = |events: &[&str]| {
            let mut batch = StoredBatch::default();
            for event in events {
                batch.push_json(event.as_bytes()).unwrap();
            }
            sum_of(&batch)
        };
        let all = [
            sum(&[]),
            sum(&["1"]),
            sum(&["2"]),
            sum(&["12"]),
            sum(&["1", "2"]),
            sum(&["2", "1"]),
        ];
        let different: std::collections::BTreeSet<u32> = all.into_iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(sum(&["1", "2"]), sum(&["1", "2"]));
    }
}
