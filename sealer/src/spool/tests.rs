//! What a spool keeps, and what it refuses.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use auditlog_chain::line::Payload;

use super::file::IDENTITY;
use super::*;
use crate::input::{GivenName, Position, Running};
use crate::names::{ContentSum, Events, Summing};
use crate::wal::Batch;

fn spool(folder: &Path) -> Spool {
    Spool::open(folder, "log", "w").unwrap()
}

fn opened(spool: &Spool) -> WalWriter {
    let opening = Opening {
        segment: 1,
        origin: "acme.example/log",
        lines: b"{}\n",
    };
    spool.create_wal(&opening, Series::Usual).unwrap()
}

fn push(writer: &mut WalWriter, lines: &[u8], note: &Accepted) {
    writer.push(&Batch {
        name: b"",
        source: b"",
        note: &serde_json::to_vec(note).unwrap(),
        count: 1,
        lines,
    });
}

#[test]
fn second_process_and_another_log_are_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    // Made by mistake, and never used.
    drop(Spool::open(folder.path(), "mistaken", "m").unwrap());
    let first = spool(folder.path());
    push(&mut opened(&first), b"{1}\n", &accepted(1));
    let busy = Spool::open(folder.path(), "log", "w").unwrap_err();
    assert!(
        matches!(busy, Error::Spool(SpoolError::Busy { .. })),
        "{busy}"
    );
    drop(first);
    let other = Spool::open(folder.path(), "other", "w").unwrap_err();
    assert_eq!(
        other.to_string(),
        format!(
            "the spool {} belongs to log, not to other",
            folder.path().display()
        )
    );
    assert_eq!(
        Spool::open(folder.path(), "log", "new").unwrap().writer(),
        "w"
    );
}

#[test]
fn batches_that_were_synced_stay_and_a_torn_one_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(1));
    writer.sync().unwrap();
    let path = folder.path().join("000000000001.wal");
    let synced = fs::read(&path).unwrap();
    push(&mut writer, b"{2}\n", &accepted(2));
    writer.sync().unwrap();
    let whole = usize::try_from(writer.written()).unwrap();
    drop((writer, one));
    let mut torn = fs::read(&path).unwrap();
    torn[whole - 2..].fill(0);
    fs::write(&path, torn).unwrap();
    let two = spool(folder.path());
    let kept = two.kept().to_vec();
    assert_eq!((kept.len(), kept[0].batches, kept[0].events), (1, 1, 1));
    assert_eq!(kept[0].end, KeptEnd::Open);
    let mut writer = two.reopen_wal(&kept[0]).unwrap();
    assert!(synced.starts_with(&fs::read(&path).unwrap()));
    push(&mut writer, b"{3}\n", &accepted(2));
    writer.sync().unwrap();
    writer.close(b"{}\n").unwrap();
    drop((writer, two));
    let three = spool(folder.path());
    assert_eq!(
        (three.kept()[0].batches, three.kept()[0].end),
        (2, KeptEnd::Closed)
    );
}

#[test]
fn files_that_are_missing_or_not_closed_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    push(&mut opened(&one), b"{1}\n", &accepted(1));
    drop(one);
    let name = |number: u64| folder.path().join(format!("{number:012}.wal"));
    fs::copy(name(1), name(3)).unwrap();
    let error = Spool::open(folder.path(), "log", "w").unwrap_err();
    let expected = "000000000002.wal: the file is missing, although later ones are there";
    assert!(error.to_string().ends_with(expected), "{error}");
    fs::rename(name(3), name(2)).unwrap();
    let error = Spool::open(folder.path(), "log", "w").unwrap_err();
    let expected = "000000000001.wal: the file has no close record, although a later file is there";
    assert!(error.to_string().ends_with(expected), "{error}");
    fs::remove_file(name(1)).unwrap();
    let error = Spool::open(folder.path(), "log", "w").unwrap_err();
    let expected = "000000000002.wal: the file is that of segment 1";
    assert!(error.to_string().ends_with(expected), "{error}");
}

fn accepted(events: u64) -> Accepted {
    Accepted {
        place: None,
        doubtful: 0,
        name: InputName::Given(GivenName::parse("payments").unwrap()),
        shown: "payments".to_owned(),
        position: Position {
            events,
            lines: events,
            bytes: events,
            hash: Running::of(b"1"),
        },
    }
}

