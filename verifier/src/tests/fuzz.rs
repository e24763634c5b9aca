//! A short run of the fuzzer's targets without a fuzzer: good input, mutated under a fixed seed. `SOAK_ROUNDS` and `SOAK_SEED`
//! make it longer and another; `SOAK_SEEDS` names a folder to leave the seeds in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use auditlog_chain::checkpoint::parse_checkpoint_line;
use auditlog_chain::hash::leaf_hash;
use auditlog_chain::policy::{Compromised, Ended, LastGood, TrustPolicy};

use super::world::{Key, World, at, origin};
use crate::evidence::Segments;
use crate::fuzz;
use crate::pins::{Pins, document};
use crate::proof::tlog::TlogProof;

const ROUNDS: u64 = 20_000;

type Target = (&'static str, fn(&[u8]) -> bool);
const TARGETS: [Target; 10] = [
    ("segment", fuzz::segment),
    ("line", fuzz::line),
    ("policy", fuzz::policy),
    ("pins", fuzz::pins),
    ("proof", fuzz::proof),
    ("pack", fuzz::pack),
    ("plan", fuzz::plan),
    ("part", fuzz::part),
    ("cache", fuzz::cache),
    ("event", fuzz::event),
];

#[test]
fn mutated_input_is_refused_or_has_one_form_and_never_panics() {
    let number =
        |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().expect(name));
    let (rounds, seed) = (number("SOAK_ROUNDS", ROUNDS), number("SOAK_SEED", 1));
    let seeds = seeds();
    for (name, target) in TARGETS {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut accepted = 0;
        for round in 0..rounds {
            let input = random.mutated(&seeds[name]);
            let caught = std::panic::catch_unwind(|| target(&input));
            let shown = || {
                format!(
                    "{name}, round {round} of SOAK_SEED={seed}: {}",
                    input.escape_ascii()
                )
            };
            accepted += u64::from(caught.unwrap_or_else(|_| panic!("{}", shown())));
        }
        // Otherwise nothing was said about what is accepted.
        assert!(accepted > 0, "{name}: nothing of {rounds} was accepted");
    }
}

#[test]
fn honest_parts_lead_to_a_head() {
    let parted = fuzz::Parted::get();
    let head = parted.honest_head().unwrap();
    assert_eq!(head.segment, 4);
    for (range, part) in (0..).zip(parted.parts()) {
        assert_eq!(parted.head_with(range, part).unwrap(), Some(head));
        // The part of another range is not this one's.
        assert!(parted.head_with(1 - range, part).is_err());
    }
}

#[test]
fn every_seed_is_accepted_and_can_be_left_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("SOAK_SEEDS").map_or(folder.path().into(), PathBuf::from);
    let seeds = seeds();
    for (name, target) in TARGETS {
        for seed in &seeds[name] {
            assert!(target(seed), "{name}: {}", seed.escape_ascii());
        }
        leave(&folder.join(name), &seeds[name]);
    }
}

/// Under names that say nothing but the order, as a fuzzer wants them.
fn leave(folder: &Path, seeds: &[Vec<u8>]) {
    std::fs::create_dir_all(folder).unwrap();
    for (at, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("{at:03}")), seed).unwrap();
    }
}

