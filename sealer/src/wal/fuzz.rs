//! What a fuzzer does with a write-ahead file: any bytes are read to an end or refused, and a writer can go on behind the end.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use std::io::Cursor;

use super::record::{Batch, Encoder, Header, Opening, Record};
use super::{HEADER_BYTES, ReadError, Reader, Tail};

/// Reads bytes as they are, and once more with the sums that they should have, so that what is behind a sum is tried too.
pub fn file(input: &[u8]) -> bool {
    let as_it_is = goes_on(input);
    goes_on(&summed(input)) || as_it_is
}

/// The number of batches, and the end; `None` where the bytes are refused.
fn read(bytes: &[u8]) -> Option<(u64, Tail)> {
    let mut reader = Reader::new(Cursor::new(bytes)).ok()?;
    let mut batches = 0u64;
    loop {
        match reader.next_record() {
            Ok(Some(Record::Batch(batch))) => {
                assert!(
                    batch.count > 0 && batch.lines.ends_with(b"\n"),
                    "half a batch"
                );
                batches = batches.saturating_add(1);
            }
            Ok(Some(Record::Opening(_) | Record::Close(_))) => {}
            Ok(None) => return Some((batches, reader.tail())),
            Err(ReadError::Fault(fault)) => {
                assert!(!fault.to_string().is_empty());
                return None;
            }
            Err(ReadError::Io(error)) => unreachable!("memory is always there: {error}"),
        }
    }
}

/// Where the bytes are accepted, those behind the whole records do not count, and a writer goes on there.
fn goes_on(input: &[u8]) -> bool {
    let Some((batches, tail)) = read(input) else {
        return false;
    };
    let whole = usize::try_from(tail.whole).unwrap_or(usize::MAX);
    let kept = input.get(..whole).unwrap_or_default();
    if tail.closed {
        assert_eq!(read(kept), Some((batches, tail)), "the end moves");
        return true;
    }
    let mut written = kept.to_vec();
    let mut encoder = Encoder::after(tail.file, tail.next_group);
    if whole == 0 {
        encoder = Encoder::new(1);
        encoder.opening(&Opening {
            segment: 1,
            origin: "o",
            lines: b"{}\n",
        });
        written.extend_from_slice(encoder.group());
        encoder.synced();
    }
    encoder.batch(&Batch {
        name: b"",
        source: b"",
        note: b"",
        count: 1,
        lines: b"{}\n",
    });
    written.extend_from_slice(encoder.group());
    let again = read(&written).map(|(batches, _)| batches);
    assert_eq!(again, batches.checked_add(1), "a writer cannot go on");
    whole > 0
}

/// The same bytes with a right sum in each record.
fn summed(input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let mut at = 0usize;
    while let Some((header, rest)) = bytes
        .get(at..)
        .and_then(<[u8]>::split_first_chunk::<HEADER_BYTES>)
    {
        let length = usize::try_from(Header::parse(header).length).unwrap_or(usize::MAX);
        let Some(body) = rest.get(..length) else {
            break;
        };
        let sum = Header::sum_of(header, body).to_le_bytes();
        let begin = at.saturating_add(4);
        if let Some(place) = bytes.get_mut(begin..begin.saturating_add(sum.len())) {
            place.copy_from_slice(&sum);
        }
        at = at.saturating_add(HEADER_BYTES).saturating_add(length);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::Close;
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(7);
        let mut all = Vec::new();
        let mut seeds = Vec::new();
        encoder.opening(&Opening {
            segment: 42,
            origin: "acme.example/audit/payments",
            lines: b"{\"format\":1}\n",
        });
        for group in 0..3u8 {
            all.extend_from_slice(encoder.group());
            encoder.synced();
            seeds.push(all.clone());
            for name in 0..=group {
                encoder.batch(&Batch {
                    name: &[b'a'.saturating_add(name)],
                    source: b"ada",
                    note: b"{}",
                    count: 2,
                    lines: b"{1}\n{2}\n",
                });
            }
        }
        all.extend_from_slice(encoder.group());
        encoder.synced();
        encoder.close(&Close { line: b"{}\n" });
        all.extend_from_slice(encoder.group());
        seeds.push(all);
        seeds
    }

    #[test]
    fn mutated_input_is_refused_or_a_writer_goes_on_behind_it() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), file);
        assert!(accepted > 0, "nothing of {rounds} was accepted");
    }

    #[test]
    fn every_seed_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("wal", &seeds(), file);
    }
}
