//! What a fuzzer does with the bytes of a followed file: all of them are in the events, in their order, however they arrive.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::event::check_event;
use auditlog_chain::line::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lines::{End, take};
use super::place::Place;

/// Bytes of the shortest event that any bytes can be kept in: one character, as it is escaped, and quotes.
const LEAST: usize = 26;

/// Reads the first byte as how long an event may be, and what follows as the file. Whether there is an event.
pub(crate) fn file(input: &[u8]) -> bool {
    let Some((&most, bytes)) = input.split_first() else {
        return false;
    };
    let most = LEAST.saturating_add(usize::from(most).saturating_mul(4));
    let whole = texts(&[bytes], most);
    let halves = bytes.split_at(bytes.len().div_euclid(2));
    let steps: Vec<&[u8]> = bytes.chunks(7).collect();
    assert_eq!(texts(&[halves.0, halves.1], most), whole);
    assert_eq!(texts(&steps, most), whole);
    assert_eq!(dense(&whole.concat()), dense(bytes), "bytes are lost");
    !whole.is_empty()
}

/// The events of a file that grows by these parts.
fn texts(parts: &[&[u8]], most: usize) -> Vec<Vec<u8>> {
    let (mut place, mut waiting, mut all) = (Place::default(), Vec::new(), Vec::new());
    for part in parts {
        waiting.extend_from_slice(part);
        take_all(&mut place, &mut waiting, End::Open, most, &mut all);
    }
    take_all(&mut place, &mut waiting, End::Closed, most, &mut all);
    assert!(waiting.is_empty(), "a file that is closed is taken whole");
    all
}

/// Takes what can be taken, and keeps the rest.
fn take_all(
    place: &mut Place,
    waiting: &mut Vec<u8>,
    end: End,
    most: usize,
    all: &mut Vec<Vec<u8>>,
) {
    loop {
        let taken = take(waiting, place, end, most);
        let bytes = taken.after.bytes().saturating_sub(place.bytes());
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        assert!(bytes <= waiting.len(), "more is taken than is there");
        all.extend(events(&taken.events, most));
        *place = taken.after;
        waiting.drain(..bytes);
        if bytes == 0 {
            return;
        }
    }
}

/// The bytes of each event, which a log accepts.
fn events(events: &StoredBatch, most: usize) -> Vec<Vec<u8>> {
    let bytes = |payload: Payload<'_>| match payload {
        Payload::Event(text) => {
            assert_eq!(check_event(text), Ok(()));
            text.as_bytes().to_vec()
        }
        Payload::Text(text) => match serde_json::from_str::<String>(text) {
            Ok(text) => text.into_bytes(),
            Err(error) => unreachable!("{error}: {text}"),
        },
        Payload::Base64(text) => match STANDARD.decode(text.trim_matches('"')) {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("{error}: {text}"),
        },
    };
    let sizes = events.iter().map(|payload| payload.size());
    assert!(sizes.max().unwrap_or(0) <= most, "an event is too long");
    let payloads = events.iter();
    payloads
        .map(|payload| bytes(payload.as_payload()))
        .collect()
}

/// Without the white space that lines are divided by, and that is passed over.
fn dense(bytes: &[u8]) -> Vec<u8> {
    let mut dense = bytes.to_vec();
    dense.retain(|byte| !b" \t\r\n".contains(byte));
    dense
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        [
            b"\xff{\"id\":1}\n{\"id\":2,\"text\":\"\xc3\xbc\"}\r\n\n".as_slice(),
            b"\x00a line that is longer than an event may be: \xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\nb\n",
            b"\x10\xff\xfe not text\n[1, 2,\t3]\n\"text\"\nwithout an end",
            b"\x01\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\n\xc3\n\xa9\n",
        ]
        .map(<[u8]>::to_vec)
        .to_vec()
    }

    #[test]
    fn mutated_input_of_a_followed_file_is_in_its_events() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), file);
        assert!(
            accepted > rounds / 2,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_a_followed_file_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("lines", &seeds(), file);
    }
}
