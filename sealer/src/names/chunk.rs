//! The chunks of `names.log`.
//!
//! A chunk is: number of names (4 bytes), CRC-32C of all that follows (4), seconds since 1970 (8), and 16 bytes for each name. Numbers are
//! little-endian.
//!
//! A crash leaves the last chunk torn, and nothing behind it: a chunk is appended once the one before it is synced. So a chunk that is not
//! whole and has a whole one behind it was changed, which is an error. What is not whole at the end was never relied on.

use super::fingerprint::Fingerprint;

const HEADER_BYTES: usize = 16;

/// Later than any time of a log. A look for a chunk among other bytes need not sum up what cannot be one.
const MAX_SECONDS: i64 = 1 << 38;

/// A whole chunk.
pub(super) struct Chunk<'b> {
    pub(super) seconds: i64,
    pub(super) body: &'b [u8],
}

impl<'b> Chunk<'b> {
    /// The first one; `None` where it is not whole.
    fn first(bytes: &'b [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (count, header) = header.split_first_chunk::<4>()?;
        let (sum, seconds) = header.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let body = rest.get(..count.checked_mul(Fingerprint::BYTES)?)?;
        let at = i64::try_from(u64::from_le_bytes(*seconds.first_chunk()?)).ok()?;
        if count == 0 || at > MAX_SECONDS || sum_of(seconds, body) != u32::from_le_bytes(*sum) {
            return None;
        }
        Some(Self { seconds: at, body })
    }

    pub(super) const fn bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.body.len())
    }
}

/// The chunks were changed after they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// Bytes of the whole chunks before that.
    pub(super) at: usize,
}

/// The whole chunks at the beginning. What is not whole at the end was never relied on.
pub(super) fn chunks(bytes: &[u8]) -> Result<Vec<Chunk<'_>>, Changed> {
    let (mut chunks, mut rest) = (Vec::new(), bytes);
    while let Some(chunk) = Chunk::first(rest) {
        rest = rest.get(chunk.bytes()..).unwrap_or_default();
        chunks.push(chunk);
    }
    if has_chunk_behind(rest) {
        let at = bytes.len().saturating_sub(rest.len());
        return Err(Changed { at });
    }
    Ok(chunks)
}

/// Writes a chunk of names that were added at this time.
pub(super) fn format_chunk(seconds: u64, body: &[u8]) -> Vec<u8> {
    let count = body.len().div_euclid(Fingerprint::BYTES);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let seconds = seconds.to_le_bytes();
    let mut chunk = count.to_le_bytes().to_vec();
    chunk.extend(sum_of(&seconds, body).to_le_bytes());
    chunk.extend(seconds);
    chunk.extend(body);
    chunk
}

/// Whether a whole chunk follows somewhere. Each begins at a multiple of its header's length, and so of a name's.
fn has_chunk_behind(bytes: &[u8]) -> bool {
    let places = (0..bytes.len()).step_by(HEADER_BYTES).skip(1);
    let mut behind = places.filter_map(|at| bytes.get(at..));
    behind.any(|rest| Chunk::first(rest).is_some())
}

fn sum_of(seconds: &[u8], body: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(seconds);
    digest.update(body);
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}
