//! A good log, mangled in every way that a loop can think of: all refused, each with exit code 1. As a folder, and as a bucket of whose
//! segments a run before kept some: with what it kept, the same is found as without.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use auditlog_chain::checkpoint::NoteSignature;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::segment::{Expected, FORMAT, check_segment};
use zstd::zstd_safe::CParameter;

use super::incremental::{cached, run_with_cache};
use super::ranges::assert_same;
use super::world::{Key, World, closed, opened, origin};
use crate::pins::Pins;
use crate::verdict::Verdict;
use crate::verify::verify;

/// The plain SHA-256 of bytes, which is also how a report names a policy.
fn hash_hex(bytes: &[u8]) -> String {
    TrustPolicy::digest(bytes).to_hex()
}

/// Segments of a log of which two blocks are kept, so that one is left where the other is mangled. With one less, it is one block.
const SEGMENTS: u64 = 5;

/// A log whose head is pinned, so that a tail that is cut off shows, and of which a run over it as a bucket kept blocks.
struct Pinned {
    world: World,
    /// Segments that were not read again.
    cached: Cell<u64>,
}

impl Deref for Pinned {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Pinned {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

fn pinned(key: Key, segments: u64) -> Pinned {
    let mut world = World::new(key, segments);
    let policy = world.policy();
    let report = run_with_cache(
        &world.bucket_by_content(),
        &world.request(&policy),
        &world.pins,
    );
    let head = report.logs()[0].verified().unwrap();
    _ = world.pins.take(head, &Pins::default());
    let cached = Cell::new(0);
    Pinned { world, cached }
}

impl Pinned {
    #[track_caller]
    fn refused(&self, what: impl Fn() -> String) {
        let report = self.verify(&self.folder());
        assert_eq!(report.verdict(), Verdict::Fault, "accepted: {}", what());
        assert_eq!(
            self.verdict_of_bucket(),
            Verdict::Fault,
            "in a bucket: {}",
            what()
        );
    }

    /// The same with what the run before kept, as without.
    fn verdict_of_bucket(&self) -> Verdict {
        let (bucket, policy) = (self.bucket_by_content(), self.policy());
        let request = self.request(&policy);
        let whole = verify(&bucket, &request, &self.pins, &mut |_| {}).unwrap();
        let report = run_with_cache(&bucket, &request, &self.pins);
        assert_same(&whole, &report, "with a cache");
        self.cached.set(self.cached.get() + cached(&report));
        report.verdict()
    }

    /// Otherwise a test says nothing about a cache.
    fn assert_cached(&self) {
        assert!(self.cached.get() > 0, "everything was read again");
    }
}

/// Tries a log with one object replaced, and puts the object back.
fn with_object(world: &mut Pinned, number: u64, bytes: Vec<u8>, what: impl Fn() -> String) {
    let good = world.segments.insert(number, bytes).unwrap();
    world.refused(what);
    world.segments.insert(number, good);
}

/// The same for one of very many changes: what is wrong in itself is a fault of the log (V7), so of these, one in so many is tried whole.
fn with_changed(world: &mut Pinned, number: u64, bytes: Vec<u8>, what: impl Fn() -> String) {
    let expected = Expected {
        origin: &origin(),
        segment: number,
        format: FORMAT,
    };
    let is_wrong = check_segment(&bytes, expected).is_err();
    let digest = hash_hex(&bytes);
    if !is_wrong || digest.starts_with('0') {
        with_object(world, number, bytes, what);
    }
}

fn each_flip(key: Key) {
    let mut world = pinned(key, 4);
    for number in 0..3 {
        for at in 0..world.segments[&number].len() {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut bytes = world.segments[&number].clone();
                bytes[at] ^= mask;
                with_changed(&mut world, number, bytes, || {
                    format!("segment {number}, byte {at} ^ {mask:#x}")
                });
            }
        }
    }
    world.assert_cached();
    assert_eq!(world.verify(&world.folder()).verdict(), Verdict::Verified);
    world.cached.set(0);
    assert_eq!(world.verdict_of_bucket(), Verdict::Verified);
    assert_eq!(world.cached.get(), 2);
}

#[test]
fn each_bit_of_each_byte_counts_under_ed25519() {
    each_flip(Key::ed25519());
}

#[test]
fn each_bit_of_each_byte_counts_under_p256() {
    each_flip(Key::p256());
}

#[test]
fn each_value_of_each_byte_of_the_smallest_log_counts() {
    // One segment does not make a block: nothing of it is kept.
    let world = World::new(Key::p256(), 1);
    let cached = Cell::new(0);
    let mut world = Pinned { world, cached };
    for at in 0..world.segments[&0].len() {
        for value in 0..=255 {
            let mut bytes = world.segments[&0].clone();
            if std::mem::replace(&mut bytes[at], value) != value {
                with_changed(&mut world, 0, bytes, || format!("byte {at} = {value:#x}"));
            }
        }
    }
}

#[test]
fn each_cut_and_each_added_byte_is_refused() {
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = pinned(key, 4);
        for number in 0..3 {
            let good = world.segments[&number].clone();
            for length in 0..good.len() {
                with_changed(&mut world, number, good[..length].to_vec(), || {
                    format!("{number} cut to {length}")
                });
                with_changed(&mut world, number, good[length + 1..].to_vec(), || {
                    format!("{number} from {length}")
                });
                let without = [&good[..length], &good[length + 1..]].concat();
                with_changed(&mut world, number, without, || {
                    format!("{number} without byte {length}")
                });
            }
            for byte in 0..=255 {
                with_changed(&mut world, number, [&good[..], &[byte]].concat(), || {
                    format!("{byte} behind")
                });
                with_changed(&mut world, number, [&[byte], &good[..]].concat(), || {
                    format!("{byte} before")
                });
            }
            for end in [b"".as_slice(), b"\n"] {
                with_changed(&mut world, number, [&good, end, &good].concat(), || {
                    "twice".to_owned()
                });
            }
        }
        world.assert_cached();
    }
}

