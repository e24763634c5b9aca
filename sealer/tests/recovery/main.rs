//! The crash story, step by step: a store that fails where the test says so, and a spool that the next sealer finds.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Level, Provenance, SegmentBuilder, StoredPayload};
use auditlog_chain::keys::KeySpec;
use auditlog_chain::line::KeyChange;
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, LogError};
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::input::{InputName, Position, Running};
use auditlog_sealer::seal::{KnownHead, Limits, Sealer, Setup};
use auditlog_sealer::signer::{LocalKey, Signer};
use auditlog_sealer::spool::{Accepted, KnownInput, Spool};
use auditlog_sealer::store::{Clock, Store};
use auditlog_sealer::target::log_without_policy;
use auditlog_sealer::wal::{self, Encoder, Opening, Reader, Record};

use memory::{Memory, Mood, ORIGIN};

mod clock;
mod keys;
mod memory;
mod names;
mod service;

/// A clock that goes on by a millisecond at each look.
fn clock() -> Clock {
    let micros = AtomicI64::new(1_800_000_000_000_000);
    Arc::new(move || Timestamp::from_micros(micros.fetch_add(1000, Ordering::SeqCst)).unwrap())
}

fn signer() -> Arc<Signer> {
    Arc::new(Signer::Local(
        LocalKey::generate(KeySpec::EccNistP256).unwrap(),
    ))
}

struct Bench {
    store: Arc<Memory>,
    signer: Arc<Signer>,
    fencing: Fencing,
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        Self {
            store: Arc::new(Memory::new()),
            signer: signer(),
            fencing: Fencing::Condition,
            folder: tempfile::tempdir().unwrap(),
            clock: clock(),
        }
    }

    fn setup(&self) -> Setup {
        Setup {
            store: self.store.clone(),
            log: log_without_policy(ORIGIN, None).unwrap(),
            policy: None,
            signer: self.signer.clone(),
            previous: Vec::new(),
            clock: self.clock.clone(),
            limits: Limits::default(),
            fencing: self.fencing,
            known_head: KnownHead::Nothing,
            notify: Arc::new(|_| {}),
        }
    }

    fn spool(&self) -> Spool {
        Spool::open(self.folder.path(), "log", "writer").unwrap()
    }

    fn start(&self) -> Result<Sealer, Error> {
        Sealer::start(self.setup(), self.spool())
    }

    /// One run: appends the events, seals, ends.
    fn append(&self, events: &[&str]) -> Result<(), Error> {
        let mut sealer = self.start()?;
        push(&mut sealer, events, &self.clock);
        sealer.seal()?;
        sealer.into_spool().reported_all_but(0, None)
    }

    /// Waits until the store has so many segments.
    fn until_it_has(&self, segments: usize) {
        let begun = Instant::now();
        while self.store.objects().len() < segments {
            assert!(begun.elapsed() < Duration::from_secs(30));
            thread::yield_now();
        }
    }

    fn events(&self) -> Vec<String> {
        let event = |line: &String| {
            let (_, event) = line.split_once("\"event\":")?;
            Some(event.strip_suffix('}')?.to_owned())
        };
        self.texts().iter().filter_map(event).collect()
    }

    /// The lines that have an event.
    fn texts(&self) -> Vec<String> {
        let objects = self.store.objects();
        let mut lines = Vec::new();
        for versions in objects.values() {
            assert_eq!(versions.len(), 1);
            let text = zstd::stream::decode_all(versions[0].as_slice()).unwrap();
            let text = String::from_utf8(text).unwrap();
            let with_event = text.lines().filter(|line| line.contains("\"event\":"));
            lines.extend(with_event.map(str::to_owned));
        }
        lines
    }
}

/// Accepts each event with its place in an input that has no name.
fn push(sealer: &mut Sealer, events: &[&str], clock: &Clock) {
    let name = InputName::Unnamed(clock());
    for (number, event) in (1u64..).zip(events) {
        let payload = StoredPayload::event(event.as_bytes()).unwrap();
        sealer
            .append(&payload, &Provenance::default(), clock())
            .unwrap();
        sealer.accepting(Accepted {
            place: None,
            doubtful: 0,
            name: name.clone(),
            shown: "an input".to_owned(),
            position: Position {
                events: number,
                lines: number,
                bytes: number,
                hash: Running::of(b""),
            },
        });
        sealer.accept().unwrap();
    }
}

/// Events that no summary has reported.
fn recovered(sealer: &Sealer) -> u64 {
    let inputs = sealer.spool().inputs();
    inputs.iter().map(KnownInput::unreported).sum()
}

