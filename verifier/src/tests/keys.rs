//! V11 to V16: who may sign what, and until when.

use auditlog_chain::builder::ClosedSegment;
use auditlog_chain::line::KeyChange;
use auditlog_chain::policy::{Compromised, LastGood};

use super::world::{Key, World, at, closed, codes, opened, origin};
use crate::verdict::Verdict;

/// A log of 3 segments under one key, then 2 under another: segment 3 carries the key line.
fn rotated(
    signers: impl Fn(
        &Key,
        &Key,
        &auditlog_chain::builder::ClosedSegment,
    ) -> Vec<auditlog_chain::checkpoint::NoteSignature>,
) -> (World, Key) {
    let mut world = World::new(Key::p256(), 3);
    let new = Key::ed25519();
    world.authorise(&new);
    let segment = closed(
        world.head(),
        Some(new.change(Some(&world.key))),
        &["1"],
        opened(3),
        opened(3) + 30,
    );
    let signatures = signers(&world.key, &new, &segment);
    world.add(segment, signatures);
    let segment = closed(world.head(), None, &["2"], opened(4), opened(4) + 30);
    let signature = new.sign(&segment);
    world.add(segment, vec![signature]);
    (world, new)
}

/// Segment 2 with one event, behind segment 1 of a world.
fn third(world: &World, change: Option<KeyChange>, event: &str) -> ClosedSegment {
    let time = opened(2);
    closed(&world.heads[2].clone(), change, &[event], time, time + 30)
}

fn both(
    old: &Key,
    new: &Key,
    segment: &auditlog_chain::builder::ClosedSegment,
) -> Vec<auditlog_chain::checkpoint::NoteSignature> {
    vec![new.sign(segment), old.sign(segment)]
}

#[test]
fn a_rotation_needs_the_new_key_and_then_the_previous_one() {
    let (world, _) = rotated(both);
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
    assert_eq!(report.logs()[0].keys.len(), 2);
    let (world, _) = rotated(|old, new, segment| vec![old.sign(segment), new.sign(segment)]);
    assert_eq!(world.codes(), ["signature-key"]);
    let (world, _) = rotated(|_, new, segment| vec![new.sign(segment)]);
    assert_eq!(world.codes(), ["signature-count"]);
    let (world, _) = rotated(|old, _, segment| vec![old.sign(segment)]);
    assert_eq!(world.codes(), ["signature-count"]);
}

#[test]
fn a_lost_or_stolen_previous_key_need_not_sign_and_may() {
    for signers in [
        both,
        |_: &Key, new: &Key, segment: &auditlog_chain::builder::ClosedSegment| {
            vec![new.sign(segment)]
        },
    ] {
        let (mut world, _) = rotated(signers);
        world.policy.keys[0].lost_at = Some(at(200));
        assert_eq!(world.codes(), [""; 0]);
        world.policy.keys[0].lost_at = None;
        let last = world.position(2);
        let last_good = LastGood {
            origin: origin(),
            segment: 2,
            size: last.size,
            root: last.root,
        };
        world.policy.keys[0].compromised = Some(Compromised {
            at: at(200),
            last_good: vec![last_good],
        });
        assert_eq!(world.codes(), [""; 0]);
    }
    // Lost after the rotation: then it was there to sign.
    let (mut world, _) = rotated(|_, new, segment| vec![new.sign(segment)]);
    world.policy.keys[0].lost_at = Some(at(220));
    assert_eq!(world.codes(), ["signature-count"]);
}

#[test]
fn a_key_that_the_policy_does_not_authorise_is_unknown() {
    let thief = Key::ed25519();
    let mut world = World::new(Key::ed25519(), 3);
    let segment = third(&world, None, "1");
    let signature = thief.sign(&segment);
    world
        .segments
        .insert(2, segment.finish(vec![signature]).unwrap());
    assert_eq!(world.codes(), ["key-unknown"]);

    let mut world = World::new(Key::ed25519(), 3);
    let change = thief.change(Some(&world.key));
    let segment = third(&world, Some(change), "1");
    let signatures = vec![thief.sign(&segment), world.key.sign(&segment)];
    world
        .segments
        .insert(2, segment.finish(signatures).unwrap());
    let report = world.verify(&world.folder());
    assert_eq!(codes(&report), ["key-unknown"]);
    assert_eq!(report.faults()[0].place.line, Some(2));

    let mut world = World::new(Key::ed25519(), 3);
    let other = World::new(Key::ed25519(), 3);
    world.segments = other.segments;
    assert_eq!(world.codes(), ["key-unknown"; 3]);
}

