use auditlog_chain::line::Payload;

use super::*;
use crate::disk::RealDisk;

fn content(number: u64) -> ContentSum {
    let mut summing = Summing::default();
    summing.add(Payload::Event(&number.to_string()));
    summing.end()
}

fn name(number: u64) -> Fingerprint {
    Fingerprint::of(b"sender", &number.to_be_bytes(), content(1))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::EPOCH.saturating_add_seconds(seconds)
}

#[test]
fn names_are_remembered_over_restarts_and_files_until_they_are_outside_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let window = Window {
        seconds: 100,
        names: 700_000,
        known_seconds: 1000,
        known_names: 700_000,
    };
    let open = || Names::open(Arc::clone(&disk), window).unwrap();
    let chunk = 1u64 << 17;
    let mut names = open();
    for (time, begin) in (0..).zip((0..6).map(|part| part * chunk)) {
        let part: Vec<_> = (begin..begin + chunk).map(name).collect();
        names.take_over(&part, at(time)).unwrap();
        if time % 2 == 0 {
            names = open();
        }
    }
    // Two chunks make a file; three files are more than may be remembered.
    let known = |names: &Names, number| {
        let known = names.look_up(&name(number), at(5)).unwrap();
        known == Known::Within(Events::Same)
    };
    assert!(!known(&names, 0) && !known(&names, 2 * chunk - 1));
    assert!(known(&names, 2 * chunk) && known(&names, 6 * chunk - 1));
    assert!(!known(&names, 6 * chunk));
    assert_eq!(names.count(), 4 * chunk);
    names.insert(name(6 * chunk), at(5));
    assert!(known(&names, 6 * chunk));
    names.take_over(&[name(7 * chunk)], at(200)).unwrap();
    assert_eq!(names.count(), 2);
    // What was only in memory is in a write-ahead file.
    let mut names = open();
    assert_eq!(names.count(), 1);
    // Beyond the window, a name is known still, and it is known that it is beyond. Then it is forgotten.
    let is = |names: &Names, number| names.look_up(&name(number), at(200)).unwrap();
    assert_eq!(is(&names, 2 * chunk), Known::Beyond(Events::Same));
    assert_eq!(is(&names, 6 * chunk - 1), Known::Beyond(Events::Same));
    assert_eq!(is(&names, 7 * chunk), Known::Within(Events::Same));
    assert_eq!(is(&names, 0), Known::No);
    names.take_over(&[name(8 * chunk)], at(2000)).unwrap();
    assert_eq!(is(&names, 6 * chunk - 1), Known::No);
    assert_eq!(is(&open(), 6 * chunk - 1), Known::No);
}

#[test]
fn names_that_wait_are_taken_over_once_however_often_the_spool_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let open = || Names::open(Arc::clone(&disk), Window::default()).unwrap();
    let many: Vec<_> = (0..3 << 17).map(name).collect();
    let mut names = open();
    // Long ago, a few of them were accepted: they are to be in the window again.
    names.take_over(&many[..100], at(1)).unwrap();
    let count = |names: &Names| {
        names.log.len()
            + usize::try_from(names.sorted.iter().map(Sorted::count).sum::<u64>()).unwrap()
    };
    for round in 0..3 {
        for part in many.chunks(1 << 17) {
            names.take_over_earlier(part, at(1000)).unwrap();
        }
        assert_eq!(count(&names), many.len(), "{round}");
        assert!(names.remembered().in_memory < u64::try_from(SORT_AT).unwrap());
        names = open();
    }
    // What was torn off is taken over again, and nothing else.
    let mut more = many[..1 << 17].to_vec();
    more.extend((0..10).map(|number| name((1 << 32) + number)));
    names.take_over_earlier(&more, at(1000)).unwrap();
    assert_eq!(count(&names), many.len() + 10);
    for name in more.iter().step_by(1000).chain(&more[more.len() - 10..]) {
        assert_eq!(
            names.look_up(name, at(1000 + 72 * 3600)).unwrap(),
            Known::Within(Events::Same)
        );
    }
}

#[test]
fn torn_end_of_the_log_is_left_out_and_a_changed_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let open = || Names::open(Arc::clone(&disk), Window::default());
    let mut names = open().unwrap();
    names.take_over(&[name(1), name(2)], at(1)).unwrap();
    names.take_over(&[name(3)], at(2)).unwrap();
    let path = folder.path().join("names.log");
    let whole = std::fs::read(&path).unwrap();
    // Each byte of the first chunk, and not of the last: a crash may have left it like this.
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let count = open().map(|names| names.count());
        match at {
            0..48 => {
                let error = count.unwrap_err().to_string();
                assert!(
                    error.starts_with("names.log was changed: the names at byte 0"),
                    "{error}"
                );
                assert_eq!(std::fs::read(&path).unwrap(), changed);
            }
            _ => assert_eq!(count.unwrap(), 2, "{at}"),
        }
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut cut = open().unwrap();
        assert!([0, 2].contains(&cut.count()), "{length}");
        cut.take_over(&[name(4)], at(3)).unwrap();
        let known = open().unwrap().look_up(&name(4), at(3)).unwrap();
        assert_eq!(known, Known::Within(Events::Same));
    }
    let mut names = open().unwrap();
    names.sort().unwrap();
    let path = folder.path().join("00000001.names");
    let mut changed = std::fs::read(&path).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert!(open().is_err());
}

