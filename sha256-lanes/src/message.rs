//! A message cut into the blocks of SHA-256 (FIPS 180-4 sections 5.1.1 and 5.2.1), without a copy.

use crate::constants::{BLOCK, START};

/// Bytes that the length takes at the end of the last block.
const LENGTH_BYTES: usize = 8;

/// What is left of a message: the byte before it, its bytes, and its padding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'m> {
    /// The byte before the message, as long as it has not been taken.
    pub(crate) before: Option<u8>,
    /// The bytes that have not been taken.
    pub(crate) rest: &'m [u8],
    /// Bits of the message and of the byte before it.
    pub(crate) bits: u64,
    pub(crate) padding: Padding,
}

/// How much of the padding has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Nothing.
    Untouched,
    /// All but the length: the block in which the message ended had no room for it.
    AllButLength,
    /// All of it.
    Taken,
}

/// A message that is being hashed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfinished<'m> {
    pub(crate) message: Message<'m>,
    pub(crate) words: [u32; 8],
}

impl<'m> Unfinished<'m> {
    pub(crate) fn new(before: Option<u8>, bytes: &'m [u8]) -> Self {
        Self {
            message: Message::new(before, bytes),
            words: START,
        }
    }
}

/// One block of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block<'m> {
    /// The byte that the block begins with, before `bytes`.
    before: Option<u8>,
    /// Bytes of the message, where they are in memory.
    bytes: &'m [u8],
    /// Whether 0x80 follows them.
    ends: bool,
    /// The length in bits; zero where the block is not the last one.
    length: u64,
}

impl<'m> Message<'m> {
    pub(crate) fn new(before: Option<u8>, bytes: &'m [u8]) -> Self {
        let length = bytes.len().saturating_add(usize::from(before.is_some()));
        Self {
            before,
            rest: bytes,
            // No slice is as long as 2^61 bytes.
            bits: u64::try_from(length).unwrap_or(u64::MAX).wrapping_mul(8),
            padding: Padding::Untouched,
        }
    }

    /// Whether all blocks have been taken.
    pub(crate) fn is_done(&self) -> bool {
        self.padding == Padding::Taken
    }

    /// How many whole blocks of the message follow in memory.
    pub(crate) const fn whole_blocks(&self) -> usize {
        if self.before.is_some() {
            0
        } else {
            self.rest.len() / BLOCK
        }
    }

    /// Takes so many whole blocks, or as many as there are.
    pub(crate) fn take_whole(&mut self, blocks: usize) -> &'m [[u8; BLOCK]] {
        let bytes = blocks.min(self.whole_blocks()).saturating_mul(BLOCK);
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .unwrap_or((&[], self.rest));
        self.rest = rest;
        taken.as_chunks().0
    }

    /// Takes one block. A message that is done has blocks of zeros.
    pub(crate) fn take(&mut self) -> Block<'m> {
        let before = self.before.take();
        let room = BLOCK.saturating_sub(usize::from(before.is_some()));
        if let Some((bytes, rest)) = self.rest.split_at_checked(room) {
            self.rest = rest;
            return Block {
                before,
                bytes,
                ends: false,
                length: 0,
            };
        }
        self.take_last(before, room)
    }

    /// Takes the block in which the message ends, or the one after it.
    fn take_last(&mut self, before: Option<u8>, room: usize) -> Block<'m> {
        let bytes = std::mem::take(&mut self.rest);
        let ends = self.padding == Padding::Untouched;
        let left = room
            .saturating_sub(bytes.len())
            .saturating_sub(usize::from(ends));
        let is_last = self.padding != Padding::Taken && left >= LENGTH_BYTES;
        self.padding = match self.padding {
            Padding::Untouched if !is_last => Padding::AllButLength,
            Padding::Untouched | Padding::AllButLength | Padding::Taken => Padding::Taken,
        };
        Block {
            before,
            bytes,
            ends,
            length: if is_last { self.bits } else { 0 },
        }
    }
}

impl<'m> Block<'m> {
    /// The block where it is in memory as a whole.
    pub(crate) fn whole(&self) -> Option<&'m [u8; BLOCK]> {
        self.bytes.try_into().ok()
    }

    /// The block as SHA-256 reads it.
    pub(crate) fn to_bytes(self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut rest = block.as_mut_slice();
        if let Some(byte) = self.before {
            rest = fill(rest, &[byte]);
        }
        rest = fill(rest, self.bytes);
        if self.ends {
            fill(rest, &[0x80]);
        }
        if let Some(last) = block.last_chunk_mut().filter(|_| self.length != 0) {
            *last = self.length.to_be_bytes();
        }
        block
    }
}

/// Writes bytes at the beginning of a place that has room for them; what is left of it.
fn fill<'p>(place: &'p mut [u8], bytes: &[u8]) -> &'p mut [u8] {
    let Some((head, rest)) = place.split_at_mut_checked(bytes.len()) else {
        return &mut [];
    };
    head.copy_from_slice(bytes);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 section 5.1.1, word for word.
    fn padded(before: Option<u8>, bytes: &[u8]) -> Vec<u8> {
        let mut all: Vec<u8> = before.into_iter().chain(bytes.iter().copied()).collect();
        let bits = u64::try_from(all.len()).unwrap().wrapping_mul(8);
        all.push(0x80);
        while all.len() % 64 != 56 {
            all.push(0);
        }
        all.extend(bits.to_be_bytes());
        all
    }

    #[test]
    fn blocks_are_the_padded_message_at_every_length() {
        let bytes: Vec<u8> = (0..600u32)
            .map(|n| u8::try_from(n * 7 % 256).unwrap())
            .collect();
        for before in [None, Some(0), Some(1), Some(0xff)] {
            for length in 0..bytes.len() {
                let mut message = Message::new(before, &bytes[..length]);
                let mut blocks = Vec::new();
                while !message.is_done() {
                    blocks.extend(message.take().to_bytes());
                }
                assert_eq!(
                    blocks,
                    padded(before, &bytes[..length]),
                    "{before:?} {length}"
                );
                assert_eq!(message.take().to_bytes(), [0; 64]);
            }
        }
    }

    #[test]
    fn whole_blocks_are_taken_where_they_are_in_memory() {
        let bytes = [7; 300];
        let mut message = Message::new(Some(0), &bytes);
        assert_eq!(
            message.whole_blocks(),
            0,
            "the first block begins with the byte before"
        );
        message.take();
        assert_eq!(message.whole_blocks(), 3);
        assert_eq!(message.take_whole(2).as_ptr().cast(), &raw const bytes[63]);
        assert_eq!(
            (message.take_whole(9).len(), message.whole_blocks()),
            (1, 0)
        );
    }
}
