//! The frames of a segment: where each ends, and what each is compressed to.

use sha2::{Digest as _, Sha256};

use super::error::BuildError;
use crate::frame::{Compressor, Level};
use crate::hash::Hash;

/// Content bytes after which the next frame begins.
const FRAME_BYTES: usize = 1 << 20;

/// Where the frames of entries end. It depends on nothing but the lines, so a segment that is taken up again has the same frames.
#[derive(Debug, Default)]
pub struct Framing {
    frame: Vec<u8>,
}

impl Framing {
    /// Takes a whole line of an entry, with its newline. Gives the content of a frame that is full.
    pub fn push(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        self.frame.extend_from_slice(line);
        if self.frame.len() < FRAME_BYTES {
            return None;
        }
        let next = Vec::with_capacity(self.frame.capacity());
        Some(std::mem::replace(&mut self.frame, next))
    }

    /// The content of the last frame of entries, if there is any.
    pub fn end(&mut self) -> Option<Vec<u8>> {
        (!self.frame.is_empty()).then(|| std::mem::take(&mut self.frame))
    }
}

/// What the contents of frames are compressed to: all frames of a segment but the last.
pub struct Frames {
    compressor: Compressor,
    object: Vec<u8>,
    hasher: Sha256,
}

impl Frames {
    /// No frame yet; all of them will be compressed at this level.
    pub fn new(level: Level) -> Self {
        Self {
            compressor: Compressor::new(level),
            object: Vec::new(),
            hasher: Sha256::new(),
        }
    }

    /// Compresses the content of one more frame: the opening lines, and then what [`Framing`] gives.
    ///
    /// # Errors
    ///
    /// Where zstd has no memory.
    pub fn push(&mut self, content: &[u8]) -> Result<(), BuildError> {
        let frame = self.compressor.frame(content).ok_or(BuildError::Compress)?;
        self.hasher.update(&frame);
        self.object.extend_from_slice(&frame);
        Ok(())
    }

    /// Whether there is no frame yet.
    pub const fn is_empty(&self) -> bool {
        self.object.is_empty()
    }

    /// The hash of all frames so far, which the close line has.
    pub fn hash(&self) -> Hash {
        Hash::from_bytes(self.hasher.clone().finalize().into())
    }

    /// All frames so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.object
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new(Level::default())
    }
}