#[test]
fn each_segment_that_is_removed_swapped_or_of_another_log_is_refused() {
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = pinned(key, SEGMENTS);
        let other = World::new(Key::p256(), SEGMENTS);
        for one in 0..SEGMENTS {
            let bytes = world.segments.remove(&one).unwrap();
            world.refused(|| format!("without segment {one}"));
            world.segments.insert(one, bytes);
            with_object(&mut world, one, other.segments[&one].clone(), || {
                format!("another log's {one}")
            });
            for two in (0..SEGMENTS).filter(|two| *two != one) {
                let bytes = world.segments[&two].clone();
                with_object(&mut world, one, bytes, || {
                    format!("segment {two} in place of {one}")
                });
                let (a, b) = (world.segments[&one].clone(), world.segments[&two].clone());
                world.segments.insert(one, b.clone());
                with_object(&mut world, two, a.clone(), || {
                    format!("segments {one} and {two} swapped")
                });
                world.segments.insert(one, a);
            }
        }
        for one in 0..SEGMENTS {
            // Once more at the end: by its number and index, it has another place.
            let bytes = world.segments[&one].clone();
            world.segments.insert(SEGMENTS, bytes);
            world.refused(|| format!("segment {one} once more"));
            world.segments.remove(&SEGMENTS);
        }
        let tail = world.segments.split_off(&1);
        world.refused(|| "all but segment 0".to_owned());
        world.segments = tail;
        world.refused(|| "segment 0 and the log's first line".to_owned());
        world.segments.clear();
        world.refused(|| "nothing".to_owned());
        world.assert_cached();
    }
}

/// The lines of a segment, each with its newline.
fn lines(object: &[u8]) -> Vec<Vec<u8>> {
    let text = zstd::decode_all(object).unwrap();
    text.split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

/// Every list that comes of dropping, repeating and swapping.
fn rearranged<T: Clone>(good: &[T]) -> Vec<(String, Vec<T>)> {
    let mut all = Vec::new();
    for one in 0..good.len() {
        let mut dropped = good.to_vec();
        dropped.remove(one);
        all.push((format!("without {one}"), dropped));
        let mut repeated = good.to_vec();
        repeated.insert(one, good[one].clone());
        all.push((format!("{one} twice"), repeated));
        for two in one + 1..good.len() {
            let mut swapped = good.to_vec();
            swapped.swap(one, two);
            all.push((format!("{one} and {two} swapped"), swapped));
        }
    }
    all
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut context = zstd::zstd_safe::CCtx::create();
    for parameter in [
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
        CParameter::WindowLog(22),
        CParameter::CompressionLevel(1),
    ] {
        context.set_parameter(parameter).unwrap();
    }
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(bytes.len()));
    context.compress2(&mut frame, bytes).unwrap();
    frame
}