fn seeds() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut seeds: BTreeMap<_, Vec<Vec<u8>>> = BTreeMap::new();
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = World::new(key, 4);
        assert_eq!(origin().as_str(), fuzz::ORIGIN);
        for (number, object) in &world.segments {
            let number = u8::try_from(*number).unwrap();
            seeds
                .entry("segment")
                .or_default()
                .push([&[number], &object[..]].concat());
            for line in zstd::decode_all(&object[..])
                .unwrap()
                .split(|byte| *byte == b'\n')
            {
                let notes = parse_checkpoint_line(line).map(|signed| signed.note().into_bytes());
                let lines = seeds.entry("line").or_default();
                lines.extend(notes);
                lines.extend((!line.is_empty()).then(|| line.to_vec()));
            }
        }
        let proofs = seeds.entry("proof").or_default();
        proofs.push(super::proof::made(&world, 9).proof.into_bytes());
        proofs.push(super::proof::continued(&world, 1, 3).into_bytes());
        proofs.extend(cases(&world));
        let packs = seeds.entry("pack").or_default();
        packs.push(super::evidence::pack(&world, Segments::LeftOut));
        let documents = super::ranges::documents(&world);
        seeds.entry("plan").or_default().push(documents.written);
        seeds.entry("part").or_default().extend(documents.parts);
        let cache = super::incremental::document(&world);
        seeds.entry("cache").or_default().push(cache);
        let report = world.verify(&world.folder());
        let mut pins = Pins::default();
        _ = pins.take(report.logs()[0].verified().unwrap(), &Pins::default());
        seeds
            .entry("pins")
            .or_default()
            .push(document::format(&pins).unwrap());
        let place = world.position(2);
        let policies = seeds.entry("policy").or_default();
        let mut add = |world: &World| {
            let policy = TrustPolicy::check(world.policy.clone()).unwrap();
            policies.push(policy.format().into_bytes());
        };
        add(&world);
        world.policy.logs[0].ended = Some(Ended {
            segment: place.segment,
            size: place.size,
            root: place.root,
            sealed: at(150),
            stored: Some(at(152)),
            successor: Some(origin()),
        });
        world.policy.keys[0].retired_at = Some(at(100));
        world.policy.keys[0].lost_at = Some(at(100));
        world.policy.keys[0].compromised = Some(Compromised {
            at: at(100),
            last_good: vec![LastGood {
                origin: origin(),
                segment: place.segment,
                size: place.size,
                root: place.root,
            }],
        });
        add(&world);
    }
    let parts = seeds.entry("part").or_default();
    // Most of what is made of these is merged.
    (0..4).for_each(|_| parts.extend(fuzz::Parted::get().parts().iter().cloned()));
    seeds.insert(
        "event",
        EVENTS.map(|event| event.as_bytes().to_vec()).to_vec(),
    );
    seeds
}

/// Events of each known shape, alone and in a text, and others with values that are looked for.
const EVENTS: [&str; 6] = [
    r#"{"eventVersion":"1.08","eventTime":"2026-11-22T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"arn":"arn:aws:iam::1:user/ada"},"errorCode":"AccessDenied"}"#,
    r#"{"message":"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"auditID\":\"x\",\"stage\":\"ResponseComplete\",\"verb\":\"get\",\"user\":{\"username\":\"ada\"}}"}"#,
    r#"{"logRecord":{"timeUnixNano":"1764000000000000000","body":{"stringValue":"login \ud83d\ude00"},"severityText":"INFO"}}"#,
    r#"{"specversion":"1.0","id":"1","source":"/a","type":"user.login","time":"2026-11-22T12:00:00Z"}"#,
    r#"{"user":"ada","user":["ada",{"":null}],"a":[{"/":1}]}"#,
    "1",
];

/// Two cases with the proofs of a world.
fn cases(world: &World) -> [Vec<u8>; 2] {
    let document = super::proof::continued(world, 1, 3);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let made = super::proof::made(world, 9);
    let proof = TlogProof::parse(made.proof.as_bytes()).unwrap();
    let hex: Vec<String> = proof.hashes.iter().map(|hash| hash.to_hex()).collect();
    let checkpoint = &proof.signed.checkpoint;
    let inclusion = serde_json::json!({
        "index": proof.index, "size": checkpoint.size, "root": checkpoint.root.to_hex(),
        "leaf": leaf_hash(&made.line).to_hex(), "proof": hex,
    });
    [inclusion.to_string(), document["case"].to_string()].map(String::into_bytes)
}

/// xorshift64: the same everywhere, and good enough to mangle bytes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap().max(1);
        usize::try_from(self.next() % end).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length);
        from..(from + self.below(40)).min(length)
    }

    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(seeds).clone();
        for _ in 0..=self.below(3) {
            self.mutate(&mut input, seeds);
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        // What JSON, base64 and the headers of frames are made of.
        let telling = b"\x28\xb5\x2f\xfd\x00\x01\xff\x7f\x80\"[]{},:\\+-=/.e019Zan\n ";
        let at = self.below(input.len());
        let range = self.range(input.len());
        match self.below(8) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = *self.pick(telling),
            2 => input.insert(at, *self.pick(telling)),
            3 => drop(input.drain(range)),
            4 => input.truncate(at),
            5 => {
                let copy = input[range].to_vec();
                drop(input.splice(at..at, copy));
            }
            6 => {
                // A digit for a digit: what has the right form and another value.
                let digits = |byte: &&mut u8| byte.is_ascii_digit();
                let count = input.iter().filter(|byte| byte.is_ascii_digit()).count();
                let digit = *self.pick(b"0123456789");
                let which = self.below(count);
                if let Some(place) = input.iter_mut().filter(digits).nth(which) {
                    *place = digit;
                }
            }
            _ => {
                let other = self.pick(seeds);
                let range = self.range(other.len());
                drop(input.splice(at..at, other[range].iter().copied()));
            }
        }
    }
}