#[test]
fn file_of_names_that_was_changed_is_for_a_person_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let name = |number: u8| Fingerprint::of(b"app", &[number], ContentSum::of_lines(b""));
    for number in 0..2 {
        one.remember_all(&[name(number)], Timestamp::EPOCH).unwrap();
    }
    drop(one);
    let path = folder.path().join("names.log");
    let mut changed = fs::read(&path).unwrap();
    changed[20] ^= 1;
    fs::write(&path, changed).unwrap();
    let error = Spool::open(folder.path(), "log", "w").unwrap_err();
    let place = folder.path().display();
    let expected = format!("the spool {place}: names.log was changed: the names at byte 0");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(!error.can_be_mended());
    let hint = error.hint_of_service().unwrap();
    assert!(hint.starts_with("the disk or somebody has changed it: "));
}

/// A disk that does not cut files while it fails.
struct Uncut(RealDisk, Arc<AtomicBool>);

struct UncutFile(Box<dyn DiskFile>, Arc<AtomicBool>);

impl Disk for Uncut {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(UncutFile(
            self.0.create(name)?,
            Arc::clone(&self.1),
        )))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.0.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }
}

impl Read for UncutFile {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Seek for UncutFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl DiskFile for UncutFile {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(ErrorKind::Other.into());
        }
        self.0.set_length(length)
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        self.0.reserve(length)
    }
}

#[test]
fn file_that_cannot_be_cut_at_once_has_one_close_record() {
    let folder = tempfile::tempdir().unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Uncut(RealDisk::new(folder.path()), Arc::clone(&fails)));
    let one = Spool::open_on(disk, folder.path(), "log", "w", LostInputs::Refuse).unwrap();
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(1));
    writer.sync().unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(writer.close(b"{2}\n").is_err());
    fails.store(false, Ordering::SeqCst);
    let closed = writer.written();
    writer.close(b"{2}\n").unwrap();
    assert_eq!(writer.written(), closed);
    let length = fs::metadata(folder.path().join("000000000001.wal"));
    assert_eq!(length.unwrap().len(), closed);
}

#[test]
fn positions_outlive_their_segment() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(1));
    writer.sync().unwrap();
    drop((writer, one));
    let known = |spool: &Spool| spool.inputs().iter().cloned().collect::<Vec<_>>();
    // From the record, and from the file that takes it over.
    let two = spool(folder.path());
    let before = known(&two);
    assert_eq!(before[0].accepted, accepted(1));
    two.keep_finished(1, b"object").unwrap();
    drop(two);
    let three = spool(folder.path());
    assert_eq!(known(&three), before);
    assert_eq!(three.finished_numbers().unwrap(), [1]);
    assert_eq!(three.finished(1).unwrap().unwrap(), b"object");
    three.forget(1, &[], Timestamp::EPOCH).unwrap();
    drop(three);
    let four = spool(folder.path());
    assert_eq!(
        (four.kept(), four.finished_numbers().unwrap()),
        (&[][..], vec![])
    );
    assert_eq!(known(&four), before);
}

#[test]
fn file_that_was_read_to_its_end_is_so_still_while_its_segment_waits() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(1));
    push(&mut writer, b"{2}\n", &accepted(2));
    writer.sync().unwrap();
    one.accept(accepted(2));
    one.finish_inputs(&[accepted(2).name]);
    drop((writer, one));
    let reading = |spool: &Spool| spool.inputs().find(&accepted(2).name).unwrap().reading;
    let two = spool(folder.path());
    assert_eq!(reading(&two), Reading::Finished);
    // What comes after its end is not read.
    let mut writer = two.reopen_wal(&two.kept()[0]).unwrap();
    push(&mut writer, b"{3}\n", &accepted(3));
    writer.sync().unwrap();
    drop((writer, two));
    assert_eq!(reading(&spool(folder.path())), Reading::Unfinished);
}

/// A file may be written again, shorter, and go on at an accepted end that is before the one of then.
#[test]
fn what_was_accepted_after_an_end_counts_also_where_it_is_nearer_to_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(5));
    writer.sync().unwrap();
    one.accept(accepted(5));
    one.finish_inputs(&[accepted(5).name]);
    push(&mut writer, b"{2}\n", &accepted(3));
    writer.sync().unwrap();
    drop((writer, one));
    let two = spool(folder.path());
    let known = two.inputs().find(&accepted(3).name).cloned().unwrap();
    assert_eq!(
        (known.accepted, known.reading),
        (accepted(3), Reading::Unfinished)
    );
}

