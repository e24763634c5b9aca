//! One message, or two in turn, with the SHA extensions. Each instruction waits for the one before it of the same message, so a second
//! message costs little more than one.

#![expect(
    unsafe_code,
    reason = "loads and stores of vectors; a call that needs the SHA extensions"
)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_storeu_si128,
};

use crate::constants::{BLOCK, ROUNDS};
use crate::kind::has_sha;

/// The right to use the SHA extensions: made where the processor has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShaNi(());

#[expect(
    clippy::unused_self,
    reason = "whoever has a value may call: it is the proof"
)]
impl ShaNi {
    pub(crate) fn detect() -> Option<Self> {
        has_sha().then_some(Self(()))
    }

    /// Goes on with one message by these blocks.
    #[inline]
    pub(crate) fn one(self, words: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
        // SAFETY: a value of this type is made only where the processor has SHA, SSSE3 and SSE4.1.
        unsafe { compress([words], [blocks]) }
    }

    /// Goes on with two messages by as many blocks as both have.
    #[inline]
    pub(crate) fn two(self, words: [&mut [u32; 8]; 2], blocks: [&[[u8; BLOCK]]; 2]) {
        // SAFETY: a value of this type is made only where the processor has SHA, SSSE3 and SSE4.1.
        unsafe { compress(words, blocks) }
    }
}

#[target_feature(enable = "sse2")]
#[inline]
fn load_bytes(quarter: &[u8; 16]) -> __m128i {
    // SAFETY: there are 16 bytes, and this load asks for no alignment.
    unsafe { _mm_loadu_si128(quarter.as_ptr().cast()) }
}

#[target_feature(enable = "sse2")]
#[inline]
fn load_words(four: &[u32; 4]) -> __m128i {
    // SAFETY: there are 16 bytes, and this load asks for no alignment.
    unsafe { _mm_loadu_si128(four.as_ptr().cast()) }
}

#[target_feature(enable = "sse2")]
#[inline]
fn store_words(four: &mut [u32; 4], value: __m128i) {
    // SAFETY: there are 16 bytes, borrowed mutably, and this store asks for no alignment.
    unsafe { _mm_storeu_si128(four.as_mut_ptr().cast(), value) }
}

/// The eight words as the instructions have them: a, b, e and f; c, d, g and h.
#[derive(Clone, Copy)]
struct State {
    abef: __m128i,
    cdgh: __m128i,
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn load_state(words: &[u32; 8]) -> State {
    let ([abcd, efgh], _) = words.as_chunks::<4>() else {
        return State {
            abef: _mm_setzero_si128(),
            cdgh: _mm_setzero_si128(),
        };
    };
    let (badc, hgfe) = (
        _mm_shuffle_epi32::<0xb1>(load_words(abcd)),
        _mm_shuffle_epi32::<0x1b>(load_words(efgh)),
    );
    State {
        abef: _mm_alignr_epi8::<8>(badc, hgfe),
        cdgh: _mm_blend_epi16::<0xf0>(hgfe, badc),
    }
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn store_state(words: &mut [u32; 8], state: State) {
    let ([abcd, efgh], _) = words.as_chunks_mut::<4>() else {
        return;
    };
    let (feba, dchg) = (
        _mm_shuffle_epi32::<0x1b>(state.abef),
        _mm_shuffle_epi32::<0xb1>(state.cdgh),
    );
    store_words(abcd, _mm_blend_epi16::<0xf0>(feba, dchg));
    store_words(efgh, _mm_alignr_epi8::<8>(dchg, feba));
}

/// Sixteen words of a message, four in each.
type Words = [__m128i; 4];

#[target_feature(enable = "sse2,ssse3")]
#[inline]
fn load_block(block: &[u8; BLOCK]) -> Words {
    let order = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut words = [_mm_setzero_si128(); 4];
    for (four, quarter) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        *four = _mm_shuffle_epi8(load_bytes(quarter), order);
    }
    words
}

/// Four rounds with each message.
macro_rules! rounds {
    ($states:ident, $words:ident, $at:literal, $k:expr) => {
        for (state, words) in $states.iter_mut().zip(&$words) {
            let first = _mm_add_epi32(words[$at], $k);
            state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, first);
            let second = _mm_shuffle_epi32::<0x0e>(first);
            state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, second);
        }
    };
}

/// The words of a place in the next sixteen rounds.
macro_rules! schedule {
    ($words:ident, $at:literal, $one:literal, $two:literal, $three:literal) => {
        for w in &mut $words {
            let sum = _mm_add_epi32(
                _mm_sha256msg1_epu32(w[$at], w[$one]),
                _mm_alignr_epi8::<4>(w[$three], w[$two]),
            );
            w[$at] = _mm_sha256msg2_epu32(sum, w[$three]);
        }
    };
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn compress<const N: usize>(all_words: [&mut [u32; 8]; N], blocks: [&[[u8; BLOCK]]; N]) {
    let mut states = [State {
        abef: _mm_setzero_si128(),
        cdgh: _mm_setzero_si128(),
    }; N];
    for (state, words) in states.iter_mut().zip(&all_words) {
        *state = load_state(words);
    }
    let mut left = blocks.map(<[_]>::iter);
    let mut w = [[_mm_setzero_si128(); 4]; N];
    loop {
        for (words, blocks) in w.iter_mut().zip(&mut left) {
            let Some(block) = blocks.next() else {
                for (words, state) in all_words.into_iter().zip(states) {
                    store_state(words, state);
                }
                return;
            };
            *words = load_block(block);
        }
        let before = states;
        for (sixteen, k) in ROUNDS.iter().enumerate() {
            let ([k0, k1, k2, k3], _) = k.as_chunks::<4>() else {
                return;
            };
            if sixteen > 0 {
                schedule!(w, 0, 1, 2, 3);
            }
            rounds!(states, w, 0, load_words(k0));
            if sixteen > 0 {
                schedule!(w, 1, 2, 3, 0);
            }
            rounds!(states, w, 1, load_words(k1));
            if sixteen > 0 {
                schedule!(w, 2, 3, 0, 1);
            }
            rounds!(states, w, 2, load_words(k2));
            if sixteen > 0 {
                schedule!(w, 3, 0, 1, 2);
            }
            rounds!(states, w, 3, load_words(k3));
        }
        for (state, before) in states.iter_mut().zip(before) {
            state.abef = _mm_add_epi32(state.abef, before.abef);
            state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
        }
    }
}
