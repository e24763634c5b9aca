//! The crash story, step by step: a store that fails where the test says so, and a spool that the next sealer finds.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use auditlog_chain::builder::{Provenance, SegmentBuilder, StoredPayload};
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
use auditlog_sealer::store::Store;
use auditlog_sealer::target::log_without_policy;

use memory::{Memory, Mood};

mod clock;
mod memory;

const ORIGIN: &str = "acme.example/audit/payments";

/// A clock that goes on by a millisecond at each look.
fn clock() -> impl Fn() -> Timestamp {
    let micros = Cell::new(1_800_000_000_000_000);
    move || {
        micros.set(micros.get() + 1000);
        Timestamp::from_micros(micros.get()).unwrap()
    }
}

fn signer() -> Signer {
    Signer::Local(LocalKey::generate(KeySpec::EccNistP256).unwrap())
}

struct Bench {
    store: Memory,
    signer: Signer,
    fencing: Fencing,
    folder: tempfile::TempDir,
    clock: Box<dyn Fn() -> Timestamp>,
}

impl Bench {
    fn new() -> Self {
        Self {
            store: Memory::new(),
            signer: signer(),
            fencing: Fencing::Condition,
            folder: tempfile::tempdir().unwrap(),
            clock: Box::new(clock()),
        }
    }

    fn setup(&self) -> Setup<'_> {
        Setup {
            store: &self.store,
            log: log_without_policy(ORIGIN, None).unwrap(),
            policy: None,
            signer: &self.signer,
            previous: None,
            clock: &self.clock,
            limits: Limits::default(),
            fencing: self.fencing,
            known_head: KnownHead::Nothing,
            notify: &|_| {},
        }
    }

    fn spool(&self) -> Spool {
        Spool::open(self.folder.path(), "log", "writer").unwrap()
    }

    fn start(&self) -> Result<Sealer<'_>, Error> {
        Sealer::start(self.setup(), self.spool())
    }

    /// One run: appends the events, seals, ends.
    fn append(&self, events: &[&str]) -> Result<(), Error> {
        let mut sealer = self.start()?;
        push(&mut sealer, events, &self.clock);
        sealer.seal()?;
        sealer.into_spool().reported_all_but(0, None)
    }

    fn events(&self) -> Vec<String> {
        let objects = self.store.objects.borrow();
        let mut events = Vec::new();
        for versions in objects.values() {
            assert_eq!(versions.len(), 1);
            let text = zstd::stream::decode_all(versions[0].as_slice()).unwrap();
            let text = String::from_utf8(text).unwrap();
            let event = |line: &str| {
                Some(
                    line.split_once("\"event\":")?
                        .1
                        .strip_suffix('}')?
                        .to_owned(),
                )
            };
            events.extend(text.lines().filter_map(event));
        }
        events
    }
}

/// Accepts each event with its place in an input that has no name.
fn push(sealer: &mut Sealer<'_>, events: &[&str], clock: &dyn Fn() -> Timestamp) {
    let name = InputName::Unnamed(clock());
    for (number, event) in (1u64..).zip(events) {
        let payload = StoredPayload::event(event.as_bytes()).unwrap();
        sealer
            .append(&payload, &Provenance::default(), clock())
            .unwrap();
        sealer.accepting(Accepted {
            place: None,
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

/// Lines as the spool keeps them: a record that is of no input.
fn record(lines: &[u8]) -> Vec<u8> {
    let sum = Running::of(&[lines, b"null"].concat()).to_base64();
    let end = format!("{{\"record\":null,\"sum\":\"{sum}\"}}\n");
    [lines, end.as_bytes()].concat()
}

/// Events that no summary has reported.
fn recovered(sealer: &Sealer<'_>) -> u64 {
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
    bench.store.mood.set(Mood::Away);
    assert!(bench.append(&["2", "3"]).is_err());
    let kept = fs::read(bench.folder.path().join("000000000002.jsonl.zst")).unwrap();
    bench.store.mood.set(Mood::Honest);
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
        bench.store.mood.set(mood);
        let ended = bench.append(&["2"]);
        assert_eq!(ended.is_err(), mood == Mood::Mute);
        bench.store.mood.set(Mood::Honest);
        bench.append(&["3"]).unwrap();
        assert_eq!(bench.events(), ["1", "2", "3"]);
        assert_eq!(
            files(bench.folder.path()),
            [
                "head.json",
                "inputs.json",
                "lock",
                "open.frames",
                "open.jsonl",
                "spool.json"
            ]
        );
    }
}

#[test]
fn the_same_lines_under_another_signature_are_not_ours() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    bench.store.mood.set(Mood::Forged);
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
    assert_eq!(bench.store.creates.get(), 2);
    drop(bench.start().unwrap());
    assert_eq!(bench.store.creates.get(), 2);
    bench.append(&["1"]).unwrap();
    assert_eq!(bench.store.creates.get(), 3);
}

#[test]
fn a_crash_before_the_second_put_is_repeated_by_the_next_run() {
    let bench = Bench::new();
    bench.store.mood.set(Mood::Mute);
    assert!(bench.start().is_err());
    assert_eq!(bench.store.creates.get(), 1);
    bench.store.mood.set(Mood::Honest);
    drop(bench.start().unwrap());
    assert_eq!(bench.store.creates.get(), 2);
}

#[test]
fn a_store_that_ignores_the_condition_gets_no_event() {
    let bench = Bench::new();
    bench.store.mood.set(Mood::Careless);
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
    bench.store.mood.set(Mood::Careless);
    bench.append(&["1"]).unwrap();
    assert_eq!(bench.store.creates.get(), 2);
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    let key = "payments/000000000002.jsonl.zst";
    bench.store.create(key, b"another writer's").unwrap();
    let error = sealer.seal().err().unwrap();
    assert_eq!(error.to_string(), format!("{key} has 2 versions or more"));
}

#[test]
fn a_crash_before_the_open_segment_was_emptied_seals_nothing_twice() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    let open = bench.folder.path().join("open.jsonl");
    let lines = fs::read(&open).unwrap();
    bench.store.mood.set(Mood::Away);
    assert!(sealer.seal().is_err());
    drop(sealer);
    fs::write(&open, lines).unwrap();
    bench.store.mood.set(Mood::Honest);
    bench.append(&["3"]).unwrap();
    assert_eq!(bench.events(), ["1", "2", "3"]);
}

#[test]
fn a_segment_that_was_closed_and_not_signed_is_signed_as_it_was() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let head = bench.start().unwrap().head().clone();
    let mut builder = SegmentBuilder::open(head, (bench.clock)(), None).unwrap();
    let mut lines = builder.opening_lines().to_vec();
    let payload = StoredPayload::event(b"2").unwrap();
    lines.extend_from_slice(
        builder
            .append(&Provenance::default(), &payload, (bench.clock)())
            .unwrap(),
    );
    let closed = builder.close((bench.clock)()).unwrap();
    lines.extend_from_slice(closed.close_line());
    fs::write(bench.folder.path().join("open.jsonl"), record(&lines)).unwrap();
    fs::write(bench.folder.path().join("open.frames"), closed.frames()).unwrap();
    let sealer = bench.start().unwrap();
    assert_eq!(sealer.head(), closed.head());
    assert_eq!(bench.events(), ["1", "2"]);
}

