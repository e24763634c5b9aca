//! Zstandard frames, each checked to be of the one kind that a segment may hold (F3).
//!
//! RFC 8878 leaves a writer many ways to frame the same bytes. Here a frame has a single segment (so its window is its
//! content, and no byte says anything about a window), its content size, a checksum, and no dictionary; skippable frames
//! and bytes after the last frame are refused, since other readers would pass over what hides in them.
//!
//! A compressed block can be changed so that it still gives the same bytes (another match at the same distance, another
//! table for symbols that do not occur). So the close line carries the hash of all frames before its own, and its own frame
//! is stored and not compressed: every byte of an object is under the signature, is the signature, or can only have one
//! value.

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, DParameter};

use crate::fault::Fault;
use crate::hash::Hash;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAMES, MAX_SEGMENT_BYTES};

/// The four bytes that a zstd frame begins with.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Frame header descriptor: single segment and checksum set, reserved and unused bits and the dictionary flag clear.
const DESCRIPTOR: u8 = 0b0010_0100;
const DESCRIPTOR_MASK: u8 = 0b0011_1111;
/// log2 of the largest window: [`MAX_FRAME_BYTES`].
const WINDOW_LOG: u32 = 22;

/// How hard zstd tries to make frames small, from 1 to 9. No reader needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(i32);

impl Level {
    /// The level with this number.
    pub fn new(number: u8) -> Option<Self> {
        (1..=9).contains(&number).then(|| Self(number.into()))
    }

    /// All of them, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=9).map(Self)
    }
}

/// Lines of JSON are not only compressed and inflated fastest at level 1: they also become smaller than at 2 to 4, as half of the compressed bytes are
/// hashes, in which a search finds nothing.
impl Default for Level {
    fn default() -> Self {
        Self(1)
    }
}

