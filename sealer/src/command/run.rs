//! One run of `append`: from lines to segments.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auditlog_chain::builder::{Batch, Provenance, Source, StoredPayload};
use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_chain::line::Repeat;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, FileFault, InputError};
use auditlog_sealer::input::{Input, InputName, Lines, Message, Position};
use auditlog_sealer::limits::MAX_INPUT_LINE_BYTES;
use auditlog_sealer::seal::{Room, Sealer};
use auditlog_sealer::service::Ages;
use auditlog_sealer::spool::Spool;

use super::arguments::{Now, Output};
use super::events::Identity;
use super::output::complain;
use super::report::{OfInput, Progress, Recovered, Summary};
use super::resume::{FirstLine, Resume, changed, is_blank};
use super::signals::Signals;

/// Longer than any input stays open.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// When a segment is sealed though it is not full.
#[derive(Clone, Copy)]
pub(super) struct MaxAge {
    /// How old an open segment may become.
    pub(super) open_seconds: i64,
    /// How long the log may be silent.
    pub(super) silent_seconds: Option<i64>,
}

impl From<MaxAge> for Ages {
    fn from(age: MaxAge) -> Self {
        Self {
            open_seconds: age.open_seconds,
            silent_seconds: age.silent_seconds,
        }
    }
}

/// How a run has ended.
pub(super) struct Ended {
    /// The spool, for what remains to be kept.
    pub(super) spool: Arc<Spool>,
    /// Whether all that came is sealed, and reported.
    pub(super) done: Result<(), Error>,
    /// What the summary has reported, if it could be written.
    pub(super) reported: Option<Reported>,
}

/// What a summary has reported: all that was accepted, except for what is still in the spool.
pub(super) struct Reported {
    /// Events in the spool.
    pub(super) kept: u64,
    /// The input that they came from.
    pub(super) of: Option<InputName>,
}

/// A run of `append` that has found its log and its spool.
pub(super) struct Run {
    sealer: Sealer,
    identity: Identity,
    source: Option<Source>,
    now: Now,
    max_age: MaxAge,
    recovered: Vec<Recovered>,
    /// The name of the input, once an event of it was read.
    name: Option<InputName>,
    resume: Resume,
    /// Bytes of an event, at most.
    max_event_bytes: usize,
    /// Whether the next event may be a repeat.
    repeated: Option<Repeat>,
    /// Lines of the input so far.
    line: u64,
    /// Events of the input so far.
    events: u64,
}

impl Run {
    pub(super) fn new(
        sealer: Sealer,
        identity: Identity,
        source: Option<Source>,
        now: Now,
        max_age: MaxAge,
    ) -> Result<Self, Error> {
        let inputs = sealer.spool().inputs();
        let recovered = inputs.iter().filter_map(Recovered::of).collect();
        let known = identity.known(&inputs)?;
        let known = known.map(|known| known.accepted.clone());
        let mut run = Self {
            recovered,
            name: None,
            resume: Resume::new(None, identity.change()),
            max_event_bytes: MAX_EVENT_BYTES,
            repeated: None,
            line: 0,
            events: 0,
            sealer,
            identity,
            source,
            now,
            max_age,
        };
        if let Some(accepted) = known {
            run.resume_after(accepted.name, accepted.position);
        }
        Ok(run)
    }

    /// The same, where an event has so many bytes at most.
    pub(super) const fn with_events_of(mut self, most: usize) -> Self {
        self.max_event_bytes = most;
        self
    }

    fn resume_after(&mut self, name: InputName, accepted: Position) {
        self.name = Some(name);
        self.resume = Resume::new(Some(accepted), self.identity.change());
        self.line = accepted.lines;
        self.events = accepted.events;
    }

    /// A file that the spool does not know may be one that it knows, written again.
    fn find_written_again(&mut self) -> Result<(), Error> {
        let inputs = self.sealer.spool().inputs();
        let Some(found) = self.identity.written_again(&inputs)?.cloned() else {
            return Ok(());
        };
        self.identity.must_not_repeat(&found)?;
        let name = self.identity.new_name((self.now)())?;
        let renamed = self.identity.accepted(name.clone(), found.position);
        self.sealer.rename_input(&found.name, renamed)?;
        self.resume_after(name, found.position);
        Ok(())
    }

    /// Seals what earlier runs left in the spool.
    pub(super) fn finish_earlier(&mut self) -> Result<(), Error> {
        self.sealer.finish_earlier()?;
        self.sealer.start_shipping()
    }

