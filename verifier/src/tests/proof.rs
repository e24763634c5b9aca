//! Proofs of a small log: made from one segment, checked with the policy alone, and refused as soon as anything is changed.

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::hash::leaf_hash;
use auditlog_chain::policy::{Compromised, Ended, LastGood, PolicyDocument, TrustPolicy};
use auditlog_chain::tree::Consistency;

use super::world::{Key, Memory, World, at, closed, opened, origin};
use crate::proof::check::{Form, Proven, Refused, Undecidable, check_proof};
use crate::proof::consistency::{check_consistency_proof, format};
use crate::proof::tlog::TlogProof;
use crate::trail::{Trail, TrailError};

/// A proof, its line, and what it was made from.
pub(super) struct Made {
    pub(super) proof: String,
    pub(super) line: Vec<u8>,
}

pub(super) fn policy(document: &PolicyDocument) -> TrustPolicy {
    TrustPolicy::check(document.clone()).unwrap()
}

pub(super) fn made(world: &World, index: u64) -> Made {
    let (policy, memory) = (policy(&world.policy), world.folder());
    let trail = trail(&policy, &memory);
    let segment = trail.segment_of_index(index).unwrap().unwrap();
    let proof = segment.proofs().unwrap().prove(index).unwrap();
    let (line, _) = segment.line(index).unwrap();
    let proof = proof.format();
    Made { proof, line }
}

pub(super) fn trail<'a>(policy: &'a TrustPolicy, memory: &'a Memory) -> Trail<'a> {
    Trail::open(memory, policy, &policy.document().logs[0], 5).unwrap()
}

fn check(document: &PolicyDocument, made: &Made) -> Result<Proven, Refused> {
    check_proof(&policy(document), made.proof.as_bytes(), &made.line)
}

