//! What a fuzzer does with the bytes of a connection: they are the same items however they arrive, or refused.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::StoredPayload;

use super::malformed::Malformed;
use super::reader::{Item, Reader};

/// Reads bytes as those of a connection. Whether at least one event was in them.
pub fn connection(input: &[u8]) -> bool {
    let whole = items(input, input.len().max(1));
    let in_steps = items(input, 7);
    must_agree(&whole, &in_steps);
    whole.0 > 0
}

/// What arrives at once is refused before its beginning is given.
fn must_agree(whole: &Items, in_steps: &Items) {
    let is_refused = whole.2.is_some();
    assert_eq!(is_refused, in_steps.2.is_some());
    let (short, long) = (&whole.1, &in_steps.1);
    let is_same = if is_refused {
        long.starts_with(short)
    } else {
        short == long
    };
    assert!(is_same, "the items depend on how the bytes arrive");
}

/// How many events there are, all items, and why the rest is refused.
type Items = (u64, Vec<String>, Option<Malformed>);

fn items(input: &[u8], step: usize) -> Items {
    let (mut reader, mut events, mut all) = (Reader::default(), 0u64, Vec::new());
    for part in input.chunks(step) {
        reader.push(part);
        loop {
            match reader.next_item() {
                Ok(None) => break,
                Ok(Some(item)) => {
                    events = events.saturating_add(u64::from(is_event(&item)));
                    all.push(format!("{item:?}"));
                }
                Err(refused) => return (events, all, Some(refused)),
            }
        }
    }
    (events, all, None)
}

fn is_event(item: &Item<'_>) -> bool {
    match item {
        Item::Event { json, .. } => StoredPayload::json(json).is_ok(),
        Item::Window { .. } | Item::End | Item::Full => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let json = b"2J\0\0\0\x01\0\0\0\x2c{\"@metadata\":{\"_id\":\"a1\"},\"message\":\"login\"}";
        let old = b"1D\0\0\0\x01\0\0\0\x02\0\0\0\x04line\0\0\0\x03a\xffb\0\0\0\x04host\0\0\0\x01h";
        // Stored and not packed, so that a changed byte is often still zlib.
        let zlib = |bytes: &[u8], level| {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
            zlib.write_all(bytes).unwrap();
            let zlib = zlib.finish().unwrap();
            let length = u32::try_from(zlib.len()).unwrap().to_be_bytes();
            [b"2C".as_slice(), &length, &zlib].concat()
        };
        let row = [json.as_slice(), old, json].concat();
        vec![
            [b"2W\0\0\0\x01".as_slice(), json].concat(),
            [b"1W\0\0\0\x02".as_slice(), old, old].concat(),
            [
                b"2W\0\0\0\x03".as_slice(),
                &zlib(&row, flate2::Compression::fast()),
            ]
            .concat(),
            zlib(&row, flate2::Compression::none()),
        ]
    }

    #[test]
    fn mutated_input_of_lumberjack_is_refused_or_read_as_events() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), connection);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_lumberjack_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("lumberjack", &seeds(), connection);
    }
}