#[test]
fn names_of_a_long_queue_are_not_in_memory_after_a_restart_either() {
    const FILES: u64 = 10;
    const NAMES: u64 = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let one = spool(folder.path());
    let line = b"{\"time\":\"2026-11-27T00:00:00.000000Z\",\"index\":1,\"event\":1}\n";
    let name = |number: u64| format!("sender/{number}");
    for file in 0..FILES {
        let opening = Opening {
            segment: file + 1,
            origin: "acme.example/log",
            lines: b"{}\n",
        };
        let mut writer = one.create_wal(&opening, Series::Usual).unwrap();
        for number in file * NAMES..(file + 1) * NAMES {
            writer.push(&Batch {
                name: name(number).as_bytes(),
                source: b"app",
                note: b"",
                count: 1,
                lines: line,
            });
        }
        writer.sync().unwrap();
        writer.close(b"{}\n").unwrap();
    }
    drop(one);
    for round in 0..3 {
        let spool = spool(folder.path());
        let remembered = spool.remembered();
        assert_eq!(remembered.names, FILES * NAMES, "{round}");
        assert!(remembered.in_memory < 262_144, "{remembered:?}");
        let kept = spool
            .kept()
            .iter()
            .map(|kept| kept.names.len())
            .sum::<usize>();
        assert!(kept <= MAX_WAITING_NAMES, "{kept}");
        for number in (0..FILES * NAMES).step_by(997) {
            let content = ContentSum::of_lines(line);
            let name = Fingerprint::of(b"app", name(number).as_bytes(), content);
            let known = spool.knows(&name, Timestamp::EPOCH).unwrap();
            assert_eq!(known, Known::Within(Events::Same), "{number}");
        }
    }
}

/// A spool as version 1 made it, with what it holds.
fn old(folder: &Path, record: &str, file: &str, text: &str) {
    fs::write(folder.join(IDENTITY), record).unwrap();
    fs::write(folder.join(file), text).unwrap();
}

#[test]
fn a_spool_of_another_version_that_holds_something_is_refused_with_the_command_that_finishes_it() {
    let one = r#"{"spool":1,"log":"log","writer":"w"}"#;
    let three = r#"{"spool":3,"program":"0.1.7","log":"log","writer":"w"}"#;
    let nine = r#"{"spool":9,"program":"0.9.1","owner":"somebody"}"#;
    let unreported = r#"{"events":3,"next_segment":2,"told":0}"#;
    let maker = "the auditlog-seal that made it";
    for (record, file, text, version, program) in [
        (one, "open.jsonl", "{1}\n", "version 1", maker),
        (
            three,
            "open.jsonl",
            "{1}\n",
            "version 3",
            "auditlog-seal 0.1.7",
        ),
        (one, "000000000001.jsonl.zst", "object", "version 1", maker),
        (one, "run.json", unreported, "version 1", maker),
        (one, "run.json", "{", "version 1", maker),
        (nine, "open.jsonl", "", "version 9", "auditlog-seal 0.9.1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        old(folder.path(), record, file, text);
        let error = Spool::open(folder.path(), "log", "new").unwrap_err();
        let path = folder.path().display();
        assert_eq!(
            error.to_string(),
            format!("the spool {path} has {version}, this program reads version 8")
        );
        assert_eq!(
            error.hint().unwrap(),
            format!(
                "finish it with {program}, with the options that it was used with: \
                 auditlog-seal append … --spool {path} < /dev/null"
            )
        );
    }
    // Nothing says what it is.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("open.jsonl"), "{1}\n").unwrap();
    let error = Spool::open(folder.path(), "log", "new").unwrap_err();
    let expected = "spool.json: the record of the spool is missing";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn an_old_spool_that_holds_nothing_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    old(
        folder.path(),
        r#"{"spool":1,"log":"log","writer":"w"}"#,
        "run.json",
        r#"{"events":0,"next_segment":0,"told":0}"#,
    );
    fs::write(folder.path().join("open.jsonl"), "").unwrap();
    assert_eq!(spool(folder.path()).writer(), "w");
    assert!(!folder.path().join("run.json").exists());
    let record = fs::read_to_string(folder.path().join(IDENTITY)).unwrap();
    assert!(record.starts_with("{\"spool\":8,\"program\":"), "{record}");
}

/// It knew names alone, and had more of their hash where the sums of the events are now.
#[test]
fn names_of_a_spool_of_version_7_are_known_and_their_events_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let name = |events| Fingerprint::of(b"app", b"name", events);
    let mut summing = Summing::default();
    summing.add(Payload::Event("0"));
    let hash = summing.end();
    let one = spool(folder.path());
    one.remember_all(&[name(hash)], Timestamp::EPOCH).unwrap();
    drop(one);
    let identity = folder.path().join(IDENTITY);
    let record = fs::read_to_string(&identity).unwrap();
    let seven = record.replace("\"spool\":8", "\"spool\":7");
    assert_ne!(seven, record);
    fs::write(&identity, seven).unwrap();
    let one = spool(folder.path());
    let known = one.knows(&name(Summing::default().end()), Timestamp::EPOCH);
    assert_eq!(known.unwrap(), Known::Within(Events::Other));
    assert_eq!(fs::read_to_string(&identity).unwrap(), record);
}