/// Compresses one frame's content.
pub(crate) struct Compressor(CCtx<'static>);

impl Compressor {
    pub(crate) fn new(Level(level): Level) -> Self {
        let mut context = CCtx::create();
        // With the window as large as the largest frame, every frame has a single segment.
        for parameter in [
            CParameter::CompressionLevel(level),
            CParameter::WindowLog(WINDOW_LOG),
            CParameter::ChecksumFlag(true),
            CParameter::ContentSizeFlag(true),
            CParameter::DictIdFlag(false),
        ] {
            // These parameters and values are fixed and within zstd's bounds; a failure would show in the first test.
            let set = context.set_parameter(parameter);
            debug_assert!(set.is_ok(), "zstd refused a fixed parameter");
        }
        Self(context)
    }

    /// One frame around `content`; `None` where it is empty or larger than [`MAX_FRAME_BYTES`], or zstd has no memory.
    pub(crate) fn frame(&mut self, content: &[u8]) -> Option<Vec<u8>> {
        if content.is_empty() || content.len() > MAX_FRAME_BYTES {
            return None;
        }
        let mut frame = Vec::with_capacity(zstd_safe::compress_bound(content.len()));
        self.0.compress2(&mut frame, content).ok()?;
        Some(frame)
    }
}

/// Bytes of the largest zstd block (RFC 8878 section 3.1.1.2.4).
const MAX_BLOCK_BYTES: usize = 128 << 10;
/// Bytes of a frame's checksum.
const CHECKSUM_BYTES: usize = 4;

impl Compressor {
    /// One frame around `content` in raw blocks: the only form that the last frame of a segment may have.
    pub(crate) fn stored_frame(&mut self, content: &[u8]) -> Option<Vec<u8>> {
        // The checksum is over the content alone, so that of the compressed frame is that of the stored one.
        let compressed = self.frame(content)?;
        let (_, checksum) = compressed.split_last_chunk::<CHECKSUM_BYTES>()?;
        stored_frame(content, *checksum)
    }
}

/// The one stored form of `content`: all blocks full but the last, the content size in four bytes.
fn stored_frame(content: &[u8], checksum: [u8; CHECKSUM_BYTES]) -> Option<Vec<u8>> {
    const CONTENT_SIZE_IN_FOUR_BYTES: u8 = 0b1000_0000;
    let mut frame = MAGIC.to_vec();
    frame.push(DESCRIPTOR | CONTENT_SIZE_IN_FOUR_BYTES);
    frame.extend(u32::try_from(content.len()).ok()?.to_le_bytes());
    let mut blocks = content.chunks(MAX_BLOCK_BYTES).peekable();
    while let Some(block) = blocks.next() {
        // Three bytes, little-endian: bit 0 says that it is the last, bits 1 and 2 are zero for a raw block.
        let last = u32::from(blocks.peek().is_none());
        let header = u32::try_from(block.len()).ok()?.checked_shl(3)? | last;
        frame.extend(header.to_le_bytes().iter().take(3));
        frame.extend(block);
    }
    frame.extend(checksum);
    Some(frame)
}

/// Takes the frames of an object one by one, in bounded memory.
pub(crate) struct Frames<'a> {
    object: &'a [u8],
    rest: &'a [u8],
    context: DCtx<'static>,
    content: Vec<u8>,
    taken: usize,
    total: usize,
    last: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(crate) fn new(object: &'a [u8]) -> Self {
        let mut context = DCtx::create();
        let set = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG));
        debug_assert!(set.is_ok(), "zstd refused a fixed parameter");
        Self {
            object,
            rest: object,
            context,
            content: Vec::new(),
            taken: 0,
            total: 0,
            last: &[],
        }
    }

    /// Number of frames taken.
    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// Whether nothing follows.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// SHA-256 of all bytes of the object before the frame that was taken last.
    pub(crate) fn hash_before_last(&self) -> Hash {
        Hash::of(self.object.get(..self.last_at()).unwrap_or_default())
    }

    /// Checks that the frame that was taken last is stored in its one form.
    pub(crate) fn last_is_stored(&self) -> Result<(), Fault> {
        let checksum = self.last.last_chunk::<CHECKSUM_BYTES>();
        let stored = checksum.and_then(|checksum| stored_frame(&self.content, *checksum));
        if stored.as_deref() == Some(self.last) {
            return Ok(());
        }
        let at = self.last_at();
        let frame = self.taken.saturating_sub(1);
        let expected = "the last frame in raw blocks, all full but the last";
        Err(Fault::FrameForm {
            frame,
            at,
            expected,
            found: "another form".to_owned(),
        })
    }

    /// Where the frame begins that was taken last.
    const fn last_at(&self) -> usize {
        let taken = self.object.len().saturating_sub(self.rest.len());
        taken.saturating_sub(self.last.len())
    }

    fn form(&self, expected: &'static str, found: &[u8]) -> Fault {
        let at = self.object.len().saturating_sub(self.rest.len());
        Fault::FrameForm {
            frame: self.taken,
            at,
            expected,
            found: hex::encode(found),
        }
    }

    fn corrupt(&self, code: usize) -> Fault {
        let at = self.object.len().saturating_sub(self.rest.len());
        Fault::FrameCorrupt {
            frame: self.taken,
            at,
            reason: zstd_safe::get_error_name(code),
        }
    }

    /// The content of the next frame: not empty, ended by LF.
    pub(crate) fn next_frame(&mut self) -> Result<&[u8], Fault> {
        let limit = |what, limit: usize, found: usize| Err(Fault::Limit { what, limit, found });
        if self.taken >= MAX_FRAMES {
            return limit(
                "frames in a segment",
                MAX_FRAMES,
                self.taken.saturating_add(1),
            );
        }
        let Some((magic, after)) = self.rest.split_first_chunk::<4>() else {
            return Err(self.form("a zstd frame", self.rest));
        };
        if *magic != MAGIC {
            return Err(self.form("the magic number of a zstd frame, 28b52ffd", magic));
        }
        let descriptor = after.first().copied().unwrap_or(0);
        if descriptor & DESCRIPTOR_MASK != DESCRIPTOR {
            let expected =
                "a frame of a single segment with checksum and content size, no dictionary";
            return Err(self.form(expected, &[descriptor]));
        }
        let Ok(Some(size)) = zstd_safe::get_frame_content_size(self.rest) else {
            return Err(self.form("a content size", &[descriptor]));
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MAX_FRAME_BYTES {
            return limit("content bytes of a frame", MAX_FRAME_BYTES, size);
        }
        self.total = self.total.saturating_add(size);
        if self.total > MAX_SEGMENT_BYTES {
            return limit("content bytes of a segment", MAX_SEGMENT_BYTES, self.total);
        }
        let length =
            zstd_safe::find_frame_compressed_size(self.rest).map_err(|c| self.corrupt(c))?;
        let Some((frame, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.form("the rest of the frame", &[]));
        };
        self.content.clear();
        self.content.reserve(size);
        self.context
            .decompress(&mut self.content, frame)
            .map_err(|code| self.corrupt(code))?;
        if self.content.len() != size {
            return Err(self.form("as many bytes as the frame declares", &[]));
        }
        match self.content.last() {
            None => return Err(self.form("a frame that is not empty", &[])),
            Some(b'\n') => {}
            Some(last) => return Err(self.form("a frame that ends at a line's end", &[*last])),
        }
        self.last = frame;
        self.rest = rest;
        self.taken = self.taken.saturating_add(1);
        Ok(&self.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        Compressor::new(Level::default()).frame(content).unwrap()
    }

    #[test]
    fn a_frame_of_any_size_has_a_single_segment_and_reads_back() {
        for size in [1, 255, 256, 65_791, 65_792, 1 << 20, MAX_FRAME_BYTES] {
            let mut content = vec![b'x'; size];
            content[size - 1] = b'\n';
            let frame = frame(&content);
            let mut frames = Frames::new(&frame);
            assert_eq!(frames.next_frame().unwrap(), content, "{size}");
            assert!(frames.is_empty());
        }
        assert!(Compressor::new(Level::default()).frame(b"").is_none());
        assert!(
            Compressor::new(Level::default())
                .frame(&vec![b'x'; MAX_FRAME_BYTES + 1])
                .is_none()
        );
    }

    #[test]
    fn a_stored_frame_reads_back_and_differs_from_a_compressed_one() {
        for size in [
            1,
            255,
            256,
            MAX_BLOCK_BYTES,
            MAX_BLOCK_BYTES + 1,
            3 * MAX_BLOCK_BYTES,
        ] {
            let content = vec![b'\n'; size];
            let stored = Compressor::new(Level::default())
                .stored_frame(&content)
                .unwrap();
            let mut frames = Frames::new(&stored);
            assert_eq!(frames.next_frame().unwrap(), content, "{size}");
            assert_eq!(frames.last_is_stored(), Ok(()), "{size}");
            let compressed = frame(&content);
            let mut frames = Frames::new(&compressed);
            frames.next_frame().unwrap();
            assert_eq!(
                frames.last_is_stored().unwrap_err().code(),
                "frame-form",
                "{size}"
            );
        }
    }

    #[test]
    fn frames_of_another_kind_are_refused() {
        let refused = |bytes: &[u8]| Frames::new(bytes).next_frame().unwrap_err().code();
        let good = frame(b"line\n");
        assert_eq!(refused(b""), "frame-form");
        assert_eq!(
            refused(&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0]),
            "frame-form"
        ); // skippable
        assert_eq!(refused(&frame(b"no line end")), "frame-form");
        for bit in [0x01, 0x04, 0x08, 0x10, 0x20] {
            let mut other = good.clone();
            other[4] ^= bit; // dictionary, checksum, reserved, unused, single segment
            assert_eq!(refused(&other), "frame-form", "descriptor bit {bit:#x}");
        }
        for cut in 1..good.len() {
            refused(&good[..cut]);
        }
        let unchecked = zstd::bulk::compress(b"line\n", 3).unwrap();
        assert_eq!(refused(&unchecked), "frame-form");
    }

    #[test]
    fn a_bomb_is_refused_by_its_header_before_anything_is_inflated() {
        let mut bomb = MAGIC.to_vec();
        bomb.push(0b1010_0100); // content size in four bytes
        bomb.extend(u32::try_from(MAX_FRAME_BYTES + 1).unwrap().to_le_bytes());
        let fault = Frames::new(&bomb).next_frame().unwrap_err();
        assert!(matches!(fault, Fault::Limit { .. }), "{fault:?}");
        let many = frame(b"\n").repeat(MAX_FRAMES + 1);
        let mut frames = Frames::new(&many);
        let fault = (0..=MAX_FRAMES).find_map(|_| frames.next_frame().err());
        assert!(
            matches!(
                fault,
                Some(Fault::Limit {
                    limit: MAX_FRAMES,
                    ..
                })
            ),
            "{fault:?}"
        );
    }
}
