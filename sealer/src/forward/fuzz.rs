//! What a fuzzer does with a message: any bytes are scanned to an end, refused, or rendered as events that a log accepts.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::{StoredBatch, StoredPayload};
use auditlog_chain::event::EventError;
use auditlog_chain::line::Payload;

use super::handshake::Ping;
use super::render::Rendering;
use super::scan::Scan;
use super::shape::{Entries, Options, Shape, tag_of};
use super::values::Values;

/// Reads bytes as a message and as a handshake. Whether at least one entry was rendered.
pub fn message(input: &[u8]) -> bool {
    _ = Ping::parse(input);
    let end = scanned(input);
    end.is_some_and(|scan| render(input, &scan).is_some_and(|entries| entries > 0))
}

fn scanned(input: &[u8]) -> Option<(u64, Vec<u64>)> {
    let whole = scanned_at_once(input);
    let in_steps = scanned_in_steps(input);
    assert_eq!(whole, in_steps, "the end depends on how the bytes arrive");
    whole
}

fn scanned_at_once(input: &[u8]) -> Option<(u64, Vec<u64>)> {
    let mut scan = Scan::default();
    scan.advance(input).ok()?;
    scan.is_whole()
        .then(|| (scan.at(), scan.elements().to_vec()))
}

fn scanned_in_steps(input: &[u8]) -> Option<(u64, Vec<u64>)> {
    let (mut scan, mut kept) = (Scan::default(), Vec::new());
    for byte in input {
        kept.push(*byte);
        let read = scan.advance(&kept).ok()?;
        kept.drain(..read);
        if scan.is_whole() {
            break;
        }
    }
    scan.is_whole()
        .then(|| (scan.at(), scan.elements().to_vec()))
}

/// The number of entries; `None` where the message is refused.
fn render(input: &[u8], (end, elements): &(u64, Vec<u64>)) -> Option<u64> {
    let part = |from: u64, to: u64| {
        let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        input.get(range)
    };
    let mut scan = Scan::default();
    scan.advance(input).ok()?;
    let second = part(*elements.get(1)?, *end)?;
    let shape = Shape::of(&scan, second).ok()?;
    let tag = tag_of(part(shape.tag.start, shape.tag.end)?).ok()?;
    if let Some(options) = &shape.options {
        let options = Options::parse(part(options.start, options.end)?).ok()?;
        assert_eq!(options.ack().is_some(), options.chunk_id().is_some());
    }
    let mut rendering = Rendering::new(tag);
    match shape.entries {
        Entries::One { time, record } => {
            let (time, record) = (part(time.start, time.end)?, part(record.start, record.end)?);
            accepted(rendering.pair(time, record).ok()?);
            Some(1)
        }
        Entries::Row(range) => {
            let mut values = Values::new(part(range.start, range.end)?);
            let mut count = 0u64;
            while let Some(value) = values.next_value().ok()? {
                accepted(rendering.entry(value).ok()?);
                count = count.saturating_add(1);
            }
            Some(count)
        }
    }
}

/// What was rendered is an event, unless it is too long or too deep for one.
fn accepted(json: &str) {
    let is_sized = StoredBatch::default().push_rendered(json).is_ok();
    match StoredPayload::event(json.as_bytes()) {
        Ok(stored) => {
            assert!(is_sized);
            assert_eq!(stored.as_payload(), Payload::Event(json));
        }
        Err(EventError::TooLong { .. } | EventError::TooDeep) => assert!(!is_sized),
        // The parser's own depth is that of an event.
        Err(EventError::NotJson { reason, .. }) if reason.contains("recursion") => {
            assert!(!is_sized);
        }
        Err(error) => unreachable!("{error}: {json}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let time = b"\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15";
        let record = b"\x86\xa1a\x01\xa1b\xcb\x3f\xf8\0\0\0\0\0\0\xa1c\xc4\x02\xff\x00\xa1d\x93\xc0\xc3\xe0\x05\xd4\x07\x01\xa1e\xcf\xff\xff\xff\xff\xff\xff\xff\xff";
        let entry = [&b"\x92"[..], time, record].concat();
        let metadata = [&b"\x92\x92"[..], time, b"\x81\xa1m\x80", record].concat();
        let options =
            b"\x83\xa4size\x02\xa5chunk\xd9\x19ZkhLd1JmS3dSZkt3UmZLdw==\n\xaacompressed\xa4text";
        let row = [entry.as_slice(), &metadata].concat();
        let length = u8::try_from(row.len()).unwrap();
        vec![
            [&b"\x93\xa3app"[..], time, record].concat(),
            [&b"\x94\xa3app"[..], time, record, options].concat(),
            [&b"\x93\xa3app\x92"[..], &row, options].concat(),
            [&b"\x93\xa3app\xd9"[..], &[length], &row, options].concat(),
            [&b"\x92\xa3app\xc4"[..], &[length], &row].concat(),
        ]
    }

    #[test]
    fn mutated_input_of_forward_is_refused_or_rendered_as_events() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), message);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_forward_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("forward", &seeds(), message);
    }
}
