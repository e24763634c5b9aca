//! Looking for entries. Every segment that is read is verified by itself and compared with the one before it.

mod pointer;
pub mod shape;
mod wanted;

use auditlog_chain::line::{Body, Entry, Payload};
use auditlog_chain::timestamp::Timestamp;

pub use wanted::{Wanted, WantedError};

use crate::budget::Budgets;
use crate::facts::End;
use crate::parallel;
use crate::place::{Place, Placed};
use crate::range::before::neighbour_fault;
use crate::trail::{Fetched, Line, Trail, TrailError};

/// Which entries to look for: all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Each of these values is in the event.
    pub wanted: Vec<Wanted>,
}

/// An entry that was found, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index in the log.
    pub index: u64,
    /// Number of the segment.
    pub segment: u64,
    /// Number of the line in the segment, from 1.
    pub line: u64,
    /// Time of the line.
    pub time: Timestamp,
    /// The line.
    pub bytes: Vec<u8>,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Found {
    /// The first entries that match, in the order of the log, up to the limit.
    pub matches: Vec<Match>,
    /// How many match.
    pub count: u64,
    /// Number of entries that were read.
    pub entries: u64,
    /// The first and the last segment that were read.
    pub segments: Option<(u64, u64)>,
    /// Ranges of segments that are not there.
    pub gaps: Vec<(u64, u64)>,
    /// Segments that were not accepted.
    pub refused: Vec<(u64, TrailError)>,
}

/// What one segment gave.
struct Part {
    number: u64,
    result: Result<Read, TrailError>,
}

struct Read {
    before: End,
    head: End,
    next_segment: u64,
    opened: Timestamp,
    entries: u64,
    matches: Vec<Match>,
    count: u64,
}

/// Looks for entries, with as many checks at once as there are workers. Keeps the first `limit` and counts the others.
///
/// # Errors
///
/// Where no segment to begin with could be chosen. What is wrong later is in [`Found::refused`], and the search goes on.
pub fn find(
    trail: &Trail<'_>,
    query: &Query,
    workers: usize,
    limit: usize,
) -> Result<Found, TrailError> {
    let numbers = match query.from {
        Some(from) => trail.numbers_from(from)?,
        None => trail.numbers().collect(),
    };
    let first = numbers.first().copied();
    let mut found = Found::default();
    let mut last = None::<Read>;
    let mut is_past = false;
    let budgets = Budgets::new(workers, trail.read_ahead());
    let begins_late = std::sync::atomic::AtomicBool::new(false);
    parallel::in_order(
        budgets.readers(),
        numbers.into_iter(),
        |number| {
            // A later segment cannot have what an earlier one is already too late for.
            if begins_late.load(std::sync::atomic::Ordering::Relaxed) {
                return None;
            }
            let _share = budgets.read(trail.bytes_of(number));
            let result = trail.fetch(number).and_then(|fetched| {
                let _turn = budgets.check();
                look(trail, fetched, query, limit)
            });
            Some(Part { number, result })
        },
        |part| {
            let Some(part) = part.filter(|_| !is_past) else {
                return;
            };
            is_past = take(trail, query, limit, &mut found, &mut last, part);
            if is_past {
                begins_late.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        },
    );
    let read = found.segments.map_or(0, |(_, last)| last);
    let is_within = |gap: &(u64, u64)| first.is_none_or(|first| gap.1 >= first) && gap.0 <= read;
    found.gaps = trail.gaps().into_iter().filter(is_within).collect();
    Ok(found)
}

/// Adds what a segment gave; whether it begins after all that is looked for.
fn take(
    trail: &Trail<'_>,
    query: &Query,
    limit: usize,
    found: &mut Found,
    last: &mut Option<Read>,
    part: Part,
) -> bool {
    let number = part.number;
    let mut read = match part.result {
        Ok(read) => read,
        Err(error) => {
            found.refused.push((number, error));
            *last = None;
            return false;
        }
    };
    if query.to.is_some_and(|to| read.opened >= to) {
        return true;
    }
    let follows = last.as_ref().filter(|last| last.next_segment == number);
    if let Some(fault) = follows.and_then(|last| neighbour_fault(&last.head, &read.before)) {
        let place = Place {
            log: Some(trail.origin().clone()),
            object: Some(trail.key_of(number)),
            ..Place::default()
        };
        let what = fault.into();
        found
            .refused
            .push((number, TrailError::Wrong(Box::new(Placed { what, place }))));
    }
    let room = limit.saturating_sub(found.matches.len());
    found
        .matches
        .extend(std::mem::take(&mut read.matches).into_iter().take(room));
    found.count = found.count.saturating_add(read.count);
    found.entries = found.entries.saturating_add(read.entries);
    let first = found.segments.map_or(number, |(first, _)| first);
    found.segments = Some((first, number));
    *last = Some(read);
    false
}

/// The entries of a segment that match, collected while it is checked.
struct Look<'q> {
    query: &'q Query,
    limit: usize,
    segment: u64,
    is_late: bool,
    matches: Vec<Match>,
    count: u64,
}

impl Look<'_> {
    fn line(&mut self, line: Line<'_>) {
        match &line.line.body {
            Body::Open(_) => self.is_late = self.query.to.is_some_and(|to| line.line.time >= to),
            Body::Entry(entry) if !self.is_late => self.entry(line, entry),
            Body::Entry(_) | Body::Key(_) | Body::Close(_) => {}
        }
    }

    fn entry(&mut self, line: Line<'_>, entry: &Entry<'_>) {
        if !self.query.covers(line.line.time) || !self.query.matches(entry.payload) {
            return;
        }
        self.count = self.count.saturating_add(1);
        if self.matches.len() < self.limit {
            self.matches.push(Match {
                index: line.line.index,
                segment: self.segment,
                line: line.number,
                time: line.line.time,
                bytes: line.bytes.to_vec(),
            });
        }
    }
}

/// Checks a segment and looks at its lines on the way.
fn look(
    trail: &Trail<'_>,
    fetched: Fetched<'_>,
    query: &Query,
    limit: usize,
) -> Result<Read, TrailError> {
    let mut look = Look {
        query,
        limit,
        segment: fetched.number(),
        is_late: false,
        matches: Vec::new(),
        count: 0,
    };
    let segment = trail.check_lines(fetched, &mut |line| look.line(line))?;
    let checked = segment.checked();
    Ok(Read {
        before: checked.before().into(),
        head: checked.head().into(),
        next_segment: checked.head().next_segment,
        opened: checked.opened(),
        entries: checked.events(),
        matches: look.matches,
        count: look.count,
    })
}

impl Query {
    /// Index of the first entry of a segment that matches.
    ///
    /// # Errors
    ///
    /// Where the segment was not accepted.
    pub fn first_in(&self, trail: &Trail<'_>, number: u64) -> Result<Option<u64>, TrailError> {
        let read = look(trail, trail.fetch(number)?, self, 1)?;
        Ok(read.matches.first().map(|one| one.index))
    }

    fn covers(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }

    fn matches(&self, payload: Payload<'_>) -> bool {
        let (Payload::Event(json) | Payload::Text(json) | Payload::Base64(json)) = payload;
        self.wanted.iter().all(|wanted| wanted.is_in(json))
    }
}