#[test]
fn a_spool_cut_at_any_length_gives_back_its_whole_records() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2", "3", "4"], &bench.clock);
    drop(sealer);
    let open = bench.folder.path().join("open.jsonl");
    let records = fs::read(&open).unwrap();
    let before = bench.store.objects.borrow().clone();
    let (head, spool) = (bench.folder.path().join("head.json"), bench.folder.path());
    fs::copy(&head, spool.join("head.before")).unwrap();
    let near_a_line_end = |length: &usize| {
        let around = length.saturating_sub(2)..(length + 1).min(records.len());
        length.is_multiple_of(41) || records[around].contains(&b'\n')
    };
    for length in (0..=records.len()).filter(near_a_line_end) {
        *bench.store.objects.borrow_mut() = before.clone();
        fs::copy(spool.join("head.before"), &head).unwrap();
        fs::write(&open, &records[..length]).unwrap();
        let text = String::from_utf8_lossy(&records[..length]);
        let whole = text.split_inclusive('\n');
        let whole = whole.filter(|line| line.starts_with("{\"record\"") && line.ends_with('\n'));
        let expected = whole.count();
        let sealer = bench.start().unwrap();
        // How many were accepted and how many are sealed is one and the same.
        assert_eq!(recovered(&sealer), expected as u64, "at {length}");
        sealer.into_spool().reported_all_but(0, None).unwrap();
        assert_eq!(bench.events(), ["1", "2", "3", "4"][..=expected]);
    }
}

#[test]
fn a_spool_that_was_changed_is_not_sealed() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let mut sealer = bench.start().unwrap();
    push(&mut sealer, &["2", "3"], &bench.clock);
    drop(sealer);
    let open = bench.folder.path().join("open.jsonl");
    let found = fs::read_to_string(&open).unwrap();
    let changed = found.replace("\"event\":2", "\"event\":9");
    fs::write(&open, changed).unwrap();
    let spool = Spool::open(bench.folder.path(), "log", "writer");
    let error = spool.unwrap_err().to_string();
    assert!(
        error.ends_with("open.jsonl: line 3 is not the end of what was accepted before it"),
        "{error}"
    );
    assert_eq!(bench.store.keys().len(), 2);
    // Records that are whole and not the ones of this log.
    let of_another_log = found.replace("\"event\":3", "\"event\":9");
    let lines = of_another_log.split_inclusive('\n');
    let lines: String = lines
        .filter(|line| !line.starts_with("{\"record\""))
        .collect();
    let lines = lines.replace("\"event\":2", "\"event\":9");
    fs::write(&open, record(lines.as_bytes())).unwrap();
    let error = bench.start().err().unwrap().to_string();
    assert!(
        error.contains("does not continue the log: `prev` is "),
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
    bench.store.mood.set(Mood::Away);
    assert!(sealer.seal().is_err());
    drop(sealer);
    bench.store.mood.set(Mood::Honest);
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
        signer: &stranger,
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
        signer: &new,
        previous: Some(&bench.signer),
        ..bench.setup()
    };
    let mut sealer = Sealer::start(rotation(), bench.spool()).unwrap();
    push(&mut sealer, &["2"], &bench.clock);
    drop(sealer);
    let sealer = Sealer::start(rotation(), bench.spool()).unwrap();
    assert_eq!(recovered(&sealer), 1);
    let key = new.verifier_key(&sealer.head().origin);
    assert_eq!(sealer.log_key(), Some(&key));
    drop(sealer);
    // The old key is still needed for the head, which it signed too.
    assert!(Sealer::start(rotation(), bench.spool()).is_ok());
    assert_eq!(bench.events(), ["1", "2"]);
}
