//! Sixteen messages side by side in AVX-512.
//!
//! A block is loaded under a mask, so that neither the byte before a message nor its padding needs a copy, and no byte outside of the
//! message is read. Sixteen blocks are then transposed: a vector has one word of each.

#![expect(
    unsafe_code,
    reason = "loads and stores of vectors; a call that needs AVX-512"
)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cmple_epi64_mask, _mm512_load_si512,
    _mm512_mask_blend_epi8, _mm512_mask_or_epi32, _mm512_maskz_loadu_epi8, _mm512_max_epi64,
    _mm512_ror_epi32, _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_sllv_epi64,
    _mm512_srli_epi32, _mm512_srlv_epi64, _mm512_store_si512, _mm512_sub_epi64,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use crate::constants::ROUNDS;
use crate::kind::has_avx512;
use crate::message::{Message, Padding, Unfinished};
use crate::rounds::{rounds, rounds_and_schedules};
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

/// A value for each lane: two vectors of eight.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Each([[i64; 8]; 2]);

impl Each {
    fn of(&mut self, lane: usize) -> Option<&mut i64> {
        self.0.as_flattened_mut().get_mut(lane)
    }
}

/// Sixteen messages, of which the next block of each is at hand.
///
/// Invariant: `left` less `skip` is at most the length of the lane's message. (`put` makes it so; later, `left` only becomes less, and `skip`
/// becomes zero when `left` becomes less by a whole block.)
pub(crate) struct Sixteen<'m> {
    _right: Avx512,
    states: States<LANES>,
    messages: [&'m [u8]; LANES],
    /// How far from the beginning of the next block the message ends: negative once that was in a block before.
    left: Each,
    /// How many bytes at the beginning of the block are not in memory: 1 where it begins with the byte before the message.
    skip: Each,
    /// The byte before the messages, which is the same for all that have one.
    before: u8,
    /// The lengths in bits: the high and the low half.
    bits: States<LANES>,
}

/// `left` of a lane without a message: no byte, no padding.
const IDLE: i64 = -(1 << 60);

/// A message that ends at most so far from the beginning of a block ends with it: 0x80 and the length have room there.
const LAST: i64 = 55;

impl Sixteen<'_> {
    pub(crate) const fn new(right: Avx512) -> Self {
        Self {
            _right: right,
            states: States([[0; LANES]; 8]),
            messages: [&[]; LANES],
            left: Each([[IDLE; 8]; 2]),
            skip: Each([[0; 8]; 2]),
            before: 0,
            bits: States([[0; LANES]; 8]),
        }
    }
}

impl<'m> Lanes<'m> for Sixteen<'m> {
    const COUNT: u32 = 16;

    fn put(&mut self, lane: usize, Unfinished { message, words }: &Unfinished<'m>) {
        let (Some(place), Some(left), Some(skip)) = (
            self.messages.get_mut(lane),
            self.left.of(lane),
            self.skip.of(lane),
        ) else {
            return;
        };
        *place = message.rest;
        *skip = i64::from(message.before.is_some());
        *left = match message.padding {
            // No slice is longer than an i64.
            Padding::Untouched => i64::try_from(message.rest.len())
                .unwrap_or(IDLE)
                .saturating_add(*skip),
            Padding::AllButLength => -1,
            Padding::Taken => IDLE,
        };
        self.before = message.before.unwrap_or(self.before);
        let [high, low] = [message.bits >> 32, message.bits & 0xffff_ffff]
            .map(|half| u32::try_from(half).unwrap_or(0));
        self.bits.set(lane, &[high, low, 0, 0, 0, 0, 0, 0]);
        self.states.set(lane, words);
    }

    fn take(&mut self, lane: usize) -> Unfinished<'m> {
        let mut message = Message {
            before: None,
            rest: &[],
            bits: 0,
            padding: Padding::Taken,
        };
        let words = self.words(lane);
        if let (Some(place), Some(left), Some(skip)) = (
            self.messages.get_mut(lane),
            self.left.of(lane),
            self.skip.of(lane),
        ) {
            let from_end = usize::try_from(left.saturating_sub(*skip)).unwrap_or(0);
            message.rest = place
                .get(place.len().saturating_sub(from_end)..)
                .unwrap_or(&[]);
            message.before = (*skip == 1).then_some(self.before);
            message.padding = if *left < 0 {
                Padding::AllButLength
            } else {
                Padding::Untouched
            };
            (*place, *left, *skip) = (&[], IDLE, 0);
        }
        let [high, low, ..] = self.bits.of(lane).map(u64::from);
        message.bits = high << 32 | low;
        Unfinished { message, words }
    }

    fn words(&self, lane: usize) -> [u32; 8] {
        self.states.of(lane)
    }

    fn compress(&mut self) -> u32 {
        // SAFETY: a value of this type has an `Avx512`, which is made only where the processor has AVX-512 F and BW.
        unsafe { compress(self) }
    }
}

