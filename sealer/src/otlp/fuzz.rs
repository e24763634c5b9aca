//! What a fuzzer does with a request of OTLP: any bytes are refused, or are records that a log accepts.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::{StoredBatch, StoredPayload};
use auditlog_chain::event::EventError;
use auditlog_chain::line::Payload;

use super::{records_of_json, records_of_protobuf};

/// Records of one request. Stops a resource that comes with each of very many records.
const MOST: usize = 1000;

/// Reads bytes in both forms. Whether at least one record was read.
pub fn request(input: &[u8]) -> bool {
    let of_json = records(|take| records_of_json(input, take).is_ok());
    let of_protobuf = records(|take| {
        records_of_protobuf(input, |record| {
            rendered(record);
            take(record.as_bytes())
        })
        .is_ok()
    });
    of_json || of_protobuf
}

type Take<'t> = &'t mut dyn FnMut(&[u8]) -> Result<(), ()>;

fn records(read: impl FnOnce(Take<'_>) -> bool) -> bool {
    let mut count = 0usize;
    let read = read(&mut |event| {
        count = count.saturating_add(1);
        accepted(event);
        if count < MOST { Ok(()) } else { Err(()) }
    });
    read && count > 0
}

/// What we have written ourselves is taken without another look, and is what a look at it would have taken.
fn rendered(record: &str) {
    let is_taken = StoredBatch::default().push_rendered(record).is_ok();
    match StoredPayload::event(record.as_bytes()) {
        Ok(stored) => {
            assert!(is_taken);
            assert_eq!(stored.as_payload(), Payload::Event(record));
        }
        Err(_) => assert!(!is_taken, "{record}"),
    }
}

/// What was written is an event, unless it is too long or too deep for one, or has something in JSON that everyday readers stop at.
fn accepted(event: &[u8]) {
    match StoredPayload::json(event) {
        Ok(_)
        | Err(EventError::TooLong { .. } | EventError::TooLongAs { .. } | EventError::TooDeep) => {}
        Err(EventError::NotJson { reason, .. }) if reason.contains("recursion") => {}
        Err(error) => unreachable!("{error}: {}", String::from_utf8_lossy(event)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let record = b"\x09\x15\xcd\x5b\x07\0\0\0\0\x10\x09\x1a\x04INFO\x2a\x03\x0a\x01a\x32\x07\x0a\x01k\x12\x02\x18\x01\x4a\x02\xab\xcd";
        let field = |number: u8, bytes: &[u8]| {
            let length = u8::try_from(bytes.len()).unwrap();
            [&[(number << 3) | 2, length], bytes].concat()
        };
        let resource = field(1, &field(1, b"\x0a\x01s\x12\x03\x0a\x01v"));
        let scope = field(2, &[field(1, &field(1, b"lib")), field(2, record)].concat());
        let json = br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"a"}]},"scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1"}]}]}]}"#;
        vec![field(1, &[resource, scope].concat()), json.to_vec()]
    }

    #[test]
    fn mutated_input_of_otlp_is_refused_or_has_records_that_are_events() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), request);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_otlp_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("otlp", &seeds(), request);
    }
}