#[test]
fn name_leaves_the_window_though_no_other_comes() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let window = Window {
        seconds: 100,
        ..Window::default()
    };
    let open = || Names::open(Arc::clone(&disk), window).unwrap();
    let mut names = open();
    names.take_over(&[name(1)], at(0)).unwrap();
    names.take_over(&[name(2)], at(50)).unwrap();
    names.insert(name(3), at(60));
    let known = |names: &Names, seconds| {
        [1, 2, 3].map(|number| names.look_up(&name(number), at(seconds)).unwrap())
    };
    let (within, beyond) = (Known::Within(Events::Same), Known::Beyond(Events::Same));
    assert_eq!(known(&names, 100), [within; 3]);
    assert_eq!(known(&names, 101), [beyond, within, within]);
    assert_eq!(known(&names, 161), [beyond; 3]);
    assert_eq!(known(&open(), 101), [beyond, within, Known::No]);
    // A file is in the window as long as its newest name.
    names.sort().unwrap();
    assert_eq!(known(&names, 150), [within; 3]);
    assert_eq!(known(&names, 151), [beyond, beyond, within]);
    assert_eq!(known(&open(), 151), [beyond, beyond, Known::No]);
    // What comes again is in the window again.
    names.take_over(&[name(1)], at(200)).unwrap();
    assert_eq!(known(&names, 201)[0], within);
}

#[test]
fn names_that_cannot_be_sorted_are_taken_over_and_sorted_later() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let mut names = Names::open(Arc::clone(&disk), Window::default()).unwrap();
    // No file can have this name.
    let in_the_way = folder.path().join("00000001.names");
    std::fs::create_dir(&in_the_way).unwrap();
    let many: Vec<_> = (0..1 << 18).map(name).collect();
    names.take_over(&many, at(1)).unwrap();
    assert!(!folder.path().join("00000001.names.new").exists());
    assert_eq!(names.remembered().in_memory, 1 << 18);
    std::fs::remove_dir(&in_the_way).unwrap();
    names.take_over(&[name(1 << 18)], at(2)).unwrap();
    assert_eq!(names.remembered().in_memory, 0);
    assert!(in_the_way.is_file());
    let known = names.look_up(&name(1), at(3)).unwrap();
    assert_eq!(known, Known::Within(Events::Same));
}

#[test]
fn last_batch_of_a_name_is_told_from_others_in_memory_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let open = || Names::open(Arc::clone(&disk), Window::default()).unwrap();
    let with = |events| Fingerprint::of(b"sender", b"name", content(events));
    let known = |names: &Names| {
        [1, 2, 3].map(
            |events| match names.look_up(&with(events), at(9)).unwrap() {
                Known::Within(events) => events,
                other @ (Known::No | Known::Beyond(_)) => panic!("{other:?}"),
            },
        )
    };
    let (same, other) = (Events::Same, Events::Other);
    let mut names = open();
    // The second one is accepted before the segment of the first one is stored.
    names.insert(with(1), at(1));
    assert_eq!(known(&names), [same, other, other]);
    names.insert(with(2), at(1));
    names.take_over(&[with(1)], at(1)).unwrap();
    assert_eq!(known(&names), [other, same, other]);
    names.sort().unwrap();
    assert_eq!(known(&names), [other, same, other]);
    names.take_over(&[with(2)], at(1)).unwrap();
    assert_eq!(known(&names), [other, same, other]);
    assert_eq!(known(&open()), [other, same, other]);
    names.sort().unwrap();
    assert_eq!(names.remembered().in_memory, 0);
    assert_eq!(known(&names), [other, same, other]);
    // In one segment, in whatever order their sums are.
    for last in [1, 3] {
        let before = 4 - last;
        names
            .take_over(&[with(last), with(before), with(last)], at(1))
            .unwrap();
        let expected = [1, 2, 3].map(|events| if events == last { same } else { other });
        assert_eq!(known(&names), expected);
        assert_eq!(known(&open()), expected);
        names.sort().unwrap();
        assert_eq!(known(&open()), expected);
    }
    // Segments that were read from the log, or waited.
    let mut names = open();
    for (events, time) in [(1, 2), (2, 3)] {
        names.take_over_earlier(&[with(events)], at(time)).unwrap();
    }
    assert_eq!(known(&names), [other, same, other]);
    assert_eq!(known(&open()), [other, same, other]);
}
