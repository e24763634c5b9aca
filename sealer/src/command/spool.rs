//! `auditlog-seal spool`: what a spool holds, while no process uses it or while one does. Nothing is changed.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use auditlog_chain::line::{Body, Payload, parse_line};
use auditlog_sealer::error::{Error, FileFault, MachineError, SpoolError};
use auditlog_sealer::wal::{ReadError, Reader, Record};

use super::arguments::SpoolArguments;
use super::output::print;

/// What each spool has.
const RECORD: &str = "spool.json";

pub(crate) fn run(arguments: &SpoolArguments) -> Result<(), Error> {
    let files = files(&arguments.spool)?;
    if arguments.events || arguments.entries {
        let print = if arguments.events {
            Print::Events
        } else {
            Print::Entries
        };
        let mut first = None;
        for path in &files {
            first = first.or(events(path, print).err());
        }
        return first.map_or(Ok(()), Err);
    }
    let mut text = String::new();
    for path in &files {
        let line = describe(path)?;
        // Writing into a string cannot fail.
        _ = writeln!(text, "{line}");
    }
    if files.is_empty() {
        text.push_str("no segment waits\n");
    }
    print(&text)
}

/// The write-ahead files of a spool, in order. A folder that is something else has none either, and says nothing about what waits.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut is_spool = false;
    for entry in fs::read_dir(folder).map_err(|error| unlisted(folder, error))? {
        let entry = entry.map_err(|error| unlisted(folder, error))?;
        let path = entry.path();
        is_spool |= entry.file_name() == RECORD;
        if path.extension() == Some("wal".as_ref()) {
            files.push(path);
        }
    }
    if files.is_empty() && !is_spool {
        return Err(not_a_spool(folder, format!("it has no {RECORD}")));
    }
    files.sort();
    Ok(files)
}

fn unlisted(folder: &Path, error: io::Error) -> Error {
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        return not_a_spool(folder, error.to_string());
    }
    SpoolError::File(FileFault::of("the spool cannot be listed", folder)(error)).into()
}

fn not_a_spool(folder: &Path, reason: String) -> Error {
    let path = folder.to_owned();
    SpoolError::NotASpool { path, reason }.into()
}

/// What one file holds, in one line.
fn describe(path: &Path) -> Result<String, Error> {
    let mut reader = open(path)?;
    let (mut batches, mut events, mut origin) = (0u64, 0u64, String::new());
    let name = path.file_name().unwrap_or_default().display();
    loop {
        match reader.next_record() {
            Ok(Some(Record::Opening(opening))) => opening.origin.clone_into(&mut origin),
            Ok(Some(Record::Batch(batch))) => {
                batches = batches.saturating_add(1);
                events = events.saturating_add(u64::from(batch.count));
            }
            Ok(Some(Record::Close(_))) => {}
            Ok(None) => break,
            Err(error) => return Err(fault(path, error)),
        }
    }
    let tail = reader.tail();
    let state = match (tail.whole, tail.closed) {
        (0, _) => "not opened",
        (_, true) => "closed",
        (_, false) => "open",
    };
    Ok(format!(
        "{name}: {state}, {events} events in {batches} batches, {} bytes, {origin}",
        tail.whole
    ))
}

/// What is printed of an entry.
#[derive(Clone, Copy)]
enum Print {
    /// Its event.
    Events,
    /// Its line in the log.
    Entries,
}

/// Prints the events or the entries of one file, each on a line. Those behind a record that was changed are printed too; the record is the error then.
fn events(path: &Path, print: Print) -> Result<(), Error> {
    let mut reader = open(path)?;
    let mut out = io::stdout().lock();
    let mut first = None;
    loop {
        let record = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(ReadError::Fault(wrong)) => {
                // What is intact behind it was acknowledged, too.
                let is_skipped = reader.skip().map_err(|error| fault(path, error.into()))?;
                let error = fault(path, wrong.into());
                if !is_skipped {
                    return Err(first.unwrap_or(error));
                }
                first = first.or(Some(error));
                continue;
            }
            Err(error) => return Err(fault(path, error)),
        };
        let Record::Batch(batch) = record else {
            continue;
        };
        for line in batch.lines.split(|byte| *byte == b'\n') {
            let Ok(Body::Entry(entry)) = parse_line(line).map(|line| line.body) else {
                continue;
            };
            let (Payload::Event(value) | Payload::Text(value) | Payload::Base64(value)) =
                entry.payload;
            let text = match print {
                Print::Events => value.as_bytes(),
                Print::Entries => line,
            };
            match out.write_all(text).and_then(|()| out.write_all(b"\n")) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written.map_err(MachineError::NoOutput)?,
            }
        }
    }
    first.map_or(Ok(()), Err)
}

fn open(path: &Path) -> Result<Reader<File>, Error> {
    let opened = File::open(path).and_then(Reader::new);
    opened.map_err(|error| fault(path, error.into()))
}

fn fault(path: &Path, error: ReadError) -> Error {
    match error {
        ReadError::Io(source) => {
            SpoolError::File(FileFault::of("the spool cannot be read", path)(source)).into()
        }
        ReadError::Fault(source) => SpoolError::Wal {
            path: path.to_owned(),
            source,
        }
        .into(),
    }
}
