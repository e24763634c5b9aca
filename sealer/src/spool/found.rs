//! What an earlier process left behind: each write-ahead file, read from its beginning to its end.

use auditlog_chain::line::parse_line;
use auditlog_chain::timestamp::Timestamp;

use crate::disk::DiskFile;
use crate::error::{Error, SpoolError, SpoolRecord};
use crate::names::{ContentSum, Fingerprint};
use crate::wal::{ReadError, Reader, Record, Tail};

use super::file::{Files, UNREADABLE, unusable, wal_name, wal_number};
use super::inputs::Accepted;
use crate::error::FileFault;

/// A write-ahead file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Number of the segment.
    pub segment: u64,
    /// Batches that were accepted.
    pub batches: u64,
    /// Their events.
    pub events: u64,
    /// Bytes of all its lines.
    pub line_bytes: u64,
    /// When its segment was opened.
    pub opened: Timestamp,
    /// How it ends.
    pub end: KeptEnd,
    /// What is behind its whole records.
    pub tail: Tail,
    /// The names of its batches, unless they are in the files of names.
    pub names: Vec<Fingerprint>,
    /// When the last of these was accepted.
    pub last_named: Timestamp,
}

/// How a write-ahead file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptEnd {
    /// Its opening was never synced: nothing was accepted into it.
    Unopened,
    /// It takes more batches.
    Open,
    /// It was closed.
    Closed,
}

/// Reads all write-ahead files, the oldest first. Each has what was accepted of inputs, in order. `each` gets a file before the next one is
/// read, and can take its names.
///
/// The next file is made after the one before it was closed and synced, and numbers have no gap. Where it is otherwise, somebody has
/// removed or copied files.
pub(super) fn look_through(
    files: &Files,
    names: &[String],
    accept: &mut dyn FnMut(Accepted),
    each: &mut dyn FnMut(&mut Kept),
) -> Result<Vec<Kept>, Error> {
    let mut all: Vec<Kept> = Vec::new();
    for segment in names.iter().filter_map(|name| wal_number(name)) {
        if let Some(before) = all.last() {
            must_follow(files, before, segment)?;
        }
        let mut kept = look(files, segment, accept)?;
        each(&mut kept);
        all.push(kept);
    }
    Ok(all)
}

fn must_follow(files: &Files, before: &Kept, segment: u64) -> Result<(), Error> {
    let expected = before.segment.saturating_add(1);
    if segment != expected {
        return Err(SpoolError::Absent {
            path: files.path(&wal_name(expected)),
        }
        .into());
    }
    if before.end != KeptEnd::Closed {
        return Err(SpoolError::NotClosed {
            path: files.path(&wal_name(before.segment)),
        }
        .into());
    }
    Ok(())
}

fn look(files: &Files, segment: u64, accept: &mut dyn FnMut(Accepted)) -> Result<Kept, Error> {
    let name = wal_name(segment);
    let fault = |error| fault_of(files, &name, error);
    let opened: Result<Reader<Box<dyn DiskFile>>, _> = Reader::new(files.open(&name)?);
    let mut reader = opened.map_err(|error| fault(error.into()))?;
    let (mut batches, mut events, mut names) = (0u64, 0u64, Vec::new());
    let (mut last_named, mut opened) = (Timestamp::EPOCH, Timestamp::EPOCH);
    let mut line_bytes = 0u64;
    let mut add = |lines: &[u8]| {
        let bytes = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        line_bytes = line_bytes.saturating_add(bytes);
    };
    while let Some(record) = reader.next_record().map_err(fault)? {
        match record {
            Record::Opening(opening) if opening.segment == segment => {
                opened = time_of(opening.lines);
                add(opening.lines);
            }
            Record::Opening(opening) => {
                return Err(SpoolError::OtherSegment {
                    path: files.path(&name),
                    found: opening.segment,
                }
                .into());
            }
            Record::Batch(batch) => {
                batches = batches.saturating_add(1);
                events = events.saturating_add(u64::from(batch.count));
                add(batch.lines);
                if !batch.name.is_empty() {
                    let content = ContentSum::of_lines(batch.lines);
                    names.extend(Fingerprint::all_of(batch.source, batch.name, content));
                    last_named = last_named.max(time_of(batch.lines));
                }
                if !batch.note.is_empty() {
                    accept(parse_note(files, &name, batch.note)?);
                }
            }
            Record::Close(close) => add(close.line),
        }
    }
    let tail = reader.tail();
    let end = match tail {
        Tail { whole: 0, .. } => KeptEnd::Unopened,
        Tail { closed: true, .. } => KeptEnd::Closed,
        Tail { closed: false, .. } => KeptEnd::Open,
    };
    Ok(Kept {
        segment,
        batches,
        events,
        line_bytes,
        opened,
        end,
        tail,
        names,
        last_named,
    })
}

/// When the first of some lines was written. Whether its lines are valid is found out later.
fn time_of(lines: &[u8]) -> Timestamp {
    let first = lines.split(|byte| *byte == b'\n').next();
    let line = first.and_then(|first| parse_line(first).ok());
    line.map_or(Timestamp::EPOCH, |line| line.time)
}

fn parse_note(files: &Files, name: &str, note: &[u8]) -> Result<Accepted, Error> {
    serde_json::from_slice(note).map_err(|source| {
        let path = files.path(name);
        let record = SpoolRecord::Accepted;
        SpoolError::Record {
            path,
            record,
            source,
        }
        .into()
    })
}

/// What went wrong while a write-ahead file was read.
pub(super) fn fault_of(files: &Files, name: &str, error: ReadError) -> Error {
    let path = files.path(name);
    match error {
        ReadError::Io(source) => unusable(FileFault::of(UNREADABLE, &path)(source)),
        ReadError::Fault(source) => SpoolError::Wal { path, source }.into(),
    }
}