fn files(folder: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_put_that_failed_is_repeated_with_the_same_bytes() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    bench.store.set(Mood::Away);
    assert!(bench.append(&["2", "3"]).is_err());
    let kept = fs::read(bench.folder.path().join("000000000002.jsonl.zst")).unwrap();
    bench.store.set(Mood::Honest);
    let sealer = bench.start().unwrap();
    assert_eq!(recovered(&sealer), 2);
    assert_eq!(sealer.sealed().events, 0);
    let stored = bench.store.read("payments/000000000002.jsonl.zst").unwrap();
    assert_eq!(stored, Some(kept));
    assert_eq!(bench.events(), ["1", "2", "3"]);
}

#[test]
fn a_put_whose_answer_was_lost_is_found_to_be_ours() {
    for mood in [Mood::Mute, Mood::Repeated] {
        let bench = Bench::new();
        bench.append(&["1"]).unwrap();
        bench.store.set(mood);
        let ended = bench.append(&["2"]);
        assert_eq!(ended.is_err(), mood == Mood::Mute);
        bench.store.set(Mood::Honest);
        bench.append(&["3"]).unwrap();
        assert_eq!(bench.events(), ["1", "2", "3"]);
        assert_eq!(
            files(bench.folder.path()),
            ["head.json", "inputs.json", "lock", "spool.json"]
        );
    }
}

#[test]
fn the_same_lines_under_another_signature_are_not_ours() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    bench.store.set(Mood::Forged);
    let error = bench.append(&["2"]).unwrap_err();
    assert!(
        matches!(error, Error::Log(LogError::AnotherWriter { .. })),
        "{error}"
    );
    assert!(files(bench.folder.path()).contains(&"000000000002.jsonl.zst".to_owned()));
}

#[test]
fn the_first_segment_is_put_twice_when_the_log_is_created_and_never_again() {
    let bench = Bench::new();
    drop(bench.start().unwrap());
    assert_eq!(bench.store.creates(), 2);
    drop(bench.start().unwrap());
    assert_eq!(bench.store.creates(), 2);
    bench.append(&["1"]).unwrap();
    assert_eq!(bench.store.creates(), 3);
}

#[test]
fn a_crash_before_the_second_put_is_repeated_by_the_next_run() {
    let bench = Bench::new();
    bench.store.set(Mood::Mute);
    assert!(bench.start().is_err());
    assert_eq!(bench.store.creates(), 1);
    bench.store.set(Mood::Honest);
    drop(bench.start().unwrap());
    assert_eq!(bench.store.creates(), 2);
}

#[test]
fn a_store_that_ignores_the_condition_gets_no_event() {
    let bench = Bench::new();
    bench.store.set(Mood::Careless);
    let error = bench.start().err().unwrap();
    assert_eq!(
        error.to_string(),
        "memory ignores If-None-Match: it wrote payments/000000000000.jsonl.zst a second time"
    );
    // Nor does a later run take it for a log.
    let error = bench.start().err().unwrap();
    assert_eq!(
        error.to_string(),
        "payments/000000000000.jsonl.zst has 2 versions or more"
    );
}

#[test]
fn a_fenced_log_is_never_put_twice_and_a_fork_is_found() {
    let bench = Bench {
        fencing: Fencing::ListVersions,
        ..Bench::new()
    };
    bench.store.set(Mood::Careless);
    bench.append(&["1"]).unwrap();
    assert_eq!(bench.store.creates(), 2);
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    let key = "payments/000000000002.jsonl.zst";
    bench.store.create(key, b"another writer's").unwrap();
    let error = sealer.seal().err().unwrap();
    assert_eq!(error.to_string(), format!("{key} has 2 versions or more"));
}

/// A second attempt looks first: the first one may have written the object, and failed at the listing after it.
#[test]
fn a_fenced_segment_is_put_once_in_any_number_of_attempts() {
    let bench = Bench {
        fencing: Fencing::ListVersions,
        ..Bench::new()
    };
    bench.store.set(Mood::Careless);
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    bench.store.set(Mood::Unlisted);
    for _ in 0..3 {
        assert!(sealer.seal().is_err());
    }
    bench.store.set(Mood::Careless);
    sealer.seal().unwrap();
    assert_eq!(bench.store.creates(), 3);
    assert_eq!(bench.events(), ["1", "2"]);
}

