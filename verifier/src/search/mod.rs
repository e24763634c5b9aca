//! Looking for entries. Every segment that is read is verified by itself and compared with the one before it.

mod absent;
mod latest;
mod pointer;
pub mod shape;
mod waiting;
mod wanted;

use auditlog_chain::line::{Body, Entry, Payload};
use auditlog_chain::timestamp::Timestamp;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use absent::{Absent, Times};
pub use latest::latest;
use waiting::{Held, MOST_WAITING_BYTES, Waiting};
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
    /// Ranges of segments that are not there, and may have had an entry that was looked for.
    pub gaps: Vec<(u64, u64)>,
    /// Why no segment was read.
    pub nothing: Option<NothingRead>,
    /// Segments that were not accepted.
    pub refused: Vec<(u64, TrailError)>,
}

/// Why a search read no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NothingRead {
    /// The log has none.
    NoSegment,
    /// All of them were sealed before the span.
    Earlier,
    /// The first of them was opened at or after the end of the span.
    Later {
        /// Its number.
        number: u64,
        /// When it was opened.
        opened: Timestamp,
    },
}

/// The first entry that a query covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Its index.
    pub index: u64,
    /// Ranges of segments that are not there, and may have had an earlier one.
    pub gaps: Vec<(u64, u64)>,
}

/// What one segment gave.
struct Part<'w> {
    number: u64,
    result: Result<(Read, Held<'w>), TrailError>,
}

#[derive(Debug)]
struct Read {
    before: End,
    head: End,
    next_segment: u64,
    opened: Timestamp,
    entries: u64,
    /// `None` where too many wait already.
    matches: Option<Vec<Match>>,
    count: u64,
}

impl Read {
    fn times(&self) -> Times {
        Times {
            before: self.before.sealed,
            sealed: self.head.sealed,
        }
    }
}

/// Looks for entries, with as many checks at once as there are workers. Keeps the first `limit` and counts the others. What is wrong is in
/// [`Found::refused`], and the search goes on.
pub fn find(trail: &Trail<'_>, query: &Query, workers: usize, limit: usize) -> Found {
    find_within(trail, query, workers, limit, MOST_WAITING_BYTES)
}

/// The same, with at most so many bytes of matches that wait for an earlier segment.
pub(crate) fn find_within(
    trail: &Trail<'_>,
    query: &Query,
    workers: usize,
    limit: usize,
    most_waiting: usize,
) -> Found {
    let numbers = numbers(trail, query);
    let mut search = Search::over(trail, query, limit, &numbers);
    let budgets = Budgets::new(workers, trail.read_ahead());
    let begins_late = AtomicBool::new(false);
    let waiting = Waiting::up_to(most_waiting);
    // Of a later segment, no more are needed than are missing now.
    let missing = AtomicUsize::new(limit);
    parallel::in_order(
        budgets.readers(),
        numbers.into_iter(),
        |number| {
            // A later segment cannot have what an earlier one is already too late for.
            if begins_late.load(Ordering::Relaxed) {
                return None;
            }
            let _share = budgets.read(trail.bytes_of(number));
            let result = trail.fetch(number).and_then(|fetched| {
                let _turn = budgets.check();
                let limit = missing.load(Ordering::Relaxed);
                look(trail, fetched, query, limit, waiting.nothing())
            });
            Some(Part { number, result })
        },
        |part| {
            let Some(part) = part.filter(|_| !search.is_past) else {
                return;
            };
            search.take(part);
            missing.store(search.missing(), Ordering::Relaxed);
            if search.is_past {
                begins_late.store(true, Ordering::Relaxed);
            }
        },
    );
    search.found()
}

/// Looks for the first entry, one segment after the other.
///
/// # Errors
///
/// Where a segment was not accepted.
pub fn first(trail: &Trail<'_>, query: &Query) -> Result<Option<First>, TrailError> {
    let numbers = numbers(trail, query);
    let mut absent = Absent::after(before(trail, &numbers), (query.from, query.to));
    for number in numbers {
        let read = look_alone(trail, number, query, 1)?;
        absent.segment(number, Some(read.times()));
        if let Some(one) = read.matches.iter().flatten().next() {
            let (index, gaps) = (one.index, absent.gaps());
            return Ok(Some(First { index, gaps }));
        }
    }
    Ok(None)
}

/// The segments that may have what is looked for, up to the end of the log.
fn numbers(trail: &Trail<'_>, query: &Query) -> Vec<u64> {
    match query.from {
        Some(from) => trail.numbers_from(from),
        None => trail.numbers().collect(),
    }
}

/// The segment before the first of these that is there.
fn before(trail: &Trail<'_>, numbers: &[u64]) -> Option<u64> {
    let first = numbers.first().copied();
    trail
        .numbers()
        .rev()
        .find(|number| first.is_none_or(|first| *number < first))
}

/// A search under way.
struct Search<'s, 't> {
    trail: &'s Trail<'t>,
    query: &'s Query,
    limit: usize,
    found: Found,
    absent: Absent,
    last: Option<Read>,
    /// Whether the last segment begins after all that is looked for.
    is_past: bool,
}