#[test]
fn an_authorised_key_signs_only_once_a_key_line_has_announced_it() {
    let mut world = World::new(Key::ed25519(), 3);
    let new = Key::ed25519();
    world.authorise(&new);
    let segment = third(&world, None, "1");
    let signature = new.sign(&segment);
    world
        .segments
        .insert(2, segment.finish(vec![signature]).unwrap());
    assert_eq!(world.codes(), ["signature-key"]);
    // And a key line names the key that signed until then.
    let stranger = Key::ed25519();
    world.authorise(&stranger);
    let change = new.change(Some(&stranger));
    let segment = third(&world, Some(change), "1");
    let signatures = vec![new.sign(&segment), stranger.sign(&segment)];
    world
        .segments
        .insert(2, segment.finish(signatures).unwrap());
    assert_eq!(world.codes(), ["key-line"]);
}

#[test]
fn a_signature_of_another_segment_is_invalid() {
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = World::new(key, 3);
        let other = third(&world, None, "2");
        let signature = world.key.sign(&other);
        let segment = third(&world, None, "1");
        world
            .segments
            .insert(2, segment.finish(vec![signature]).unwrap());
        assert_eq!(world.codes(), ["signature-invalid"]);
        let segment = third(&world, None, "1");
        let signatures = vec![world.key.sign(&segment), world.key.sign(&segment)];
        world
            .segments
            .insert(2, segment.finish(signatures).unwrap());
        assert_eq!(world.codes(), ["signature-count"]);
    }
}

#[test]
fn a_key_signs_within_its_span_by_both_clocks() {
    let mut world = World::new(Key::ed25519(), 4);
    // The skew is 5 seconds: segment 0 is sealed at 30, segment 3 at 210 and stored at 212.
    // When a segment was sealed has no lower bound: it may have waited for the key. In a bucket it was stored at 32.
    world.policy.keys[0].valid_from = at(300);
    assert_eq!(world.codes(), [""; 0]);
    world.policy.keys[0].valid_from = at(37);
    assert_eq!(codes(&world.verify(&world.bucket())), [""; 0]);
    world.policy.keys[0].valid_from = at(38);
    assert_eq!(codes(&world.verify(&world.bucket())), ["key-outside-span"]);
    world.policy.keys[0].valid_from = at(0);
    world.policy.keys[0].retired_at = Some(at(205));
    assert_eq!(world.codes(), [""; 0]);
    let report = world.verify(&world.bucket());
    assert_eq!(codes(&report), ["key-outside-span"]);
    assert!(
        report.faults()[0].what.to_string().contains("stored"),
        "{report:?}"
    );
    world.policy.keys[0].retired_at = Some(at(204));
    assert_eq!(world.codes(), ["key-outside-span"]);
}

#[test]
fn a_compromised_key_counts_up_to_its_last_good_segment() {
    let mut world = World::new(Key::ed25519(), 4);
    let declare = |world: &mut World, segment| {
        let last = world.position(segment);
        let last_good = LastGood {
            origin: origin(),
            segment,
            size: last.size,
            root: last.root,
        };
        world.policy.keys[0].compromised = Some(Compromised {
            at: at(100),
            last_good: vec![last_good],
        });
    };
    declare(&mut world, 3);
    assert_eq!(world.codes(), [""; 0]);
    declare(&mut world, 1);
    assert_eq!(world.codes(), ["key-compromised", "key-compromised"]);
    declare(&mut world, 3);
    let good =
        |world: &mut World| world.policy.keys[0].compromised.as_mut().unwrap().last_good[0].clone();
    let mut other = good(&mut world);
    other.root = world.position(2).root;
    world.policy.keys[0].compromised.as_mut().unwrap().last_good[0] = other;
    assert_eq!(world.codes(), ["last-good-mismatch"]);
    declare(&mut world, 3);
    world.segments.remove(&3);
    assert_eq!(world.codes(), ["last-good-mismatch"]);
}

#[test]
fn a_compromised_key_without_a_last_good_segment_gives_no_verdict() {
    let mut world = World::new(Key::ed25519(), 3);
    world.policy.keys[0].compromised = Some(Compromised {
        at: at(100),
        last_good: vec![],
    });
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    let undecided = report.undecided().iter().map(|one| one.what.code());
    assert_eq!(undecided.collect::<Vec<_>>(), ["no-last-good"]);
    world.segments.remove(&1);
    assert_eq!(world.verify(&world.folder()).verdict(), Verdict::Fault);
}

#[test]
fn after_expired_segments_any_authorised_key_may_be_the_active_one() {
    let (mut world, _) = rotated(both);
    for gone in 0..4 {
        world.segments.remove(&gone);
    }
    world.at = Some(500);
    world.now = 40 * 86_400;
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
    world.policy.logs[0].verifier_keys.pop();
    assert_eq!(world.codes(), ["key-unknown"]);
}