#[test]
fn old_spool_without_events_keeps_what_it_remembers_or_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let known = |spool: &Spool| spool.inputs().iter().count();
    let one = spool(folder.path());
    one.accept(accepted(1));
    one.reported_all_but(0, None).unwrap();
    drop(one);
    let three = r#"{"spool":3,"program":"0.1.7","log":"log","writer":"w"}"#;
    old(folder.path(), three, "open.jsonl", "");
    fs::write(folder.path().join("open.frames"), "frames").unwrap();
    let two = spool(folder.path());
    assert_eq!((known(&two), two.writer()), (1, "w"));
    assert!(!folder.path().join("open.frames").exists());
    drop(two);
    old(folder.path(), three, "inputs.json", "{}");
    let error = Spool::open(folder.path(), "log", "w").unwrap_err();
    let path = folder.path().display();
    assert_eq!(
        error.to_string(),
        format!(
            "the spool {path} has version 3 and holds no events; this program cannot read the rest of it"
        )
    );
    assert_eq!(
        error.hint().unwrap(),
        format!(
            "remove it (rm -r {path}), and run the command again with --pins FILE or --head-unknown"
        )
    );
}

#[test]
fn loss_of_memory_is_kept_from_when_it_was_found_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = |seconds| Timestamp::EPOCH.saturating_add_seconds(seconds);
    let one = spool(folder.path());
    assert_eq!(one.inputs().lost(), None);
    one.lose_memory(at(7), Some(at(3))).unwrap();
    // Also where nothing is accepted before the next start.
    drop(one);
    let two = spool(folder.path());
    two.lose_memory(at(9), Some(at(5))).unwrap();
    drop(two);
    let three = spool(folder.path());
    assert_eq!(three.inputs().lost(), Some(at(7)));
    assert_eq!(three.names_since(), Some(at(3)));
}

#[test]
fn place_without_a_doubtful_part_is_written_as_before() {
    let text = serde_json::to_string(&accepted(1)).unwrap();
    assert!(!text.contains("doubtful"), "{text}");
    assert_eq!(
        serde_json::from_str::<Accepted>(&text).unwrap(),
        accepted(1)
    );
    let inputs = serde_json::to_string(&Inputs::default()).unwrap();
    assert_eq!(inputs, "{\"inputs\":[]}");
}

#[test]
fn what_waits_is_seen_without_opening_the_spool_unless_another_process_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let look = |before| Peek::into_spool(folder.path(), "log", before);
    assert!(look(None).is_none(), "it is not a spool");
    let one = spool(folder.path());
    let mut writer = opened(&one);
    push(&mut writer, b"{1}\n", &accepted(1));
    writer.sync().unwrap();
    assert!(look(None).is_none(), "another process has it");
    drop((writer, one));
    let listed = || {
        let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        let files = entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()));
        files.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = listed();
    let peek = look(None).unwrap();
    assert_eq!(listed(), before);
    let batches = |peek: &Peek| peek.kept().iter().map(|kept| kept.batches).sum::<u64>();
    assert_eq!(batches(&peek), 1);
    let of_another = Peek::into_spool(folder.path(), "other", None);
    assert!(of_another.is_none());
    // What another process has accepted meanwhile is seen, too.
    let two = spool(folder.path());
    let mut writer = two.reopen_wal(&two.kept()[0]).unwrap();
    push(&mut writer, b"{2}\n", &accepted(2));
    writer.sync().unwrap();
    drop((writer, two));
    assert_eq!(batches(&look(Some(peek)).unwrap()), 2);
    fs::write(folder.path().join(IDENTITY), "{\"spool\":9}").unwrap();
    assert!(look(None).is_none(), "it is of a later version");
}
