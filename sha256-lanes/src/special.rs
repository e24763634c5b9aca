//! Where the bytes are at which a string of JSON may end or go wrong: quotes, backslashes and control characters, 64 at a time. It is not about
//! hashes, and is here because it takes vectors.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "a call that needs SSE2, which each processor of this architecture has"
    )
)]

/// Bytes that [`special_bytes`] looks at together.
pub const SPECIAL_AT_ONCE: usize = 64;

/// A bit for each of the first 64 bytes of a text that is a quote, a backslash or below U+0020. What is behind the end counts as such a byte, so that
/// whoever skips the others stops there.
#[inline]
pub fn special_bytes(text: &[u8]) -> u64 {
    if let Some(whole) = text.first_chunk() {
        return bits(whole);
    }
    let mut padded = [0; SPECIAL_AT_ONCE];
    for (place, byte) in padded.iter_mut().zip(text) {
        *place = *byte;
    }
    bits(&padded)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn bits(bytes: &[u8; SPECIAL_AT_ONCE]) -> u64 {
    // SAFETY: SSE2 is part of the architecture.
    unsafe { of_all(bytes) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn of_all(bytes: &[u8; SPECIAL_AT_ONCE]) -> u64 {
    let (sixteens, _) = bytes.as_chunks::<16>();
    let mut bits = 0;
    for sixteen in sixteens.iter().rev() {
        bits = bits << 16 | u64::from(of_sixteen(*sixteen));
    }
    bits
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn of_sixteen(bytes: [u8; 16]) -> u16 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };
    let [low, high] = halves(bytes);
    let text = _mm_set_epi64x(high, low);
    let quote = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x22));
    let backslash = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x5c));
    let control = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text);
    let special = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    // It has sixteen bits.
    u16::try_from(_mm_movemask_epi8(special)).unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn halves(bytes: [u8; 16]) -> [i64; 2] {
    let both = u128::from_le_bytes(bytes);
    [both, both >> 64].map(|half| {
        let half = u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0);
        half.cast_signed()
    })
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn bits(bytes: &[u8; SPECIAL_AT_ONCE]) -> u64 {
    portable(bytes)
}

/// The same for any processor, eight bytes at a time.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(bytes: &[u8; SPECIAL_AT_ONCE]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const SPACES: u64 = 0x6060_6060_6060_6060;
    // The highest bit of each byte that is not zero, and of each byte from U+0020 on. Nothing is carried from byte to byte.
    let not_zero = |eight: u64| (eight & LOW).wrapping_add(LOW) | eight;
    let printable = |eight: u64| (eight & LOW).wrapping_add(SPACES) | eight;
    let of_eight = |eight: [u8; 8]| {
        let eight = u64::from_le_bytes(eight);
        let [quote, backslash] = [0x22, 0x5c].map(|byte: u64| eight ^ byte.wrapping_mul(ONES));
        let others = not_zero(quote) & not_zero(backslash) & printable(eight);
        // Each of the eight bits comes to another place in the highest byte.
        ((!others & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let (eights, _) = bytes.as_chunks::<8>();
    let put = |bits: u64, eight: &[u8; 8]| bits << 8 | of_eight(*eight);
    eights.iter().rev().fold(0, put)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_found_at_each_place_among_any_others() {
        for byte in 0..=255u8 {
            let is_special = matches!(byte, b'"' | b'\\' | 0..0x20);
            for other in [b'a', b'"', 0x00, 0x1f, 0x21, 0x23, 0x7f, 0xff] {
                let of_others = matches!(other, b'"' | b'\\' | 0..0x20);
                for at in 0..SPECIAL_AT_ONCE {
                    let mut text = [other; SPECIAL_AT_ONCE];
                    text[at] = byte;
                    let others = if of_others { !(1 << at) } else { 0 };
                    let expected = others | u64::from(is_special) << at;
                    assert_eq!(
                        special_bytes(&text),
                        expected,
                        "{byte:#x} at {at} among {other:#x}"
                    );
                    assert_eq!(
                        portable(&text),
                        expected,
                        "{byte:#x} at {at} among {other:#x}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_behind_the_end_is_special() {
        for length in 0..SPECIAL_AT_ONCE {
            assert_eq!(special_bytes(&vec![b'a'; length]), u64::MAX << length);
        }
        assert_eq!(special_bytes(&[b'a'; SPECIAL_AT_ONCE + 1]), 0);
    }
}
