//! What the tests of each parser have in common: good inputs that are changed at random, and left for the fuzzer.

use std::path::PathBuf;

/// How many of the changed inputs were accepted.
pub(crate) struct Mutated {
    pub(crate) accepted: u64,
    pub(crate) rounds: u64,
}

/// Tries inputs that were changed at random, `SOAK_ROUNDS` of them from `SOAK_SEED` on.
pub(crate) fn try_mutated(seeds: &[Vec<u8>], accepts: impl Fn(&[u8]) -> bool) -> Mutated {
    let number = |name: &str, usual| {
        std::env::var(name).map_or(usual, |text| text.parse::<u64>().expect(name))
    };
    let (rounds, seed) = (number("SOAK_ROUNDS", 20_000), number("SOAK_SEED", 1));
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33)
            .unwrap()
            .checked_rem(below)
            .unwrap_or(0)
    };
    let accepted = (0..rounds).filter(|_| {
        let mut input = seeds[random(seeds.len())].clone();
        for _ in 0..=random(3) {
            let (at, to) = (random(input.len()), random(input.len()));
            match random(6) {
                0 => input[at] = u8::try_from(random(256)).unwrap(),
                1 => input[at] ^= 1 << random(8),
                2 => input.truncate(at.max(1)),
                3 => input.insert(at, u8::try_from(random(256)).unwrap()),
                4 => input[at.min(to)..at.max(to)].fill(0),
                _ => input.extend_from_within(at.min(to)..at.max(to)),
            }
        }
        accepts(&input)
    });
    let accepted = accepted.fold(0, |count: u64, _| count.saturating_add(1));
    Mutated { accepted, rounds }
}

/// Each seed is accepted, and left in a folder of this name under `SOAK_SEEDS`.
#[track_caller]
pub(crate) fn leave_seeds(name: &str, seeds: &[Vec<u8>], accepts: impl Fn(&[u8]) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("SOAK_SEEDS").map_or(folder.path().into(), PathBuf::from);
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (at, seed) in seeds.iter().enumerate() {
        assert!(accepts(seed), "{at}");
        std::fs::write(folder.join(format!("{at:03}")), seed).unwrap();
    }
}
