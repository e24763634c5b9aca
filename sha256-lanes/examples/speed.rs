//! Prints how fast each kind hashes on one core: messages as long as the lines of a log, the nodes of a tree, and large events.
//!
//! `cargo run --release -p sha256-lanes --example speed`

use std::hint::black_box;
use std::time::{Duration, Instant};

use sha256_lanes::{Digest, Hasher, Kind};

/// Bytes that are hashed in one go: about what a frame of a segment has.
const AT_ONCE: usize = 1 << 20;
const ROUNDS: usize = 300;
const LONG_ENOUGH: Duration = Duration::from_micros(700);

/// The length of the message of a number.
type Length = fn(usize) -> usize;

/// Lengths of messages, and what has them.
const SHAPES: [(&str, Length); 5] = [
    ("nodes, 64 bytes", |_| 64),
    ("lines of 330 bytes", |n| 327 + n % 7),
    ("lines of 100 to 1,200 bytes", |n| {
        100 + n * 2_654_435_761 % 1_100
    }),
    ("lines of 64 KiB", |_| 65_500),
    ("one message of 1 MiB", |_| AT_ONCE),
];

fn messages(bytes: &[u8], length: impl Fn(usize) -> usize) -> Vec<&[u8]> {
    let (mut rest, mut messages) = (bytes, Vec::new());
    while let Some((message, after)) = rest.split_at_checked(length(messages.len())) {
        messages.push(message);
        rest = after;
    }
    messages
}

/// Bytes a nanosecond, the best of a few rounds.
fn speed(hasher: Hasher, messages: &[&[u8]], digests: &mut [Digest]) -> f64 {
    let bytes: usize = messages.iter().map(|message| message.len()).sum();
    let bytes = f64::from(u32::try_from(bytes).expect("about AT_ONCE"));
    let round = || {
        let (began, mut times) = (Instant::now(), 0u32);
        while began.elapsed() < LONG_ENOUGH {
            hasher.hash_all(Some(0), black_box(messages), digests);
            black_box(&digests);
            times += 1;
        }
        bytes * f64::from(times) / began.elapsed().as_secs_f64() / 1e9
    };
    std::iter::repeat_with(round)
        .take(ROUNDS)
        .fold(0.0, f64::max)
}

fn main() {
    let bytes: Vec<u8> = (0..AT_ONCE)
        .map(|n| u8::try_from(n % 251).expect("below 251"))
        .collect();
    println!(
        "GB/s of one core{:>29}{:>10}{:>10}{:>10}",
        "portable", "avx2", "sha-ni", "avx512"
    );
    for (name, length) in SHAPES {
        let messages = messages(&bytes, length);
        let mut digests = vec![[0; 32]; messages.len()];
        print!("{name:<35}");
        for kind in Kind::ALL {
            match Hasher::of(kind) {
                Some(hasher) => print!("{:>10.2}", speed(hasher, &messages, &mut digests)),
                None => print!("{:>10}", "absent"),
            }
        }
        println!();
    }
}
