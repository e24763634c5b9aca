//! The names of batches, read from the log itself where the spool was lost.

use auditlog_chain::fault::{Fault, SegmentFault};
use auditlog_chain::line::{Body, Entry, Repeat, parse_line};
use auditlog_chain::segment::{check_segment, visit_leaf_lines};
use auditlog_chain::timestamp::Timestamp;

use super::Sealer;
use super::notice::Notice;
use crate::error::{Error, LogError};
use crate::names::{Fingerprint, Summing, Window};

/// The names of one segment, and when it was sealed.
type OfSegment = (Timestamp, Vec<Fingerprint>);

impl Sealer {
    /// Reads the names of the batches in the newest segments, back to those that were sealed so many seconds ago, and remembers them: a
    /// spool that does not know the log has lost them. It must follow [`Sealer::find`].
    ///
    /// Each segment is checked, and must be the one before the next one. Where one has expired, what is before it is not read. Says
    /// since when all names are known; `None` where all were read.
    ///
    /// # Errors
    ///
    /// Where a segment cannot be read, or is not valid, or the disk is full or fails.
    pub fn read_names(&mut self, seconds: i64) -> Result<Option<Timestamp>, Error> {
        let oldest = (self.setup.clock)().saturating_add_seconds(seconds.saturating_neg());
        let mut after = self.head();
        let mut found: Vec<OfSegment> = Vec::new();
        let (mut names, most) = (0u64, Window::default().names);
        while let Some(number) = after.next_segment.checked_sub(1).filter(|_| names < most) {
            let key = self.setup.log.segment_key(number);
            let Some(object) = self.setup.store.read(&key)? else {
                break;
            };
            let bad = |source| LogError::BadSegment {
                key: key.clone(),
                source: Box::new(source),
            };
            let checked = check_segment(&object, self.setup.expected(number)).map_err(bad)?;
            if *checked.head() != after {
                let (expected, found) = (after.last_leaf, checked.head().last_leaf);
                let fault = Fault::PrevMismatch { expected, found };
                return Err(bad(of_first_line(fault)).into());
            }
            if checked.sealed() < oldest {
                break;
            }
            let of_segment = names_of(&object).map_err(|fault| bad(of_first_line(fault)))?;
            let count = u64::try_from(of_segment.len()).unwrap_or(u64::MAX);
            names = names.saturating_add(count);
            found.push((checked.sealed(), of_segment));
            after = checked.before().clone();
        }
        for (sealed, of_segment) in found.iter().rev() {
            self.spool.remember_read(of_segment, *sealed)?;
        }
        let first = after.next_segment;
        self.notify(Notice::NamesRead { names, first });
        // What is accepted after this segment was closed is in those that were read.
        Ok(after.sealed)
    }
}

fn names_of(object: &[u8]) -> Result<Vec<Fingerprint>, Fault> {
    let mut reading = Reading::default();
    visit_leaf_lines(object, &mut |line| {
        // The segment was checked.
        if let Ok(line) = parse_line(line)
            && let Body::Entry(entry) = line.body
        {
            reading.take(line.time, &entry);
        }
    })?;
    reading.end();
    Ok(reading.names)
}

/// The batches of a segment, of which one may be half read.
#[derive(Default)]
struct Reading {
    names: Vec<Fingerprint>,
    batch: Option<Begun>,
}

/// A batch that has begun.
struct Begun {
    source: String,
    name: String,
    time: Timestamp,
    repeat: Option<Repeat>,
    content: Summing,
}

impl Reading {
    fn take(&mut self, time: Timestamp, entry: &Entry<'_>) {
        let source = entry.source.unwrap_or_default();
        if let Some(name) = entry.batch {
            self.end();
            self.batch = Some(Begun {
                source: source.to_owned(),
                name: name.to_owned(),
                time,
                repeat: entry.repeat,
                content: Summing::default(),
            });
        }
        // All entries of a batch have the time of its first one. The log does not say where a batch ends: one without a name that follows may be
        // taken for its end. Its sum is another one then, and a repeat of it is kept and marked.
        let is_of = |batch: &&mut Begun| {
            batch.source == source && batch.time == time && batch.repeat == entry.repeat
        };
        match self.batch.as_mut().filter(is_of) {
            Some(batch) => batch.content.add(entry.payload),
            None => self.end(),
        }
    }

    fn end(&mut self) {
        if let Some(batch) = self.batch.take() {
            let (source, name) = (batch.source.as_bytes(), batch.name.as_bytes());
            let content = batch.content.end();
            self.names
                .extend(Fingerprint::all_of(source, name, content));
        }
    }
}

const fn of_first_line(fault: Fault) -> SegmentFault {
    SegmentFault {
        line: Some(1),
        index: None,
        fault,
    }
}