#[test]
fn crash_before_a_stored_segment_was_forgotten_seals_nothing_twice() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    bench.store.set(Mood::Away);
    assert!(sealer.seal().is_err());
    drop(sealer);
    let names = ["000000000002.wal", "000000000002.jsonl.zst"];
    let before = names.map(|name| fs::read(bench.folder.path().join(name)).unwrap());
    bench.store.set(Mood::Honest);
    for left in [&names[..], &names[1..], &names[..1]] {
        drop(bench.start().unwrap());
        for (name, bytes) in names.iter().zip(&before) {
            if left.contains(name) {
                fs::write(bench.folder.path().join(name), bytes).unwrap();
            }
        }
    }
    bench.append(&["3"]).unwrap();
    assert_eq!(bench.events(), ["1", "2", "3"]);
}

#[test]
fn segment_that_was_closed_and_not_signed_is_signed_as_it_was() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    bench.store.set(Mood::Unasked);
    assert!(sealer.seal().is_err());
    drop(sealer);
    let lines = batches(&fs::read(bench.folder.path().join("000000000002.wal")).unwrap());
    bench.store.set(Mood::Honest);
    drop(bench.start().unwrap());
    let stored = bench.store.read("payments/000000000002.jsonl.zst").unwrap();
    let stored = zstd::stream::decode_all(stored.unwrap().as_slice()).unwrap();
    assert!(stored.starts_with(&lines.concat()));
    assert_eq!(bench.events(), ["1", "2"]);
}

#[test]
fn segment_that_was_closed_at_one_level_is_signed_by_a_run_at_another() {
    let word = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) % 700;
    let words: Vec<String> = (0..20_000).map(|n| word(n * n).to_string()).collect();
    let event = format!("\"{}\"", words.join(" "));
    let level = |number| Limits {
        level: Level::new(number).unwrap(),
        ..Limits::default()
    };
    let mut sizes = Vec::new();
    for (closed, signed) in [(3, 1), (1, 9), (9, 3)] {
        let bench = Bench::new();
        bench.append(&["1"]).unwrap();
        let setup = |number| Setup {
            limits: level(number),
            ..bench.setup()
        };
        let mut sealer = Sealer::start(setup(closed), bench.spool()).unwrap();
        push(&mut sealer, &[&event], &bench.clock);
        bench.store.set(Mood::Unasked);
        assert!(sealer.seal().is_err());
        drop(sealer);
        bench.store.set(Mood::Honest);
        drop(Sealer::start(setup(signed), bench.spool()).unwrap());
        assert_eq!(bench.events(), ["1", &event]);
        let stored = bench.store.read("payments/000000000002.jsonl.zst").unwrap();
        sizes.push(stored.unwrap().len() / 1000);
    }
    // Each level makes other frames, and it is that of the run that closed the segment.
    let [three, one, nine] = sizes[..] else {
        panic!("three sizes: {sizes:?}")
    };
    assert!(nine < three && three != one, "{sizes:?}");
}

/// The lines of each record of a write-ahead file.
fn batches(wal: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(std::io::Cursor::new(wal)).unwrap();
    let mut lines = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        lines.push(match record {
            Record::Opening(opening) => opening.lines.to_vec(),
            Record::Batch(batch) => batch.lines.to_vec(),
            Record::Close(close) => close.line.to_vec(),
        });
    }
    lines
}

#[test]
fn spool_cut_at_any_length_gives_back_its_whole_records() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let open = bench.folder.path().join("000000000002.wal");
    let mut sealer = bench.start().unwrap();
    let mut ends = Vec::new();
    for event in ["2", "3", "4"] {
        push(&mut sealer, &[event], &bench.clock);
        let synced = fs::read(&open).unwrap();
        ends.push(synced.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    }
    drop(sealer);
    let records = fs::read(&open).unwrap()[..ends[2]].to_vec();
    let before = bench.store.objects().clone();
    let (head, spool) = (bench.folder.path().join("head.json"), bench.folder.path());
    fs::copy(&head, spool.join("head.before")).unwrap();
    let is_near_an_end = |length: &usize| ends.iter().any(|end| length.abs_diff(*end) < 3);
    let lengths = 0..=records.len();
    for length in lengths.filter(|at| at.is_multiple_of(41) || is_near_an_end(at)) {
        *bench.store.objects() = before.clone();
        fs::copy(spool.join("head.before"), &head).unwrap();
        fs::write(&open, &records[..length]).unwrap();
        let expected = ends.iter().filter(|end| **end <= length).count();
        let sealer = bench.start().unwrap();
        // How many were accepted and how many are sealed is one and the same: each of these inputs has one event.
        let segments = sealer.head().next_segment - 2;
        assert_eq!(segments, u64::from(expected > 0), "at {length}");
        sealer.into_spool().reported_all_but(0, None).unwrap();
        assert_eq!(bench.events(), ["1", "2", "3", "4"][..=expected]);
    }
}

