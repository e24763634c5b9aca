//! What a fuzzer does with `names.log`: it is what was written, with a torn end, or it was changed.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use super::chunk::{Changed, Chunk, chunks, format_chunk};

/// Reads bytes as the file. Whether there are names in it.
pub(crate) fn log(input: &[u8]) -> bool {
    let Ok(found) = chunks(input) else {
        return false;
    };
    let written: Vec<Vec<u8>> = found.iter().map(format).collect();
    let whole = written.concat();
    assert!(
        input.starts_with(&whole),
        "other names are read than written"
    );
    // What is appended behind the whole chunks is read with them, whatever a crash leaves of it.
    let next = format_chunk(1, &[7; 16]);
    for length in 0..=next.len() {
        let torn = [whole.as_slice(), next.get(..length).unwrap_or_default()].concat();
        let expected = found
            .len()
            .saturating_add(usize::from(length == next.len()));
        assert_eq!(chunks(&torn).map(|chunks| chunks.len()), Ok(expected));
    }
    // A byte that is changed before the last chunk is noticed.
    if let [first, _, ..] = found.as_slice() {
        for at in 0..first.bytes() {
            let mut changed = whole.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
            }
            assert_eq!(chunks(&changed).err(), Some(Changed { at: 0 }), "{at}");
        }
    }
    !found.is_empty()
}

fn format(chunk: &Chunk<'_>) -> Vec<u8> {
    format_chunk(u64::try_from(chunk.seconds).unwrap_or(0), chunk.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let chunk = |seconds, names: usize| {
            let body: Vec<u8> = (0..names.saturating_mul(16))
                .map(|at| u8::try_from(at % 251).unwrap())
                .collect();
            format_chunk(seconds, &body)
        };
        let three = [
            chunk(1_700_000_000, 1),
            chunk(1_700_000_001, 3),
            chunk(1_700_000_002, 2),
        ];
        let torn = three.concat();
        vec![
            chunk(0, 1),
            three.concat(),
            torn[..torn.len().saturating_sub(9)].to_vec(),
            [three.concat(), vec![0; 64]].concat(),
        ]
    }

    #[test]
    fn mutated_input_of_names_is_what_was_written_or_was_changed() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), log);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_names_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("names", &seeds(), log);
    }
}
