//! Eight messages side by side in AVX2, for processors without the SHA extensions.
//!
//! AVX2 has no loads of single bytes under a mask, so the blocks at both ends of a message are put together in a buffer.

#![expect(
    unsafe_code,
    reason = "loads and stores of vectors; a call that needs AVX2"
)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_load_si256, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set_epi64x, _mm256_set1_epi32,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_store_si256,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

use crate::constants::{BLOCK, ROUNDS};
use crate::kind::has_avx2;
use crate::message::{Message, Padding, Unfinished};
use crate::rounds::{rounds, schedules};
use crate::wide::{Lanes, States};

const LANES: usize = 8;

/// The right to use AVX2: made where the processor has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        has_avx2().then_some(Self(()))
    }
}

/// A lane without a message: blocks of zeros.
const IDLE: Message<'static> = Message {
    before: None,
    rest: &[],
    bits: 0,
    padding: Padding::Taken,
};

/// Eight messages.
pub(crate) struct Eight<'m> {
    _right: Avx2,
    states: States<LANES>,
    messages: [Message<'m>; LANES],
}

impl Eight<'_> {
    pub(crate) const fn new(right: Avx2) -> Self {
        Self {
            _right: right,
            states: States([[0; LANES]; 8]),
            messages: [IDLE; LANES],
        }
    }
}

impl<'m> Lanes<'m> for Eight<'m> {
    const COUNT: u32 = 8;

    fn put(&mut self, lane: usize, Unfinished { message, words }: &Unfinished<'m>) {
        if let Some(place) = self.messages.get_mut(lane) {
            *place = *message;
            self.states.set(lane, words);
        }
    }

    fn take(&mut self, lane: usize) -> Unfinished<'m> {
        let words = self.words(lane);
        let message = self
            .messages
            .get_mut(lane)
            .map_or(IDLE, |place| std::mem::replace(place, IDLE));
        Unfinished { message, words }
    }

    fn words(&self, lane: usize) -> [u32; 8] {
        self.states.of(lane)
    }

    fn compress(&mut self) -> u32 {
        let blocks = self.messages.each_mut().map(Message::take);
        let edges = blocks.map(|block| {
            if block.whole().is_some() {
                [0; BLOCK]
            } else {
                block.to_bytes()
            }
        });
        let mut whole = edges.each_ref();
        for (whole, block) in whole.iter_mut().zip(blocks) {
            *whole = block.whole().unwrap_or(*whole);
        }
        // SAFETY: a value of this type has an `Avx2`, which is made only where the processor has AVX2.
        unsafe { compress(&mut self.states, &whole) };
        let done = |bits: u32, message: &Message<'_>| bits << 1 | u32::from(message.is_done());
        self.messages.iter().rev().fold(0, done)
    }
}

