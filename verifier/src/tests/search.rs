//! Looking for entries: all that match are found, whatever was read is verified, and what was not read is named.

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::segment::Head;
use auditlog_chain::tree::CompactRange;

use super::counted::Counted;
use super::world::{Key, World, at, closed, opened};
use crate::search::{Found, NothingRead, Query, find, find_within, first};
use crate::source::Listed;
use crate::trail::{Trail, TrailError};
use crate::verdict::Verdict;

fn search(world: &World, query: &Query, readers: usize, limit: usize) -> Found {
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let memory = world.folder();
    let trail = Trail::open(&memory, &policy, &policy.document().logs[0], 5).unwrap();
    let found = find(&trail, query, readers, limit);
    // The same, where nearly all that matches is looked for again once it is its turn.
    for most in [0, 400] {
        let again = find_within(&trail, query, readers, limit, most);
        assert_eq!(format!("{again:?}"), format!("{found:?}"), "{most}");
    }
    found
}

fn indexes(found: &Found) -> Vec<u64> {
    found.matches.iter().map(|one| one.index).collect()
}

fn wanted(wanted: &[&str]) -> Query {
    Query {
        wanted: wanted.iter().map(|text| text.parse().unwrap()).collect(),
        ..Query::default()
    }
}

/// Segment 0 has three lines; each later one has an open line, two entries and a close line.
const ENTRIES: [u64; 8] = [4, 5, 8, 9, 12, 13, 16, 17];

