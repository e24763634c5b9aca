//! What a fuzzer does with a compressed body: no more comes out than may, and the same however it is read.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use std::io::Read;

use super::{Encoding, UnpackError, Unpacked, unpack};

/// Bytes that may come out.
const LIMIT: usize = 1 << 16;

/// Reads the first byte as the encoding, and what follows as the body. Whether it was accepted.
pub(crate) fn body(input: &[u8]) -> bool {
    let Some((&kind, body)) = input.split_first() else {
        return false;
    };
    let encoding = match kind % 3 {
        0 => Encoding::Identity,
        1 => Encoding::Gzip,
        _ => Encoding::Zstd,
    };
    let steps = [1, 7].map(|step| in_steps(encoding, body, step));
    match unpack(encoding, body, LIMIT) {
        Ok(unpacked) => {
            assert!(unpacked.len() <= LIMIT);
            assert!(
                steps
                    .iter()
                    .all(|found| found.as_deref() == Some(&*unpacked))
            );
            true
        }
        Err(UnpackError::TooLarge { limit }) => {
            assert_eq!(limit, LIMIT);
            assert!(steps.iter().flatten().all(|found| found.len() > LIMIT));
            false
        }
        Err(UnpackError::Malformed(_)) => {
            assert_eq!(steps, [None, None]);
            false
        }
    }
}

/// What comes out, a few bytes at a time, and a little more than may; `None` where it is malformed before that.
fn in_steps(encoding: Encoding, body: &[u8], step: usize) -> Option<Vec<u8>> {
    let mut unpacked = Unpacked::new(encoding, body).ok()?;
    let (mut all, mut part) = (Vec::new(), vec![0; step]);
    while all.len() <= LIMIT {
        let read = unpacked.read(&mut part).ok()?;
        if read == 0 {
            break;
        }
        all.extend_from_slice(part.get(..read)?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let events = b"{\"id\":1,\"kind\":\"login\"}\n{\"id\":2,\"kind\":\"login\"}\n";
        // Stored and not packed, so that a changed byte is often still gzip.
        let gzip = [flate2::Compression::none(), flate2::Compression::best()].map(|level| {
            let mut gzip = flate2::write::GzEncoder::new(vec![1], level);
            gzip.write_all(events).unwrap();
            gzip.finish().unwrap()
        });
        let zstd = zstd::bulk::compress(events, 1).unwrap();
        let many = zstd::bulk::compress(&vec![b'x'; 40_000], 1).unwrap();
        let frames = [b"\x02".as_slice(), &zstd, &many].concat();
        let plain = [b"\x00".as_slice(), events].concat();
        let alone = [b"\x02".as_slice(), &zstd].concat();
        Vec::from(gzip)
            .into_iter()
            .chain([alone, frames, plain])
            .collect()
    }

    #[test]
    fn mutated_input_of_a_compressed_body_is_refused_or_the_same_in_steps() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), body);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_a_compressed_body_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("unpack", &seeds(), body);
    }
}
