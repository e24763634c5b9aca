//! Whether a file has lines of another one, though both its beginning and its end are others.

use std::fs::File;
use std::io;

use memchr::memmem::find;

use super::place::{SEARCHED_BYTES, read_full_at};

/// Samples of a file, and the bytes of each: longer than most lines, so that a time or a number is in it.
const SAMPLES: u64 = 16;
const SAMPLE_BYTES: usize = 256;

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 20;

/// Whether `new` has one of some pieces of the first `bytes` bytes of `old`. Of a large file, the beginning is looked at.
pub(super) fn has_samples_of(new: &File, old: &File, bytes: u64) -> io::Result<bool> {
    let samples = samples(old, bytes)?;
    let (mut at, mut buffer) = (0u64, vec![0; READ_BYTES.saturating_add(SAMPLE_BYTES)]);
    while at < SEARCHED_BYTES {
        let filled = read_full_at(new, &mut buffer, at)?;
        let found = buffer.get(..filled).unwrap_or_default();
        if samples.iter().any(|sample| find(found, sample).is_some()) {
            return Ok(true);
        }
        if filled < buffer.len() {
            break;
        }
        at = at.saturating_add(u64::try_from(READ_BYTES).unwrap_or(u64::MAX));
    }
    Ok(false)
}

/// Pieces at even distances.
fn samples(old: &File, bytes: u64) -> io::Result<Vec<Vec<u8>>> {
    let length = u64::try_from(SAMPLE_BYTES).unwrap_or(u64::MAX);
    let Some(last) = bytes.checked_sub(length) else {
        return Ok(Vec::new());
    };
    let mut samples = Vec::new();
    for number in 0..SAMPLES {
        let at = last.saturating_mul(number).div_euclid(SAMPLES);
        let mut sample = vec![0; SAMPLE_BYTES];
        if read_full_at(old, &mut sample, at)? == SAMPLE_BYTES {
            samples.push(sample);
        }
    }
    Ok(samples)
}