impl<'s, 't> Search<'s, 't> {
    fn over(trail: &'s Trail<'t>, query: &'s Query, limit: usize, numbers: &[u64]) -> Self {
        let last = before(trail, numbers);
        let nothing = match (numbers.is_empty(), last) {
            (true, None) => Some(NothingRead::NoSegment),
            (true, Some(_)) => Some(NothingRead::Earlier),
            (false, _) => None,
        };
        Self {
            trail,
            query,
            limit,
            found: Found {
                nothing,
                ..Found::default()
            },
            absent: Absent::after(last, (query.from, query.to)),
            last: None,
            is_past: false,
        }
    }

    /// Adds what a segment gave.
    fn take(&mut self, part: Part<'_>) {
        let number = part.number;
        let times = part.result.as_ref().ok().map(|(read, _)| read.times());
        self.absent.segment(number, times);
        let (read, _held) = match part.result {
            Ok(read) => read,
            Err(error) => {
                self.found.refused.push((number, error));
                self.last = None;
                return;
            }
        };
        let opened = read.opened;
        self.is_past = self.query.to.is_some_and(|to| opened >= to);
        if self.is_past {
            if self.found.segments.is_none() && self.found.refused.is_empty() {
                self.found.nothing = Some(NothingRead::Later { number, opened });
            }
            return;
        }
        self.compare(number, &read);
        self.add(number, read);
    }

    /// With the segment before it, where that was accepted.
    fn compare(&mut self, number: u64, read: &Read) {
        let follows = self.last.as_ref();
        let follows = follows.filter(|last| last.next_segment == number);
        let fault = follows.and_then(|last| neighbour_fault(&last.head, &read.before));
        if let Some(fault) = fault {
            let place = Place {
                log: Some(self.trail.origin().clone()),
                object: Some(self.trail.key_of(number)),
                ..Place::default()
            };
            let what = fault.into();
            let wrong = TrailError::Wrong(Box::new(Placed { what, place }));
            self.found.refused.push((number, wrong));
        }
    }

    /// How many matches may be added.
    fn missing(&self) -> usize {
        self.limit.saturating_sub(self.found.matches.len())
    }

    fn add(&mut self, number: u64, mut read: Read) {
        let missing = self.missing();
        let matches = read.matches.take();
        let matches = matches.unwrap_or_else(|| self.again(number));
        let found = &mut self.found;
        found.matches.extend(matches.into_iter().take(missing));
        found.count = found.count.saturating_add(read.count);
        found.entries = found.entries.saturating_add(read.entries);
        let first = found.segments.map_or(number, |(first, _)| first);
        found.segments = Some((first, number));
        self.last = Some(read);
    }

    /// The matches of a segment that were dropped, as far as they are needed.
    fn again(&mut self, number: u64) -> Vec<Match> {
        let missing = self.missing();
        if missing == 0 {
            return Vec::new();
        }
        match look_alone(self.trail, number, self.query, missing) {
            Ok(read) => read.matches.unwrap_or_default(),
            Err(error) => {
                self.found.refused.push((number, error));
                Vec::new()
            }
        }
    }

    fn found(self) -> Found {
        Found {
            gaps: self.absent.gaps(),
            ..self.found
        }
    }
}

/// The entries of a segment that match, collected while it is checked.
struct Look<'q, 'w> {
    query: &'q Query,
    limit: usize,
    segment: u64,
    is_late: bool,
    /// `None` once there are too many that wait.
    matches: Option<Vec<Match>>,
    held: Held<'w>,
    count: u64,
}

impl Look<'_, '_> {
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
        let limit = self.limit;
        let Some(matches) = self.matches.as_mut().filter(|all| all.len() < limit) else {
            return;
        };
        let bytes = line.bytes.len().saturating_add(size_of::<Match>());
        if !self.held.add(bytes) {
            self.matches = None;
            return;
        }
        matches.push(Match {
            index: line.line.index,
            segment: self.segment,
            line: line.number,
            time: line.line.time,
            bytes: line.bytes.to_vec(),
        });
    }
}

/// Reads and checks a segment whose turn it is.
fn look_alone(
    trail: &Trail<'_>,
    number: u64,
    query: &Query,
    limit: usize,
) -> Result<Read, TrailError> {
    let waiting = Waiting::up_to(usize::MAX);
    let fetched = trail.fetch(number)?;
    let (read, _) = look(trail, fetched, query, limit, waiting.nothing())?;
    Ok(read)
}

/// Checks a segment and looks at its lines on the way.
fn look<'w>(
    trail: &Trail<'_>,
    fetched: Fetched<'_>,
    query: &Query,
    limit: usize,
    held: Held<'w>,
) -> Result<(Read, Held<'w>), TrailError> {
    let mut look = Look {
        query,
        limit,
        segment: fetched.number(),
        is_late: false,
        matches: Some(Vec::new()),
        held,
        count: 0,
    };
    let segment = trail.check_lines(fetched, &mut |line| look.line(line))?;
    let checked = segment.checked();
    let read = Read {
        before: checked.before().into(),
        head: checked.head().into(),
        next_segment: checked.head().next_segment,
        opened: checked.opened(),
        entries: checked.events(),
        matches: look.matches,
        count: look.count,
    };
    Ok((read, look.held))
}

impl Query {
    fn covers(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }

    fn matches(&self, payload: Payload<'_>) -> bool {
        let (Payload::Event(json) | Payload::Text(json) | Payload::Base64(json)) = payload;
        self.wanted.iter().all(|wanted| wanted.is_in(json))
    }
}
