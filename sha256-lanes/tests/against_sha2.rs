//! Every kind that this processor has gives the hashes that the crate `sha2` gives.

use std::iter::repeat_with;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use sha256_lanes::{Digest, Hasher, Kind};

fn hashers() -> impl Iterator<Item = Hasher> {
    Kind::ALL.into_iter().filter_map(Hasher::of)
}

fn expected(before: Option<u8>, message: &[u8]) -> Digest {
    Sha256::new()
        .chain_update(before.as_slice())
        .chain_update(message)
        .finalize()
        .into()
}

fn hash_all(hasher: Hasher, before: Option<u8>, messages: &[&[u8]]) -> Vec<Digest> {
    let mut digests = vec![[0xee; 32]; messages.len()];
    hasher.hash_all(before, messages, &mut digests);
    digests
}

/// Bytes in which no two places are alike for long.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    repeat_with(next).take(length).collect()
}

const BEFORE: [Option<u8>; 4] = [None, Some(0x00), Some(0x01), Some(0xff)];

#[test]
fn this_processor_is_told_what_it_has() {
    assert!(Hasher::of(Kind::Portable).is_some());
    for kind in Kind::ALL {
        assert_eq!(Hasher::of(kind).is_some(), kind.is_available());
        assert_eq!(kind.to_string().parse(), Ok(kind));
        println!("{kind}: {}", kind.is_available());
    }
    assert!("sse".parse::<Kind>().is_err());
    let available = Kind::ALL.into_iter().rfind(|kind| kind.is_available());
    assert_eq!(Some(Hasher::best().kind()), available);
    assert_eq!(Hasher::in_use().kind(), Hasher::best().kind());
    Hasher::of(Kind::Portable).unwrap().use_from_now_on();
    assert_eq!(Hasher::in_use().kind(), Kind::Portable);
}

#[test]
fn every_length_up_to_4_kib() {
    let whole = bytes(4096 + 16);
    for before in BEFORE {
        let messages: Vec<&[u8]> = (0..=4096)
            .map(|length| &whole[length % 16..][..length])
            .collect();
        let expected: Vec<_> = messages
            .iter()
            .map(|message| expected(before, message))
            .collect();
        for hasher in hashers() {
            assert_eq!(
                hash_all(hasher, before, &messages),
                expected,
                "{}",
                hasher.kind()
            );
            for (message, expected) in messages.iter().zip(&expected) {
                let alone = hasher.hash(before, message);
                assert_eq!(alone, *expected, "{} {}", hasher.kind(), message.len());
            }
        }
    }
}

#[test]
fn every_number_of_messages_of_one_length_and_of_mixed_lengths() {
    let whole = bytes(64 * 1024);
    for count in 0..=50 {
        for shape in 0..4usize {
            let messages: Vec<&[u8]> = (0..count)
                .map(|n| match shape {
                    0 => &whole[n..][..330],
                    // From the longest to the shortest, and the other way round.
                    1 => &whole[n..][..(count - n) * 97],
                    2 => &whole[n..][..n * 97],
                    // One is much longer than the others.
                    _ => &whole[n..][..if n == count / 2 { 50_000 } else { n % 3 * 60 }],
                })
                .collect();
            for before in BEFORE {
                let expected: Vec<_> = messages
                    .iter()
                    .map(|message| expected(before, message))
                    .collect();
                for hasher in hashers() {
                    let found = hash_all(hasher, before, &messages);
                    assert_eq!(found, expected, "{} {count} {shape}", hasher.kind());
                }
            }
        }
    }
}

#[test]
fn places_that_are_too_few_or_too_many_are_left_alone() {
    let messages = [b"one".as_slice(), b"two", b"three"];
    for hasher in hashers() {
        let mut digests = [[0xee; 32]; 5];
        hasher.hash_all(None, &messages, &mut digests);
        assert_eq!(digests[2], expected(None, b"three"));
        assert_eq!(digests[3..], [[0xee; 32]; 2]);
        let mut digests = [[0xee; 32]; 2];
        hasher.hash_all(None, &messages, &mut digests);
        assert_eq!(digests[1], expected(None, b"two"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// One text cut in random places, in messages one after the other, as lines are.
    #[test]
    fn random_splits(
        length in 0..20_000usize,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..80),
        before in proptest::option::of(any::<u8>()),
    ) {
        let text = bytes(length);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        let mut messages = Vec::new();
        for cut in cuts {
            messages.push(&text[from..cut]);
            from = cut;
        }
        messages.push(&text[from..]);
        let expected: Vec<_> = messages.iter().map(|message| expected(before, message)).collect();
        for hasher in hashers() {
            prop_assert_eq!(&hash_all(hasher, before, &messages), &expected, "{}", hasher.kind());
        }
    }
}
