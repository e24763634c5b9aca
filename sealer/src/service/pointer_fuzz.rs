//! What a fuzzer does with a JSON Pointer and an event: it finds what everyday readers find, as it is written.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use serde_json::Value;

use super::pointer::value_at;

/// Reads the first line as the pointer, and what follows as the event. Whether there is a value.
pub(crate) fn pointer(input: &[u8]) -> bool {
    let Some((pointer, event)) = std::str::from_utf8(input)
        .ok()
        .and_then(|text| text.split_once('\n'))
    else {
        return false;
    };
    let found = value_at(event, pointer);
    if let Ok(parsed) = serde_json::from_str::<Value>(event) {
        let found = found.map(serde_json::from_str::<Value>);
        let found = found.map(|value| value.unwrap_or_else(|error| unreachable!("{error}")));
        assert_eq!(
            found.as_ref(),
            parsed.pointer(pointer),
            "{pointer} in {event}"
        );
    }
    found.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        [
            "/kind\n{\"id\":1,\"kind\":\"order\",\"kind\":\"pay\"}",
            "/a/0/b~1c~0d\n{\"a\":[{\"b/c~d\":[1e3,true]},2]}",
            "\n[null]",
            "/\n{\"\":{\"\\u0061\":\"\\ud83d\\ude00\"}}",
            "/10\n[0,1,2,3,4,5,6,7,8,9,-1.5]",
        ]
        .map(|seed| seed.as_bytes().to_vec())
        .to_vec()
    }

    #[test]
    fn mutated_input_of_a_pointer_finds_what_everyday_readers_find() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), pointer);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_a_pointer_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("pointer", &seeds(), pointer);
    }
}