#[test]
fn spool_that_was_changed_is_not_sealed() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2", "3"], &bench.clock);
    drop(sealer);
    let open = bench.folder.path().join("000000000002.wal");
    let found = fs::read(&open).unwrap();
    let mut changed = found.clone();
    let event = b"\"event\":2";
    let at = found.windows(event.len()).position(|one| one == event);
    changed[at.unwrap() + event.len() - 1] = b'9';
    fs::write(&open, changed).unwrap();
    let spool = Spool::open(bench.folder.path(), "log", "writer");
    let error = spool.unwrap_err().to_string();
    assert!(
        error.contains("000000000002.wal: the record at byte ")
            && error.ends_with(" was changed after it was written"),
        "{error}"
    );
    assert_eq!(bench.store.keys().len(), 2);
    // Records that are whole and not the ones of this log.
    let mut encoder = Encoder::new(7);
    let mut forged = Vec::new();
    for (number, lines) in batches(&found).iter().enumerate() {
        let lines = String::from_utf8(lines.clone()).unwrap();
        let lines = lines.replace("\"event\":2", "\"event\":9");
        let lines = lines.as_bytes();
        if number == 0 {
            encoder.opening(&Opening {
                segment: 2,
                origin: ORIGIN,
                lines,
            });
        } else {
            encoder.batch(&wal::Batch {
                name: b"",
                source: b"",
                note: b"",
                count: 1,
                lines,
            });
        }
        forged.extend_from_slice(encoder.group());
        encoder.synced();
    }
    fs::write(&open, forged).unwrap();
    let error = bench.start().err().unwrap().to_string();
    assert!(
        error.contains("does not continue the log: ") && error.contains("`prev` is "),
        "{error}"
    );
    assert_eq!(bench.store.keys().len(), 2);
}

#[test]
fn a_spool_of_events_that_another_writer_has_overtaken_is_kept() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    bench.store.set(Mood::Away);
    assert!(sealer.seal().is_err());
    drop(sealer);
    bench.store.set(Mood::Honest);
    let other = tempfile::tempdir().unwrap();
    let spool = Spool::open(other.path(), "log", "other").unwrap();
    let setup = Setup {
        known_head: KnownHead::Unknown,
        ..bench.setup()
    };
    let mut other = Sealer::start(setup, spool).unwrap();
    push(&mut other, &["5"], &bench.clock);
    other.seal().unwrap();
    let error = bench.start().err().unwrap();
    assert!(
        matches!(error, Error::Log(LogError::AnotherWriter { .. })),
        "{error}"
    );
    assert!(files(bench.folder.path()).contains(&"000000000002.jsonl.zst".to_owned()));
    assert_eq!(bench.events(), ["1", "5"]);
}

#[test]
fn a_head_of_a_stranger_is_not_continued() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let stranger = signer();
    let setup = Setup {
        signer: stranger.clone(),
        ..bench.setup()
    };
    let error = Sealer::start(setup, bench.spool()).err().unwrap();
    assert!(
        matches!(error, Error::Log(LogError::UnknownSigner { .. })),
        "{error}"
    );

    // A segment in the right place, of the right log, by a key that nobody named.
    let bench = Bench::new();
    let head = Head::of_new_log(bench.setup().log.origin);
    let change = KeyChange {
        verifier_key: stranger.verifier_key(&head.origin),
        previous: None,
    };
    let closed = SegmentBuilder::open(head, (bench.clock)(), Some(change)).unwrap();
    let closed = closed.close((bench.clock)()).unwrap();
    let note = stranger.sign_segment(&closed).unwrap();
    let object = closed.finish(vec![note]).unwrap();
    bench
        .store
        .create("payments/000000000000.jsonl.zst", &object)
        .unwrap();
    let error = bench.start().err().unwrap();
    assert!(
        matches!(error, Error::Log(LogError::UnknownSigner { .. })),
        "{error}"
    );
}

#[test]
fn a_rotation_that_was_interrupted_is_finished_with_both_signatures() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let new = signer();
    let rotation = || Setup {
        signer: new.clone(),
        previous: vec![bench.signer.clone()],
        ..bench.setup()
    };
    let mut sealer = Sealer::start(rotation(), bench.spool()).unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    drop(sealer);
    let sealer = Sealer::start(rotation(), bench.spool()).unwrap();
    assert_eq!(recovered(&sealer), 1);
    let key = new.verifier_key(&sealer.head().origin);
    assert_eq!(sealer.log_key(), Some(key));
    drop(sealer);
    // The old key is still needed for the head, which it signed too.
    assert!(Sealer::start(rotation(), bench.spool()).is_ok());
    assert_eq!(bench.events(), ["1", "2"]);
}