    /// What earlier runs left could not be sealed either. Where it waits in the spool for the next run, the summary says so.
    pub(super) fn report_waiting(self, output: Output, stopped: Error) -> Result<Ended, Error> {
        let waiting = self.sealer.waiting();
        if waiting == 0 || !stopped.leaves_events_waiting() {
            return Err(stopped);
        }
        let input = OfInput {
            shown: self.identity.shown(),
            kind: self.identity.kind(),
            skipped: 0,
            recovered: Vec::new(),
        };
        let summary = Summary::new(&self.sealer, input);
        if let Err(unreported) = summary.waiting(waiting).print(output) {
            complain(&unreported);
        }
        Ok(Ended {
            spool: self.sealer.into_spool(),
            done: Err(stopped),
            reported: None,
        })
    }

    pub(super) fn take_all(&mut self, input: &Input, signals: &Signals) -> Result<(), Error> {
        if self.name.is_none() {
            self.find_written_again()?;
        }
        let mut progress = Progress::new();
        loop {
            // What is there already is chained first and synced together.
            let message = if let Some(message) = input.poll() {
                message
            } else {
                self.sealer.accept()?;
                progress.show(self.sealer.accepted());
                self.seal_what_is_old()?;
                match input.wait(self.until_old()) {
                    Some(message) => message,
                    None => continue,
                }
            };
            if signals.interrupted.load(Ordering::SeqCst) {
                return Err(self.interrupted());
            }
            match message {
                Message::Lines(lines) => {
                    self.take(&lines)?;
                    input.recycle(lines);
                }
                Message::Interrupt => return Err(self.interrupted()),
                Message::LineTooLong => return Err(self.line_too_long()),
                Message::Failed(source) => {
                    let input = Path::new(self.identity.shown());
                    let fault = FileFault::of("the events cannot be read", input)(source);
                    return Err(InputError::Unreadable(fault).into());
                }
                Message::End => return Ok(self.resume.end(self.identity.shown())?),
            }
        }
    }

    fn interrupted(&self) -> Error {
        let error = match self.resume.left() {
            Some(accepted) => InputError::InterruptedEarly {
                events: accepted.events,
            },
            None => InputError::Interrupted {
                line: self.line,
                input: self.identity.kind(),
            },
        };
        error.into()
    }

    /// No line of what was accepted before is so long.
    fn line_too_long(&self) -> Error {
        if let Some(accepted) = self.resume.left() {
            return changed(self.identity.shown(), accepted).into();
        }
        InputError::LineTooLong {
            line: self.line.saturating_add(1),
            limit: MAX_INPUT_LINE_BYTES,
            input: self.identity.kind(),
        }
        .into()
    }

    /// When something has to be sealed though no more events come.
    fn old_at(&self) -> Option<Timestamp> {
        let later = |time: Timestamp, seconds: i64| time.saturating_add_seconds(seconds);
        if let Some(opened) = self.sealer.opened() {
            return Some(later(opened, self.max_age.open_seconds));
        }
        let sealed = self.sealer.last_closed()?;
        Some(later(sealed, self.max_age.silent_seconds?))
    }

    fn until_old(&self) -> Duration {
        let micros = self.old_at().map(|old| {
            let left = old.as_micros().saturating_sub((self.now)().as_micros());
            u64::try_from(left).unwrap_or(0)
        });
        micros.map_or(FOR_EVER, Duration::from_micros)
    }

    fn seal_what_is_old(&mut self) -> Result<(), Error> {
        if self.old_at().is_some_and(|old| old <= (self.now)()) {
            self.sealer.close_old()?;
        }
        Ok(())
    }

