import re
# avx512
p='src/avx512.rs'
s=open(p).read()
a=s.index("use crate::constants"); b=s.index("/// The words of four blocks")
s=s[:a]+'''use std::marker::PhantomData;

use crate::constants::{BLOCK, ROUNDS};
use crate::kind::has_avx512;
use crate::message::{Message, Padding, Unfinished};
use crate::wide::{Lanes, States};

const LANES: usize = 16;

/// The right to use AVX-512: made where the processor has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        has_avx512().then_some(Self(()))
    }
}

/// A value for each lane.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Each<T>([T; LANES]);

/// Sixteen messages, of which the next block of each is at hand.
///
/// Invariant: for each lane, the bytes from `at + skip` to `at + left` are readable for `'m`; there is none where `left` is not above `skip`.
pub(crate) struct Sixteen<'m> {
    states: States<LANES>,
    /// Where the next block begins. The byte before a message has no address; the block begins one before the message nevertheless.
    at: Each<*const u8>,
    /// How far from there the message ends: negative once that is in a block before.
    left: Each<i64>,
    /// How many bytes at the beginning of the block are not in memory: 1 where it begins with the byte before the message.
    skip: Each<u64>,
    /// The byte before the messages, all of which have the same.
    before: u8,
    bits: Each<u64>,
    messages: PhantomData<&'m [u8]>,
    _right: Avx512,
}

/// `left` of a lane without a message: no byte, no padding.
const IDLE: i64 = i64::MIN;

/// A message that ends at most so far from the beginning of a block ends with it: 0x80 and its length follow there.
const LAST: i64 = 55;

impl Sixteen<'_> {
    pub(crate) fn new(right: Avx512) -> Self {
        Self {
            states: States([[0; LANES]; 8]),
            at: Each([std::ptr::null(); LANES]),
            left: Each([IDLE; LANES]),
            skip: Each([0; LANES]),
            before: 0,
            bits: Each([0; LANES]),
            messages: PhantomData,
            _right: right,
        }
    }
}

impl<'m> Lanes<'m> for Sixteen<'m> {
    const COUNT: usize = LANES;

    fn put(&mut self, lane: usize, Unfinished { message, words }: &Unfinished<'m>) {
    }
}
'''+s[b:]
open(p,'w').write(s)