/// A row, aligned as `States` aligns it and each row after the first.
#[target_feature(enable = "avx2")]
#[inline]
fn load_row(row: &[u32; LANES]) -> __m256i {
    debug_assert!(
        row.as_ptr().addr().is_multiple_of(32),
        "a row is not aligned"
    );
    // SAFETY: a row has 32 bytes. It is aligned to 32: `States` is, it begins with its first row, and each row has 32 bytes.
    unsafe { _mm256_load_si256(row.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_row(row: &mut [u32; LANES], value: __m256i) {
    debug_assert!(
        row.as_ptr().addr().is_multiple_of(32),
        "a row is not aligned"
    );
    // SAFETY: as in `load_row`, and the row is borrowed mutably.
    unsafe { _mm256_store_si256(row.as_mut_ptr().cast(), value) }
}

/// Half of a block.
#[target_feature(enable = "avx2")]
#[inline]
fn load_half(half: &[u8; 32]) -> __m256i {
    // SAFETY: the half has 32 bytes, and this load asks for no alignment.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

/// The words of four blocks: in each 128 bits the words of one place, one of each block.
#[target_feature(enable = "avx2")]
#[inline]
fn within(r: [__m256i; 4]) -> [__m256i; 4] {
    let (low, high) = (
        _mm256_unpacklo_epi32(r[0], r[1]),
        _mm256_unpackhi_epi32(r[0], r[1]),
    );
    let (low2, high2) = (
        _mm256_unpacklo_epi32(r[2], r[3]),
        _mm256_unpackhi_epi32(r[2], r[3]),
    );
    [
        _mm256_unpacklo_epi64(low, low2),
        _mm256_unpackhi_epi64(low, low2),
        _mm256_unpacklo_epi64(high, high2),
        _mm256_unpackhi_epi64(high, high2),
    ]
}

/// The eight words of eight halves: a vector for each place, in the order of bytes that SHA-256 reads.
#[target_feature(enable = "avx2")]
#[inline]
fn words(h: [&[u8; 32]; LANES]) -> [__m256i; 8] {
    let one = within([
        load_half(h[0]),
        load_half(h[1]),
        load_half(h[2]),
        load_half(h[3]),
    ]);
    let two = within([
        load_half(h[4]),
        load_half(h[5]),
        load_half(h[6]),
        load_half(h[7]),
    ]);
    let mut words = [
        _mm256_permute2x128_si256::<0x20>(one[0], two[0]),
        _mm256_permute2x128_si256::<0x20>(one[1], two[1]),
        _mm256_permute2x128_si256::<0x20>(one[2], two[2]),
        _mm256_permute2x128_si256::<0x20>(one[3], two[3]),
        _mm256_permute2x128_si256::<0x31>(one[0], two[0]),
        _mm256_permute2x128_si256::<0x31>(one[1], two[1]),
        _mm256_permute2x128_si256::<0x31>(one[2], two[2]),
        _mm256_permute2x128_si256::<0x31>(one[3], two[3]),
    ];
    let (low, high) = (0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b);
    let order = _mm256_set_epi64x(high, low, high, low);
    for word in &mut words {
        *word = _mm256_shuffle_epi8(*word, order);
    }
    words
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

macro_rules! rotate {
    ($word:expr, $by:literal) => {
        _mm256_or_si256(
            _mm256_srli_epi32::<$by>($word),
            _mm256_slli_epi32::<{ 32 - $by }>($word),
        )
    };
}

/// One round; the names of the words move by one place from round to round.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $k:expr, $w:expr) => {
        let rotated = xor(rotate!($e, 6), rotate!($e, 11), rotate!($e, 25));
        let chosen = _mm256_xor_si256($g, _mm256_and_si256($e, _mm256_xor_si256($f, $g)));
        let constant = add($w, _mm256_set1_epi32($k.cast_signed()));
        let one = add(add($h, constant), add(rotated, chosen));
        let rotated = xor(rotate!($a, 2), rotate!($a, 13), rotate!($a, 22));
        let majority = _mm256_or_si256(
            _mm256_and_si256($a, $b),
            _mm256_and_si256($c, _mm256_or_si256($a, $b)),
        );
        $d = add($d, one);
        $h = add(one, add(rotated, majority));
    };
}

/// The word of a place in the next sixteen rounds.
macro_rules! schedule {
    ($w:ident, $at:literal, $one:literal, $nine:literal, $fourteen:literal) => {
        let (early, late) = ($w[$one], $w[$fourteen]);
        let early = xor(
            rotate!(early, 7),
            rotate!(early, 18),
            _mm256_srli_epi32::<3>(early),
        );
        let late = xor(
            rotate!(late, 17),
            rotate!(late, 19),
            _mm256_srli_epi32::<10>(late),
        );
        $w[$at] = add(add($w[$at], early), add($w[$nine], late));
    };
}

/// Goes on with each lane by its block.
#[expect(
    clippy::many_single_char_names,
    reason = "the words have these names in FIPS 180-4"
)]
#[target_feature(enable = "avx2")]
fn compress(states: &mut States<LANES>, blocks: &[&[u8; BLOCK]; LANES]) {
    let halves = blocks.map(|block| block.as_chunks::<32>().0);
    let place = |half: usize| halves.map(|halves| halves.get(half).unwrap_or(&[0; 32]));
    let [low, high] = [words(place(0)), words(place(1))];
    let mut w = [
        low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7], high[0], high[1], high[2],
        high[3], high[4], high[5], high[6], high[7],
    ];
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = [
        load_row(&states.0[0]),
        load_row(&states.0[1]),
        load_row(&states.0[2]),
        load_row(&states.0[3]),
        load_row(&states.0[4]),
        load_row(&states.0[5]),
        load_row(&states.0[6]),
        load_row(&states.0[7]),
    ];
    for (sixteen, k) in ROUNDS.iter().enumerate() {
        if sixteen > 0 {
            schedules!(w);
        }
        rounds!(k, w, a b c d e f g h);
    }
    for (row, value) in states.0.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        store_row(row, add(load_row(row), value));
    }
}
