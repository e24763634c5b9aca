//! Zstandard frames, each checked to be of the one kind that a segment may hold (F3).
//!
//! RFC 8878 leaves a writer many ways to frame the same bytes. Here a frame has a single segment (so its window is its
//! content, and no byte says anything about a window), its content size, a checksum, and no dictionary; skippable frames
//! and bytes after the last frame are refused, since other readers would pass over what hides in them.

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, DParameter};

use crate::fault::Fault;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAMES, MAX_SEGMENT_BYTES};

/// The four bytes that a zstd frame begins with.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Frame header descriptor: single segment and checksum set, reserved and unused bits and the dictionary flag clear.
const DESCRIPTOR: u8 = 0b0010_0100;
const DESCRIPTOR_MASK: u8 = 0b0011_1111;
/// log2 of the largest window: [`MAX_FRAME_BYTES`].
const WINDOW_LOG: u32 = 22;
const LEVEL: i32 = 3;

/// Compresses one frame's content.
pub(crate) struct Compressor(CCtx<'static>);

impl Compressor {
    pub(crate) fn new() -> Self {
        let mut context = CCtx::create();
        // With the window as large as the largest frame, every frame has a single segment.
        for parameter in [
            CParameter::CompressionLevel(LEVEL),
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

/// Takes the frames of an object one by one, in bounded memory.
pub(crate) struct Frames<'a> {
    object: &'a [u8],
    rest: &'a [u8],
    context: DCtx<'static>,
    content: Vec<u8>,
    taken: usize,
    total: usize,
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
        self.rest = rest;
        self.taken = self.taken.saturating_add(1);
        Ok(&self.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        Compressor::new().frame(content).unwrap()
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
        assert!(Compressor::new().frame(b"").is_none());
        assert!(
            Compressor::new()
                .frame(&vec![b'x'; MAX_FRAME_BYTES + 1])
                .is_none()
        );
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
        let bomb = zstd::bulk::compress(&vec![b'\n'; MAX_FRAME_BYTES + 1], 19).unwrap();
        let mut bomb = bomb;
        bomb[4] |= 0x04;
        let fault = Frames::new(&bomb).next_frame().unwrap_err();
        assert!(
            matches!(fault, Fault::Limit { .. } | Fault::FrameForm { .. }),
            "{fault:?}"
        );
    }
}