#[track_caller]
fn refused(document: &PolicyDocument, made: &Made, words: &str) {
    match check(document, made) {
        Err(Refused::Wrong(problem)) => {
            assert!(problem.to_string().contains(words), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_line_of_every_segment_is_proved_from_its_own_segment_alone() {
    for key in [Key::ed25519(), Key::p256()] {
        let world = World::new(key, 5);
        let size = world.head().range.size();
        for index in 0..size {
            let made = made(&world, index);
            let proved = check(&world.policy, &made).unwrap();
            assert_eq!((proved.index(), proved.origin()), (index, &origin()));
            assert_eq!(proved.form(), Form::C2sp);
            let mut with_newline = made.line.clone();
            with_newline.push(b'\n');
            check(
                &world.policy,
                &Made {
                    line: with_newline,
                    ..made
                },
            )
            .unwrap();
        }
        let (policy, memory) = (policy(&world.policy), world.folder());
        assert!(
            trail(&policy, &memory)
                .segment_of_index(size)
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn a_segment_that_is_wrong_or_absent_does_not_keep_another_from_being_proved() {
    for broken in 0..5 {
        let mut world = World::new(Key::ed25519(), 5);
        world.segments.get_mut(&broken).unwrap()[70] ^= 1;
        let mut absent = World::new(Key::ed25519(), 5);
        absent.segments.remove(&broken);
        let (first, last) = {
            let size = |segment: u64| world.heads[usize::try_from(segment).unwrap()].range.size();
            (size(broken), size(broken + 1))
        };
        for index in 0..world.head().range.size() {
            let is_in_it = (first..last).contains(&index);
            for (world, is_there) in [(&world, true), (&absent, false)] {
                let (policy, memory) = (policy(&world.policy), world.folder());
                let found = trail(&policy, &memory).segment_of_index(index);
                match found {
                    Ok(Some(segment)) => {
                        assert!(!is_in_it);
                        assert!(segment.line(index).is_some());
                    }
                    Ok(None) => assert!(is_in_it && !is_there),
                    Err(error) => {
                        assert!(is_in_it && is_there, "{error}");
                        assert!(matches!(error, TrailError::Wrong(_)), "{error}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_changed_byte_of_a_proof_or_its_line_is_refused_or_says_the_same() {
    let world = World::new(Key::ed25519(), 4);
    let policy = policy(&world.policy);
    let made = made(&world, 9);
    let good = TlogProof::parse(made.proof.as_bytes()).unwrap();
    assert_eq!(good.format(), made.proof);
    for at in 0..made.proof.len() {
        for bit in 0..8 {
            let mut changed = made.proof.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let proved = check_proof(&policy, &changed, &made.line);
            assert!(
                proved.is_err(),
                "byte {at}, bit {bit}: {}",
                changed.escape_ascii()
            );
        }
        assert!(check_proof(&policy, &made.proof.as_bytes()[..at], &made.line).is_err());
    }
    for at in 0..made.line.len() {
        for bit in 0..8 {
            let mut changed = made.line.clone();
            changed[at] ^= 1 << bit;
            assert!(
                check_proof(&policy, made.proof.as_bytes(), &changed).is_err(),
                "byte {at}"
            );
        }
    }
    let lines: Vec<&str> = made.proof.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let without: String = [&lines[..at], &lines[at + 1..]].concat().concat();
        assert!(
            check_proof(&policy, without.as_bytes(), &made.line).is_err(),
            "line {at} dropped"
        );
        let twice: String = [&lines[..=at], &lines[at..]].concat().concat();
        let proved = check_proof(&policy, twice.as_bytes(), &made.line);
        // A signature that is there twice is valid twice, and of one key.
        let signers = proved.map(|proved| proved.signers().len());
        assert!(
            signers.is_err() || (at == lines.len() - 1 && signers == Ok(1)),
            "line {at} repeated"
        );
    }
}

#[test]
fn extra_data_and_signatures_of_witnesses_are_passed_over() {
    let world = World::new(Key::p256(), 3);
    let made = made(&world, 5);
    let with_extra = made.proof.replacen("\nindex", "\nextra YWdl\nindex", 1);
    let witness = format!("{}\u{2014} witness.example/w1 TnKKVHLX\n", made.proof);
    let before = made.proof.replacen(
        "\u{2014} acme",
        "\u{2014} witness.example/w1 TnKKVHLX\n\u{2014} acme",
        1,
    );
    for proof in [with_extra, witness, before] {
        let line = made.line.clone();
        check(&world.policy, &Made { proof, line }).unwrap();
    }
    for (from, to) in [
        ("\nindex", "\nextra !\nindex"),
        ("\nindex", "\nextra YWdl\nextra YWdl\nindex"),
        ("index 5", "index 05"),
        ("index 5", "index +5"),
        ("index 5", "index 4"),
        ("index 5", "index 18446744073709551616"),
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("\n\nacme", "\n\nextension\nacme"),
        (
            "\u{2014} acme",
            "\u{2014} other.example/log AAAAAAAA\n\n\u{2014} acme",
        ),
        ("\n", "\r\n"),
    ] {
        let proof = made.proof.replacen(from, to, 1);
        assert_ne!(proof, made.proof, "{from}");
        let line = made.line.clone();
        assert!(check(&world.policy, &Made { proof, line }).is_err(), "{to}");
    }
}

/// C2SP signed-note: other tools refuse the whole note, and so do we.
#[test]
fn a_line_of_somebody_else_that_is_not_a_signature_is_refused() {
    let world = World::new(Key::ed25519(), 3);
    let made = made(&world, 5);
    let with = |line: &str| Made {
        proof: format!("{}\u{2014} {line}\n", made.proof),
        line: made.line.clone(),
    };
    for good in ["witness.example/w1 TnKKVHLX", "w\u{e9} AAAAAAA="] {
        check(&world.policy, &with(good)).unwrap();
    }
    for bad in [
        "witness.example/w1 !",
        "witness.example/w1 AAAAAA==",
        "witness.example/w1 TnKKVHL",
        "witness.example/w1 TnKK VHLX",
        "witness.example/w1  TnKKVHLX",
        "witness.example/w1",
        " TnKKVHLX",
        "wit+ness TnKKVHLX",
        "wit\u{a0}ness TnKKVHLX",
        "wit\tness TnKKVHLX",
        "wit\u{1b}ness TnKKVHLX",
        "witness TnKKVHLX\r",
    ] {
        refused(&world.policy, &with(bad), "not a C2SP tlog-proof");
    }
    let many = |count: usize| Made {
        proof: format!("{}{}", made.proof, "\u{2014} w TnKKVHLX\n".repeat(count)),
        line: made.line.clone(),
    };
    check(&world.policy, &many(99)).unwrap();
    refused(&world.policy, &many(100), "not a C2SP tlog-proof");
}

#[test]
fn only_the_keys_of_the_policy_count() {
    let world = World::new(Key::ed25519(), 3);
    let made = made(&world, 5);
    let stranger = World::new(Key::ed25519(), 3);
    refused(
        &stranger.policy,
        &made,
        "does not have a signature of a key that the trust policy authorises",
    );
    let mut other = world.policy.clone();
    other.logs[0].origin = auditlog_chain::origin::Origin::parse("acme.example/other").unwrap();
    other.logs[0].verifier_keys = vec![world.key.of(other.logs[0].origin.clone())];
    refused(
        &other,
        &made,
        "does not declare a log acme.example/audit/payments",
    );
    let mut ended = world.policy.clone();
    let position = world.position(1);
    ended.logs[0].ended = Some(Ended {
        segment: position.segment,
        size: position.size,
        root: position.root,
        sealed: at(opened(1) + 30),
        stored: Some(at(opened(1) + 32)),
        successor: None,
    });
    check(&ended, &self::made(&world, 5)).unwrap();
    refused(&ended, &self::made(&world, 8), "was declared ended at size");
}

#[test]
fn a_retired_or_lost_key_counts_for_what_was_made_before() {
    let world = World::new(Key::p256(), 4);
    let (early, late) = (made(&world, 4), made(&world, 11));
    for lost in [false, true] {
        let mut document = world.policy.clone();
        let key = &mut document.keys[0];
        let until = Some(at(opened(2)));
        if lost {
            key.lost_at = until;
        } else {
            key.retired_at = until;
        }
        check(&document, &early).unwrap();
        refused(&document, &late, "could no longer sign");
    }
}

/// A thief can sign a tree of any size, so that only the last good head itself is beyond doubt.
#[test]
fn a_compromised_key_counts_at_its_last_good_head_alone() {
    let world = World::new(Key::ed25519(), 5);
    let compromised = |last_good: Vec<LastGood>| {
        let mut document = world.policy.clone();
        document.keys[0].compromised = Some(Compromised {
            at: at(opened(3)),
            last_good,
        });
        document
    };
    let position = world.position(2);
    let last_good = LastGood {
        origin: origin(),
        segment: 2,
        size: position.size,
        root: position.root,
    };
    let document = compromised(vec![last_good]);
    let in_segment = |number: usize| made(&world, world.heads[number].range.size() + 1);
    check(&document, &in_segment(2)).unwrap();
    refused(
        &document,
        &in_segment(3),
        "was compromised and counts up to size",
    );
    assert!(matches!(
        check(&document, &in_segment(1)),
        Err(Refused::Undecided(Undecidable::Compromised { .. }))
    ));
    assert!(matches!(
        check(&compromised(Vec::new()), &in_segment(2)),
        Err(Refused::Undecided(Undecidable::NoLastGood { .. }))
    ));
}

#[test]
fn a_rotation_is_proved_under_the_new_key() {
    let mut world = World::new(Key::p256(), 3);
    let new = Key::ed25519();
    world.authorise(&new);
    let change = Some(new.change(Some(&world.key)));
    let segment = closed(world.head(), change, &["1"], opened(3), opened(3) + 30);
    let signatures = vec![new.sign(&segment), world.key.sign(&segment)];
    world.add(segment, signatures);
    let index = world.heads[3].range.size() + 2;
    let made = made(&world, index);
    assert_eq!(check(&world.policy, &made).unwrap().signers().len(), 2);
    // The old key is gone from the policy: the new one is enough.
    let mut later = world.policy.clone();
    later.keys.remove(0);
    later.logs[0].verifier_keys.remove(0);
    assert_eq!(check(&later, &made).unwrap().signers().len(), 1);
}

fn head(world: &World, number: u64) -> SignedCheckpoint {
    let (policy, memory) = (policy(&world.policy), world.folder());
    let segment = trail(&policy, &memory).read(number).unwrap();
    segment.checked().signed_checkpoint().clone()
}

pub(super) fn continued(world: &World, first: u64, second: u64) -> String {
    let (policy, memory) = (policy(&world.policy), world.folder());
    let trail = trail(&policy, &memory);
    let before = world.heads[usize::try_from(first).unwrap() + 1]
        .range
        .clone();
    let (first_head, second_head) = (head(world, first), head(world, second));
    let mut proof = Consistency::new(before, second_head.checkpoint.size).unwrap();
    for number in first + 1..=second {
        trail
            .read(number)
            .unwrap()
            .visit(&mut |line| proof.append(leaf_hash(line.bytes)).unwrap());
    }
    format(&first_head, &second_head, &proof.finish().unwrap())
}

#[test]
fn every_two_heads_are_proved_consistent_and_every_change_is_refused() {
    let world = World::new(Key::ed25519(), 5);
    let policy = policy(&world.policy);
    for second in 0..5 {
        for first in 0..=second {
            let json = continued(&world, first, second);
            let shown = check_consistency_proof(&policy, json.as_bytes()).unwrap();
            let sizes = shown.heads().map(|head| head.size);
            assert_eq!(
                sizes,
                [first, second].map(|number| world.position(number).size)
            );
        }
    }
    let json = continued(&world, 1, 3);
    for at in 0..json.len() {
        for bit in [0, 1, 5] {
            let mut changed = json.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let same = changed
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .copied();
            if same.eq(json.bytes().filter(|byte| !byte.is_ascii_whitespace())) {
                continue;
            }
            assert!(
                check_consistency_proof(&policy, &changed).is_err(),
                "byte {at}: {}",
                changed.escape_ascii()
            );
        }
    }
    let padded = format!("{json}{}", " ".repeat(1 << 20));
    assert!(check_consistency_proof(&policy, padded.as_bytes()).is_err());
    // Good heads of another log, with a key that the policy does not have.
    let stranger = World::new(Key::ed25519(), 5);
    let mixed = format(&head(&stranger, 1), &head(&stranger, 3), &[]);
    assert!(check_consistency_proof(&policy, mixed.as_bytes()).is_err());
}

/// Heads that do not continue each other are wrong whoever signed them: what is undecided about a key does not hide it.
#[test]
fn a_wrong_consistency_proof_is_wrong_also_under_a_key_that_is_in_doubt() {
    let world = World::new(Key::ed25519(), 5);
    let mut document = world.policy.clone();
    document.keys[0].compromised = Some(Compromised {
        at: at(opened(3)),
        last_good: Vec::new(),
    });
    let policy = policy(&document);
    let json = continued(&world, 1, 3);
    let check = |json: &str| check_consistency_proof(&policy, json.as_bytes());
    assert!(matches!(
        check(&json),
        Err(Refused::Undecided(Undecidable::NoLastGood { .. }))
    ));
    let case = json.find("\"proof\"").unwrap();
    let digit = case
        + json[case..]
            .find(|digit: char| digit.is_ascii_digit())
            .unwrap();
    let mut other_hash = json.clone();
    let changed = if &json[digit..=digit] == "0" {
        "1"
    } else {
        "0"
    };
    other_hash.replace_range(digit..=digit, changed);
    let size = format!("\"size1\": {}", world.position(1).size);
    assert!(json.contains(&size));
    let other_size = json.replace(&size, &size.replace("\"size1\": ", "\"size1\": 1"));
    // The signature of the second head is that of the first.
    let signature = |json: &str, name: &str| {
        let at = json.find(name).unwrap();
        let from = at + json[at..].find("\u{2014} ").unwrap();
        json[from..from + json[from..].find('"').unwrap()].to_owned()
    };
    let (first, second) = (
        signature(&json, "checkpoint1"),
        signature(&json, "checkpoint2"),
    );
    let other_signature = json.replace(&second, &first);
    for wrong in [other_hash, other_size, other_signature] {
        assert_ne!(wrong, json);
        assert!(matches!(check(&wrong), Err(Refused::Wrong(_))), "{wrong}");
    }
}