    fn take(&mut self, lines: &Lines) -> Result<(), Error> {
        // One reading of the clock for a batch: its lines came together.
        let time = (self.now)();
        let first = self.resume.first_new(self.identity.shown(), lines)?;
        if first.line == FirstLine::Grown {
            self.line = self.line.saturating_sub(1);
            self.repeated = Some(Repeat::Suspected);
        }
        let new = lines.as_bytes().get(first.at..).unwrap_or_default();
        let (mut at, mut accepting) = (first.at, None);
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            let before = at;
            at = at.saturating_add(line.len());
            self.line = self.line.saturating_add(1);
            if is_blank(line) {
                continue;
            }
            let offset = u64::try_from(before).unwrap_or(u64::MAX);
            match self.append(line, lines.start().saturating_add(offset), time) {
                Ok(Room::Left) => accepting = Some(at),
                Ok(Room::Used) => {
                    self.accepting(lines, at, self.line)?;
                    self.sealer.accept_later()?;
                    accepting = None;
                }
                Err(stopped) => {
                    if accepting.is_some() {
                        self.accepting(lines, before, self.line.saturating_sub(1))?;
                    }
                    return Err(stopped);
                }
            }
        }
        match accepting {
            Some(end) => self.accepting(lines, end, self.line),
            None => Ok(()),
        }
    }

    fn append(&mut self, line: &[u8], offset: u64, time: Timestamp) -> Result<Room, Error> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > MAX_INPUT_LINE_BYTES {
            return Err(InputError::LineTooLong {
                line: self.line,
                limit: MAX_INPUT_LINE_BYTES,
                input: self.identity.kind(),
            }
            .into());
        }
        let payload = StoredPayload::json(line).map_err(|source| InputError::Refused {
            line: self.line,
            source,
            input: self.identity.kind(),
        })?;
        if payload.size() > self.max_event_bytes {
            return Err(InputError::EventTooLong {
                line: self.line,
                found: payload.size(),
                limit: self.max_event_bytes,
                input: self.identity.kind(),
            }
            .into());
        }
        let batch = self.batch(offset)?;
        let provenance = Provenance {
            source: self.source.as_ref(),
            batch: batch.as_ref(),
            repeat: self.repeated.take(),
        };
        let room = self.sealer.append(&payload, &provenance, time)?;
        self.events = self.events.saturating_add(1);
        Ok(room)
    }

    /// The name of the batch that begins at this place in the input, if one does.
    fn batch(&mut self, offset: u64) -> Result<Option<Batch>, Error> {
        if !self.sealer.begins_batch() {
            return Ok(None);
        }
        let name = self.known_name()?;
        let batch = name.batch_at(offset);
        self.name = Some(name);
        Ok(batch)
    }

    /// The name of the input; its first event gives it one.
    fn known_name(&self) -> Result<InputName, Error> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => Ok(self.identity.new_name((self.now)())?),
        }
    }

    /// Records how far the input was read: `length` bytes into these lines.
    fn accepting(&mut self, lines: &Lines, length: usize, line: u64) -> Result<(), Error> {
        let name = self.known_name()?;
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        let position = Position {
            events: self.events,
            lines: line,
            bytes: lines.start().saturating_add(bytes),
            hash: lines.hash_at(length),
        };
        let accepted = self.identity.accepted(name.clone(), position);
        self.sealer.accepting(accepted);
        self.name = Some(name);
        Ok(())
    }

    /// Whatever ended the reading, what came before it is sealed, unless sealing is what failed.
    pub(super) fn seal_what_was_accepted(&mut self, done: Result<(), Error>) -> Result<(), Error> {
        match done {
            Ok(()) => {
                self.sealer.seal()?;
                if self.sealer.sealed().segments > 0 {
                    return Ok(());
                }
                // An input that brings nothing at all keeps the log alive. One that has not grown since does so only where
                // the log would be silent for too long.
                if self.resume.skipped() == 0 {
                    return self.sealer.heartbeat();
                }
                self.seal_what_is_old()
            }
            Err(stopped) => {
                if stopped.is_of_the_input() {
                    self.sealer.seal()?;
                } else {
                    // What is on its way to the disk counts if it arrives. Where it does not, the first error says why.
                    _ = self.sealer.settle();
                }
                Err(stopped)
            }
        }
    }

    pub(super) fn report(
        self,
        output: Output,
        signals: &Signals,
        done: Result<(), Error>,
    ) -> Ended {
        let input = OfInput {
            shown: self.identity.shown(),
            kind: self.identity.kind(),
            skipped: self.resume.skipped(),
            recovered: self.recovered,
        };
        let summary = Summary::new(&self.sealer, input);
        let printed = summary.print(output);
        signals.over.store(true, Ordering::SeqCst);
        let kept = summary.kept();
        let spool = self.sealer.into_spool();
        if let (Ok(()), Some(name)) = (&done, &self.name) {
            spool.finish_input(name);
        }
        let of = self.name;
        let (done, reported) = match (done, printed) {
            (done, Ok(())) => (done, Some(Reported { kept, of })),
            // Nobody has seen what was sealed: the next run reports it.
            (Ok(()), Err(unreported)) => (Err(unreported), None),
            (Err(stopped), Err(unreported)) => {
                complain(&unreported);
                (Err(stopped), None)
            }
        };
        Ended {
            spool,
            done,
            reported,
        }
    }
}
