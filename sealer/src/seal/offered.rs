//! A batch that a sender offers.

use auditlog_chain::builder::{Batch, Source, StoredBatch};

use crate::limits::{ENVELOPE_BYTES, MAX_BATCH_BYTES};
use crate::names::{ContentSum, Fingerprint};
use crate::spool::Accepted;

/// A batch that a sender offers.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Who sends it.
    pub source: Option<&'a Source>,
    /// Its name.
    pub name: Option<&'a Batch>,
    /// What it means that a name is known.
    pub naming: Naming,
    /// Its events, at least one.
    pub events: &'a StoredBatch,
    /// How far the input that it came from was read with it. It is recognised by that, and the log alone has its name.
    pub accepted: Option<&'a Accepted>,
}

/// What it means that the name of a batch is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// No other batch of the sender has the name: this is the batch that was accepted, and is not chained again. Where its events are others,
    /// the sender has given the name again, and the batch is chained and marked.
    #[default]
    Unique,
    /// No other batch has the name, and the ids of its events make it. Their bytes may differ, as where a sender writes the members of an event again
    /// in another order.
    EventIds,
    /// As [`Self::Unique`], of a chunk whose name ends in the hash of its content. One of the same content under another name is chained,
    /// and marked.
    Chunk,
    /// Each batch of the same content has the name, or ends its name in the same hash: the batch is chained again, and marked.
    Content,
    /// The sender may have sent its events before, under whatever name: it is marked.
    Doubtful,
}

/// What the log knows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It is new, and was chained.
    New,
    /// It was accepted before. Nothing was chained.
    Known,
    /// A batch of its content was accepted before, or one of its name so long ago that it may be another one. It was chained, and marked as
    /// a possible repeat.
    Suspected,
    /// Another batch of its name was accepted before. It was chained, and marked as a possible repeat: its sender gives one name to
    /// several batches.
    Reused,
    /// It takes more bytes than a batch may. Nothing was chained.
    TooLarge,
}

impl Offered<'_> {
    pub(super) fn source_bytes(&self) -> &[u8] {
        self.source.map_or(b"", |source| source.as_str().as_bytes())
    }

    pub(super) fn name_bytes(&self) -> &[u8] {
        self.name.map_or(b"", |name| name.as_str().as_bytes())
    }

    /// Bytes of its lines, at most.
    pub(super) fn line_bytes(&self) -> usize {
        let each = self.source_bytes().len().saturating_add(ENVELOPE_BYTES);
        let envelopes = self.events.len().saturating_mul(each);
        let name = self.name_bytes().len();
        envelopes
            .saturating_add(name)
            .saturating_add(self.events.bytes())
    }

    /// Whether a record of the spool has no room for it.
    pub fn is_too_large(&self) -> bool {
        self.line_bytes() > MAX_BATCH_BYTES
    }

    /// The name in the record of the spool.
    pub(super) fn recorded_name(&self) -> &[u8] {
        match self.accepted {
            Some(_) => b"",
            None => self.name_bytes(),
        }
    }

    /// Whether its sender may have sent it under another name that ends in the same hash of its content.
    pub(super) const fn may_have_another_id(&self) -> bool {
        match self.naming {
            Naming::Chunk | Naming::Content => true,
            Naming::Unique | Naming::EventIds | Naming::Doubtful => false,
        }
    }

    /// All that it is remembered by, as [`Fingerprint::all_of`] says; nothing where it is recognised by its input, or has no name.
    pub(super) fn fingerprints(&self) -> Vec<Fingerprint> {
        let (Some(name), None) = (self.name, self.accepted) else {
            return Vec::new();
        };
        let content = ContentSum::of(self.events);
        Fingerprint::all_of(self.source_bytes(), name.as_str().as_bytes(), content).collect()
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::Hash;
    use auditlog_chain::limits::{MAX_INDEX, MAX_NAME_BYTES};
    use auditlog_chain::line::{Body, Entry, Line, Payload, Repeat, format_line_into};
    use auditlog_chain::timestamp::Timestamp;

    use super::*;

    #[test]
    fn no_line_takes_more_than_is_counted_for_it() {
        let name = "n".repeat(MAX_NAME_BYTES);
        let mut line = Vec::new();
        format_line_into(
            &mut line,
            &Line {
                index: MAX_INDEX - 1,
                prev: Hash::from_bytes([0xff; 32]),
                time: Timestamp::EPOCH,
                body: Body::Entry(Entry {
                    source: Some(&name),
                    batch: Some(&name),
                    repeat: Some(Repeat::Suspected),
                    payload: Payload::Base64("\"AAAA\""),
                }),
            },
        );
        let mut events = StoredBatch::default();
        events.push_json(b"\"AAAA\"").unwrap();
        let (source, batch) = (Source::parse(&name), Batch::parse(&name));
        let offered = Offered {
            source: source.as_ref(),
            name: batch.as_ref(),
            naming: Naming::Unique,
            events: &events,
            accepted: None,
        };
        assert!(line.len() < offered.line_bytes(), "{} bytes", line.len());
    }
}