/// A row, aligned as `States` aligns it and each row after the first.
#[target_feature(enable = "avx512f")]
#[inline]
fn load_row(row: &[u32; LANES]) -> __m512i {
    debug_assert!(
        row.as_ptr().addr().is_multiple_of(64),
        "a row is not aligned"
    );
    // SAFETY: a row has 64 bytes. It is aligned to 64: `States` is, it begins with its first row, and each row has 64 bytes.
    unsafe { _mm512_load_si512(row.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store_row(row: &mut [u32; LANES], value: __m512i) {
    debug_assert!(
        row.as_ptr().addr().is_multiple_of(64),
        "a row is not aligned"
    );
    // SAFETY: as in `load_row`, and the row is borrowed mutably.
    unsafe { _mm512_store_si512(row.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_half(half: &[i64; 8]) -> __m512i {
    debug_assert!(
        half.as_ptr().addr().is_multiple_of(64),
        "a half is not aligned"
    );
    // SAFETY: a half has 64 bytes. It is aligned to 64: `Each` is, it begins with its first half, and each half has 64 bytes.
    unsafe { _mm512_load_si512(half.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store_half(half: &mut [i64; 8], value: __m512i) {
    debug_assert!(
        half.as_ptr().addr().is_multiple_of(64),
        "a half is not aligned"
    );
    // SAFETY: as in `load_half`, and the half is borrowed mutably.
    unsafe { _mm512_store_si512(half.as_mut_ptr().cast(), value) }
}

/// What is to be loaded of the next block of each lane, a bit for each byte.
struct Masks {
    /// Bytes that are in memory.
    bytes: Each,
    /// The byte behind the last of them, where the message ends.
    end: Each,
    /// Lanes whose last block this is.
    last: u16,
}

#[target_feature(enable = "avx512f")]
#[inline]
fn masks(left: &Each, skip: &Each) -> Masks {
    let mut masks = Masks {
        bytes: Each([[0; 8]; 2]),
        end: Each([[0; 8]; 2]),
        last: 0,
    };
    let halves = left
        .0
        .iter()
        .zip(&skip.0)
        .zip(&mut masks.bytes.0)
        .zip(&mut masks.end.0);
    for ((((left, skip), bytes), end), shift) in halves.zip([0u32, 8]) {
        let (left, ones) = (load_half(left), _mm512_set1_epi64(-1));
        // A shift by 64 bits or more, of which a negative number is one, gives zero.
        let absent = _mm512_max_epi64(
            _mm512_sub_epi64(_mm512_set1_epi64(64), left),
            _mm512_setzero_si512(),
        );
        let to_the_end = _mm512_srlv_epi64(ones, absent);
        store_half(
            bytes,
            _mm512_and_si512(to_the_end, _mm512_sllv_epi64(ones, load_half(skip))),
        );
        store_half(end, _mm512_sllv_epi64(_mm512_set1_epi64(1), left));
        let last = _mm512_cmple_epi64_mask(left, _mm512_set1_epi64(LAST));
        masks.last |= u16::from(last).checked_shl(shift).unwrap_or(0);
    }
    masks
}

/// One block, except the byte before the message and the length.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_block(message: &[u8], left: i64, bytes: i64, end: i64) -> __m512i {
    let distance = isize::try_from(left).unwrap_or(0);
    let at = message
        .as_ptr_range()
        .end
        .wrapping_offset(distance.wrapping_neg());
    // SAFETY: only bytes whose bit is set in the mask are accessed, and no fault is raised for the others (Intel's manual, volume 1,
    // section 15.6.4). Set are the bits from `skip` up to `left`, and a block has 64. The message ends `left` bytes after `at`, and has at least
    // `left` less `skip` bytes by the invariant of `Sixteen`; so these bytes are its own.
    let loaded = unsafe { _mm512_maskz_loadu_epi8(bytes.cast_unsigned(), at.cast()) };
    _mm512_mask_blend_epi8(end.cast_unsigned(), loaded, _mm512_set1_epi8(i8::MIN))
}

/// Sixteen blocks, a vector for each.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_blocks(sixteen: &Sixteen<'_>, masks: &Masks) -> [__m512i; LANES] {
    let mut blocks = [_mm512_setzero_si512(); LANES];
    let (left, bytes, end) = (
        sixteen.left.0.as_flattened(),
        masks.bytes.0.as_flattened(),
        masks.end.0.as_flattened(),
    );
    for ((((block, message), left), bytes), end) in blocks
        .iter_mut()
        .zip(sixteen.messages)
        .zip(left)
        .zip(bytes)
        .zip(end)
    {
        *block = load_block(message, *left, *bytes, *end);
    }
    if sixteen.before != 0 {
        let before = _mm512_set1_epi8(sixteen.before.cast_signed());
        for (block, skip) in blocks.iter_mut().zip(sixteen.skip.0.as_flattened()) {
            *block = _mm512_mask_blend_epi8(skip.cast_unsigned(), *block, before);
        }
    }
    blocks
}

/// The words of four blocks: in each 128 bits the words of one place, one of each block.
#[target_feature(enable = "avx512f")]
#[inline]
fn within(r: [__m512i; 4]) -> [__m512i; 4] {
    let (low, high) = (
        _mm512_unpacklo_epi32(r[0], r[1]),
        _mm512_unpackhi_epi32(r[0], r[1]),
    );
    let (low2, high2) = (
        _mm512_unpacklo_epi32(r[2], r[3]),
        _mm512_unpackhi_epi32(r[2], r[3]),
    );
    [
        _mm512_unpacklo_epi64(low, low2),
        _mm512_unpackhi_epi64(low, low2),
        _mm512_unpacklo_epi64(high, high2),
        _mm512_unpackhi_epi64(high, high2),
    ]
}

/// Transposes four by four parts of 128 bits.
#[target_feature(enable = "avx512f")]
#[inline]
fn across(r: [__m512i; 4]) -> [__m512i; 4] {
    let (low, low2) = (
        _mm512_shuffle_i32x4::<0x44>(r[0], r[1]),
        _mm512_shuffle_i32x4::<0x44>(r[2], r[3]),
    );
    let (high, high2) = (
        _mm512_shuffle_i32x4::<0xee>(r[0], r[1]),
        _mm512_shuffle_i32x4::<0xee>(r[2], r[3]),
    );
    [
        _mm512_shuffle_i32x4::<0x88>(low, low2),
        _mm512_shuffle_i32x4::<0xdd>(low, low2),
        _mm512_shuffle_i32x4::<0x88>(high, high2),
        _mm512_shuffle_i32x4::<0xdd>(high, high2),
    ]
}

/// The sixteen words of sixteen blocks: a vector for each place, in the order of bytes that SHA-256 reads.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn transpose(b: &[__m512i; LANES]) -> [__m512i; LANES] {
    let [one, two] = [
        within([b[0], b[1], b[2], b[3]]),
        within([b[4], b[5], b[6], b[7]]),
    ];
    let [three, four] = [
        within([b[8], b[9], b[10], b[11]]),
        within([b[12], b[13], b[14], b[15]]),
    ];
    let first = across([one[0], two[0], three[0], four[0]]);
    let second = across([one[1], two[1], three[1], four[1]]);
    let third = across([one[2], two[2], three[2], four[2]]);
    let fourth = across([one[3], two[3], three[3], four[3]]);
    let mut words = [
        first[0], second[0], third[0], fourth[0], first[1], second[1], third[1], fourth[1],
        first[2], second[2], third[2], fourth[2], first[3], second[3], third[3], fourth[3],
    ];
    let (low, high) = (0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b);
    let order = _mm512_set_epi64(high, low, high, low, high, low, high, low);
    for word in &mut words {
        *word = _mm512_shuffle_epi8(*word, order);
    }
    words
}

/// Makes each lane ready for the block after this one.
#[target_feature(enable = "avx512f")]
#[inline]
fn advance(sixteen: &mut Sixteen<'_>) {
    for half in &mut sixteen.left.0 {
        let left = _mm512_sub_epi64(load_half(half), _mm512_set1_epi64(64));
        store_half(half, left);
    }
    sixteen.skip = Each([[0; 8]; 2]);
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(a, b)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn xor(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// One round; the names of the words move by one place from round to round.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $k:expr, $w:expr) => {
        let rotated = xor(
            _mm512_ror_epi32::<6>($e),
            _mm512_ror_epi32::<11>($e),
            _mm512_ror_epi32::<25>($e),
        );
        let chosen = _mm512_ternarylogic_epi32::<0xca>($e, $f, $g);
        let constant = add($w, _mm512_set1_epi32($k.cast_signed()));
        let one = add(add($h, constant), add(rotated, chosen));
        let rotated = xor(
            _mm512_ror_epi32::<2>($a),
            _mm512_ror_epi32::<13>($a),
            _mm512_ror_epi32::<22>($a),
        );
        let majority = _mm512_ternarylogic_epi32::<0xe8>($a, $b, $c);
        $d = add($d, one);
        $h = add(one, add(rotated, majority));
    };
}

/// The word of a place in the next sixteen rounds.
macro_rules! schedule {
    ($w:ident, $at:literal, $one:literal, $nine:literal, $fourteen:literal) => {
        let (early, late) = ($w[$one], $w[$fourteen]);
        let early = xor(
            _mm512_ror_epi32::<7>(early),
            _mm512_ror_epi32::<18>(early),
            _mm512_srli_epi32::<3>(early),
        );
        let late = xor(
            _mm512_ror_epi32::<17>(late),
            _mm512_ror_epi32::<19>(late),
            _mm512_srli_epi32::<10>(late),
        );
        $w[$at] = add(add($w[$at], early), add($w[$nine], late));
    };
}

/// Takes the next block of each lane; a bit for each lane whose message ends with it.
#[expect(
    clippy::many_single_char_names,
    reason = "the words have these names in FIPS 180-4"
)]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress(sixteen: &mut Sixteen<'_>) -> u32 {
    let masks = masks(&sixteen.left, &sixteen.skip);
    let mut w = transpose(&load_blocks(sixteen, &masks));
    if masks.last != 0 {
        w[14] = _mm512_mask_or_epi32(w[14], masks.last, w[14], load_row(&sixteen.bits.0[0]));
        w[15] = _mm512_mask_or_epi32(w[15], masks.last, w[15], load_row(&sixteen.bits.0[1]));
    }
    advance(sixteen);
    let states = &mut sixteen.states;
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
    let [scheduled @ .., last] = &ROUNDS;
    for k in scheduled {
        rounds_and_schedules!(k, w, a b c d e f g h);
    }
    rounds!(last, w, a b c d e f g h);
    for (row, value) in states.0.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        store_row(row, add(load_row(row), value));
    }
    masks.last.into()
}