#[test]
fn entries_are_found_by_value_and_by_time_with_any_number_of_readers() {
    let world = World::new(Key::ed25519(), 5);
    for readers in [1, 3] {
        let all = search(&world, &Query::default(), readers, 100);
        assert_eq!(indexes(&all), ENTRIES);
        assert_eq!((all.count, all.entries, all.segments), (8, 8, Some((0, 4))));
        let ada = search(&world, &wanted(&["/user=ada"]), readers, 100);
        assert_eq!(indexes(&ada), [5, 9, 13, 17]);
        let one = search(&world, &wanted(&["/user=ada", "/number=3"]), readers, 100);
        assert_eq!(indexes(&one), [13]);
        assert_eq!((one.matches[0].segment, one.matches[0].line), (3, 3));
        assert!(
            one.matches[0]
                .bytes
                .ends_with(br#""event":{"user":"ada","number":3}}"#)
        );
        let some = search(&world, &Query::default(), readers, 3);
        assert_eq!((indexes(&some), some.count), (vec![4, 5, 8], 8));
        for from in 0..6 {
            for to in 0..6 {
                let span = Query {
                    from: Some(at(opened(from))),
                    to: Some(at(opened(to))),
                    ..Query::default()
                };
                let found = search(&world, &span, readers, 100);
                let expected: Vec<u64> = ENTRIES
                    .into_iter()
                    .filter(|index| (from..to).contains(&(index / 4)))
                    .collect();
                assert_eq!(indexes(&found), expected, "{from} to {to}");
            }
        }
    }
}

#[test]
fn segments_that_were_not_read_are_named() {
    let mut world = World::new(Key::ed25519(), 6);
    world.segments.remove(&2);
    world.segments.remove(&3);
    world.segments.get_mut(&4).unwrap()[70] ^= 1;
    let found = search(&world, &Query::default(), 2, 100);
    assert_eq!(found.gaps, [(2, 3)]);
    assert_eq!(found.refused.len(), 1);
    assert!(matches!(found.refused[0], (4, TrailError::Wrong(_))));
    assert_eq!(indexes(&found), [4, 5, 20, 21]);
}

/// A holder of the key can sign a segment that does not continue the one before it; each is right by itself.
#[test]
fn a_segment_that_does_not_continue_its_predecessor_is_refused() {
    let mut world = World::new(Key::ed25519(), 3);
    let honest = world.head().clone();
    let roots = honest
        .range
        .roots()
        .iter()
        .map(|_| auditlog_chain::hash::leaf_hash(b"forged"));
    let range = CompactRange::from_roots(honest.range.size(), roots.collect()).unwrap();
    let forged = closed(
        &Head { range, ..honest },
        None,
        &["1"],
        opened(3),
        opened(3) + 30,
    );
    let signature = world.key.sign(&forged);
    world.add(forged, vec![signature]);
    let found = search(&world, &Query::default(), 2, 100);
    let [(3, TrailError::Wrong(placed))] = &found.refused[..] else {
        panic!("{:?}", found.refused);
    };
    assert_eq!(placed.what.code(), "left-mismatch");
}

/// One faulty segment, or old ones in an archive, do not end a search in later ones.
#[test]
fn a_search_in_later_segments_goes_on_after_one_that_was_refused() {
    let world = World::new(Key::ed25519(), 40);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let log = &policy.document().logs[0];
    let broken = |numbers: &[u64]| {
        let mut memory = world.bucket();
        for number in numbers {
            memory.archive(*number);
        }
        memory
    };
    let few: Vec<Vec<u64>> = (0..40).map(|number| vec![number]).collect();
    let old: Vec<Vec<u64>> = [20, 30, 39].map(|end| (0..end).collect()).to_vec();
    let each: Vec<Vec<u64>> = vec![(0..40).filter(|number| number % 3 == 1).collect()];
    for numbers in few.iter().chain(&old).chain(&each) {
        let memory = broken(numbers);
        let trail = Trail::open(&memory, &policy, log, 5).unwrap();
        for from in 0..40 {
            let query = span(Some(opened(from)), None);
            let found = find(&trail, &query, 2, 1000);
            // Segment 0 has no entry, each other one has two.
            let read = (from.max(1)..40).filter(|number| !numbers.contains(number));
            let count = u64::try_from(read.count()).unwrap() * 2;
            assert_eq!(found.count, count, "from {from}, without {numbers:?}");
            let refused: Vec<u64> = found.refused.iter().map(|(number, _)| *number).collect();
            let unread = numbers.iter().copied().filter(|number| *number >= from);
            let unread: Vec<u64> = unread.collect();
            assert!(
                refused.ends_with(&unread),
                "{from}: {refused:?}, {unread:?}"
            );
            // The next segment says when the one before it was sealed.
            if !numbers.contains(&from) {
                assert_eq!(refused, unread, "{from}, without {numbers:?}");
            }
        }
        for number in 1..40 {
            let index = number * 4;
            let segment = trail.segment_of_index(index);
            assert_eq!(segment.is_err(), numbers.contains(&number), "{index}");
            let found = segment.ok().flatten().map(|one| one.checked().number());
            assert!(found.is_none_or(|found| found == number));
        }
    }
}

/// Of a log whose old segments are all in an archive, a few are asked for.
#[test]
fn archived_segments_are_not_asked_one_by_one() {
    let world = World::new(Key::ed25519(), 200);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let mut memory = world.bucket();
    for number in 0..190 {
        memory.archive(number);
    }
    let counted = Counted::over(&memory);
    let trail = Trail::open(&counted, &policy, &policy.document().logs[0], 5).unwrap();
    assert_eq!(
        trail.numbers_from(at(opened(195))),
        [195, 196, 197, 198, 199]
    );
    let asked = counted.reads();
    assert!(asked < 40, "{asked}");
    let segment = trail.segment_of_index(195 * 4).unwrap().unwrap();
    assert_eq!(segment.checked().number(), 195);
    let asked = counted.reads() - asked;
    assert!(asked < 40, "{asked}");
}

/// V10: whoever has the old key of a log that ended can add segments to it, and nobody who asks gets to see them.
#[test]
fn what_is_after_the_declared_end_is_not_searched_and_not_shown() {
    let mut world = World::new(Key::ed25519(), 5);
    world.end_at(2);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let log = &policy.document().logs[0];
    let garbage = {
        let mut memory = world.folder();
        let key = "logs/payments/000000000007.jsonl.zst".to_owned();
        let what = "a symbolic link";
        memory.listed.push(Listed::Foreign { key, what });
        memory
    };
    let late = {
        let mut memory = world.bucket();
        // The oldest version of segment 4 is late, too; that of segment 1 is under another one.
        memory.put(1, "late", opened(2) + 32 + 6, b"forged".to_vec());
        memory
    };
    for (memory, disowned) in [(world.folder(), 2), (garbage, 2), (late, 3)] {
        let trail = Trail::open(&memory, &policy, log, 5).unwrap();
        let found = find(&trail, &Query::default(), 2, 100);
        assert_eq!(indexes(&found), ENTRIES[..4]);
        assert_eq!((found.refused.len(), found.gaps.len()), (0, 0));
        assert_eq!(trail.disowned(), disowned);
        let shown = trail.read(3).unwrap_err();
        assert!(matches!(shown, TrailError::AfterEnd { number: 3, end: 2 }));
        assert_eq!(shown.verdict(), Verdict::NoVerdict);
        assert!(trail.segment_of_index(13).unwrap().is_none());
        assert_eq!(
            trail
                .segment_of_index(9)
                .unwrap()
                .unwrap()
                .checked()
                .number(),
            2
        );
    }
    // A number whose only version is late is absent; the skew is allowed for.
    for (later, gaps) in [(5, vec![]), (6, vec![(1, 1)])] {
        let mut memory = world.bucket();
        memory.version(1).stored = Some(at(opened(2) + 32 + later));
        let trail = Trail::open(&memory, &policy, log, 5).unwrap();
        assert_eq!(find(&trail, &Query::default(), 2, 100).gaps, gaps);
    }
    // What a listing of a folder says of times is worth nothing.
    let mut memory = world.folder();
    memory.version(1).stored = Some(at(opened(4)));
    let trail = Trail::open(&memory, &policy, log, 5).unwrap();
    assert_eq!(find(&trail, &Query::default(), 2, 100).gaps, []);
}

#[test]
fn a_segment_at_the_declared_end_is_the_declared_one_or_a_fault() {
    let mut world = World::new(Key::ed25519(), 4);
    world.end_at(2);
    let root = world.position(1).root;
    world.policy.logs[0].ended.as_mut().unwrap().root = root;
    let found = search(&world, &Query::default(), 2, 100);
    let [(2, TrailError::Wrong(placed))] = &found.refused[..] else {
        panic!("{:?}", found.refused);
    };
    assert_eq!(placed.what.code(), "end-mismatch");
}

#[test]
fn a_version_that_is_listed_twice_ends_a_search_as_it_does_a_verification() {
    let world = World::new(Key::ed25519(), 3);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let mut memory = world.bucket();
    memory.listed.push(memory.listed[0].clone());
    let opened = Trail::open(&memory, &policy, &policy.document().logs[0], 5);
    let Err(error) = opened else {
        panic!("it opened");
    };
    assert!(error.to_string().contains("one version of"), "{error}");
}

/// Segments that are read ahead are in memory until their turn comes.
#[test]
fn segments_are_read_ahead_within_their_bytes_and_handed_over_in_order() {
    let world = World::new(Key::ed25519(), 20);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let log = &policy.document().logs[0];
    let largest = world.segments.values().map(Vec::len).max().unwrap();
    for (ahead, most) in [(1, 1), (3 * largest, 4), (1 << 20, 20)] {
        let memory = world.bucket();
        let counted = Counted::over(&memory).reading_ahead(ahead);
        let trail = Trail::open(&counted, &policy, log, 5).unwrap();
        let mut numbers = Vec::new();
        let read = trail.read_each(0..20, 2, |segment| {
            let read = counted.reads();
            assert!(read <= numbers.len() + most, "{ahead}: {read}");
            numbers.push(segment.checked().number());
            Ok::<(), TrailError>(())
        });
        read.unwrap();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
        // What comes after a segment that is not there is not handed over.
        let mut last = 0;
        let read = trail.read_each(15..25, 2, |segment| {
            last = segment.checked().number();
            Ok::<(), TrailError>(())
        });
        assert!(matches!(read, Err(TrailError::NotThere { number: 20 })));
        assert_eq!(last, 19);
    }
}

fn span(from: Option<i64>, to: Option<i64>) -> Query {
    Query {
        from: from.map(at),
        to: to.map(at),
        ..Query::default()
    }
}

/// Each segment is sealed 30 seconds after it was opened, and the next one is opened later than that.
#[test]
fn an_absent_segment_is_named_where_an_entry_of_the_span_may_have_been_in_it() {
    let mut world = World::new(Key::ed25519(), 6);
    for number in [0, 1, 3] {
        world.segments.remove(&number);
    }
    for (from, to, gaps) in [
        (None, None, vec![(0, 1), (3, 3)]),
        (Some(opened(1)), None, vec![(0, 1), (3, 3)]),
        (Some(opened(1) + 30), None, vec![(0, 1), (3, 3)]),
        (Some(opened(1) + 31), None, vec![(3, 3)]),
        (Some(opened(2)), None, vec![(3, 3)]),
        (Some(opened(3)), None, vec![(3, 3)]),
        (Some(opened(4)), None, vec![]),
        (None, Some(opened(5)), vec![(0, 1), (3, 3)]),
        // Segment 4 is later than the span, and segment 3 may not have been.
        (None, Some(opened(3)), vec![(0, 1), (3, 3)]),
        (None, Some(opened(2) + 31), vec![(0, 1), (3, 3)]),
        (None, Some(opened(2) + 30), vec![(0, 1)]),
        (Some(opened(2)), Some(opened(2) + 30), vec![]),
        (None, Some(opened(1)), vec![(0, 1)]),
    ] {
        let found = search(&world, &span(from, to), 2, 100);
        assert_eq!(found.gaps, gaps, "{from:?} {to:?}");
    }
}

#[test]
fn the_first_entry_of_a_time_is_found_and_absent_segments_that_may_have_had_an_earlier_one_are_named()
 {
    let mut world = World::new(Key::ed25519(), 6);
    world.segments.remove(&2);
    world.segments.remove(&3);
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let memory = world.folder();
    let trail = Trail::open(&memory, &policy, &policy.document().logs[0], 5).unwrap();
    for (from, expected) in [
        (opened(1), Some((4, vec![]))),
        (opened(2), Some((16, vec![(2, 3)]))),
        (opened(3), Some((16, vec![(2, 3)]))),
        (opened(4), Some((16, vec![]))),
        (opened(6), None),
    ] {
        let one = first(&trail, &span(Some(from), None)).unwrap();
        assert_eq!(one.map(|one| (one.index, one.gaps)), expected, "{from}");
    }
}

#[test]
fn a_search_that_reads_nothing_says_why() {
    let mut world = World::new(Key::ed25519(), 3);
    world.segments.remove(&0);
    let why = |world: &World, from, to| search(world, &span(from, to), 2, 100).nothing;
    assert_eq!(
        why(&world, Some(opened(9)), None),
        Some(NothingRead::Earlier)
    );
    let (number, time) = (1, at(opened(1)));
    assert_eq!(
        why(&world, None, Some(opened(1))),
        Some(NothingRead::Later {
            number,
            opened: time
        })
    );
    assert_eq!(why(&world, None, Some(opened(2))), None);
    world.segments.clear();
    assert_eq!(why(&world, None, None), Some(NothingRead::NoSegment));
}