/// A frame that stores its content: one raw block, small enough here.
fn stored(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let block = (length << 3 | 1).to_le_bytes();
    let checksum = compressed(content);
    let header = [&[0x28, 0xb5, 0x2f, 0xfd, 0xa4][..], &length.to_le_bytes()].concat();
    [
        &header,
        &block[..3],
        content,
        &checksum[checksum.len() - 4..],
    ]
    .concat()
}

/// Which of the three kinds of frame a line belongs in.
fn frame_of(line: &[u8]) -> u8 {
    let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
    if has(b",\"open\":{") || has(b",\"key\":{") {
        0
    } else if has(b",\"close\":{") || line.starts_with(b"{\"checkpoint\"") {
        2
    } else {
        1
    }
}

/// The lines in frames as the format has them, and the hash of the frames in the close line put right.
fn framed(lines: &[Vec<u8>], fix: bool) -> Vec<u8> {
    let mut object = Vec::new();
    for group in lines.chunk_by(|one, two| frame_of(one) == frame_of(two)) {
        let content = group.concat();
        if frame_of(&group[0]) != 2 {
            object.extend(compressed(&content));
            continue;
        }
        let mut text = String::from_utf8(content).unwrap();
        if let (true, Some(at)) = (fix, text.find(",\"frames\":\"")) {
            text.replace_range(at + 11..at + 75, &hash_hex(&object));
        }
        object.extend(stored(text.as_bytes()));
    }
    object
}

#[test]
fn the_frames_that_this_test_makes_are_good_ones() {
    let mut world = World::new(Key::ed25519(), 3);
    for number in 0..3 {
        let lines = lines(&world.segments[&number]);
        for fix in [false, true] {
            world.segments.insert(number, framed(&lines, fix));
            assert_eq!(world.codes_alone(), [""; 0], "segment {number}, {fix}");
        }
    }
}

#[test]
fn each_line_that_is_dropped_repeated_or_swapped_is_refused() {
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = pinned(key, SEGMENTS);
        for number in 0..SEGMENTS {
            let good = lines(&world.segments[&number]);
            let other = lines(&world.segments[&((number + 1) % SEGMENTS)]);
            let mut all = rearranged(&good);
            for (at, line) in other
                .iter()
                .enumerate()
                .filter(|(at, line)| good.get(*at) != Some(line))
            {
                let mut foreign = good.clone();
                if let Some(place) = foreign.get_mut(at) {
                    place.clone_from(line);
                    all.push((format!("line {at} of the next segment"), foreign));
                }
            }
            for (what, lines) in all {
                for fix in [false, true] {
                    let object = framed(&lines, fix);
                    with_object(&mut world, number, object, || {
                        format!("segment {number}, lines {what}, {fix}")
                    });
                }
            }
        }
        world.assert_cached();
    }
}

fn signatures(world: &World, number: u64) -> Vec<NoteSignature> {
    let expected = Expected {
        origin: &origin(),
        segment: number,
        format: FORMAT,
    };
    let checked = check_segment(&world.segments[&number], expected).unwrap();
    checked.signed_checkpoint().signatures.clone()
}

/// Everything is made to fit, over as many segments as it takes; only the signature cannot be.
#[test]
fn each_entry_that_is_dropped_repeated_or_swapped_and_chained_again_is_refused() {
    for key in [Key::ed25519(), Key::p256()] {
        let mut world = pinned(key, SEGMENTS);
        let good = world.segments.clone();
        let events = ["[1, 2.50, null]", "{\"user\":\"ada\",\"number\":1}"];
        let mut all = rearranged(&events);
        all.push(("none".to_owned(), Vec::new()));
        all.push((
            "edited".to_owned(),
            vec![events[0], "{\"user\":\"bob\",\"number\":1}"],
        ));
        for (what, forged) in all {
            let mut head = world.heads[1].clone();
            for number in 1..SEGMENTS {
                let kept = [
                    "[1, 2.50, null]".to_owned(),
                    format!("{{\"user\":\"ada\",\"number\":{number}}}"),
                ];
                let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
                let events = if number == 1 { &forged } else { &kept };
                let segment = closed(&head, None, events, opened(number), opened(number) + 30);
                head = segment.head().clone();
                let kept = signatures(&world, number);
                world.segments.insert(number, segment.finish(kept).unwrap());
                world.refused(|| format!("entries {what}, made to fit up to segment {number}"));
            }
            let codes = world.codes_alone();
            let wrong = codes.iter().filter(|code| **code == "signature-invalid");
            assert_eq!(wrong.count(), 4, "{what}: {codes:?}");
            world.segments.clone_from(&good);
        }
        world.assert_cached();
    }
}
