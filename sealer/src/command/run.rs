//! One run of `append`: from lines to segments.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auditlog_chain::builder::{Source, StoredPayload};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, FileFault, InputError};
use auditlog_sealer::input::{Input, InputName, Lines, MAX_INPUT_LINE_BYTES, Message, Position};
use auditlog_sealer::seal::{Room, Sealer};
use auditlog_sealer::spool::{Accepted, Spool};

use super::arguments::{Now, Output};
use super::events::Identity;
use super::output::complain;
use super::report::{OfInput, Progress, Recovered, Summary};
use super::resume::{Resume, changed};
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

/// How a run has ended.
pub(super) struct Ended {
    /// The spool, for what remains to be kept.
    pub(super) spool: Spool,
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
pub(super) struct Run<'a> {
    sealer: Sealer<'a>,
    identity: Identity,
    source: Option<Source>,
    now: Now,
    max_age: MaxAge,
    recovered: Vec<Recovered>,
    /// The name of the input, once something of it was accepted.
    name: Option<InputName>,
    resume: Resume,
    /// Lines of the input so far.
    line: u64,
    /// Events of the input so far.
    events: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        sealer: Sealer<'a>,
        identity: Identity,
        source: Option<Source>,
        now: Now,
        max_age: MaxAge,
    ) -> Result<Self, Error> {
        let inputs = sealer.spool().inputs();
        let known = identity.known(inputs)?.map(|known| &known.accepted);
        let accepted = known.map(|accepted| accepted.position);
        Ok(Self {
            recovered: inputs.iter().filter_map(Recovered::of).collect(),
            name: known.map(|accepted| accepted.name.clone()),
            resume: Resume::new(accepted),
            line: accepted.map_or(0, |accepted| accepted.lines),
            events: accepted.map_or(0, |accepted| accepted.events),
            sealer,
            identity,
            source,
            now,
            max_age,
        })
    }

    pub(super) fn take_all(&mut self, input: &Input, signals: &Signals) -> Result<(), Error> {
        if self.name.is_none() {
            self.identity
                .must_not_repeat(self.sealer.spool().inputs())?;
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
        let sealed = self.sealer.head().sealed?;
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
            self.sealer.heartbeat()?;
        }
        Ok(())
    }

    fn take(&mut self, lines: &Lines) -> Result<(), Error> {
        // One reading of the clock for a batch: its lines came together.
        let time = (self.now)();
        let begin = self.resume.first_new(self.identity.shown(), lines)?;
        let new = lines.as_bytes().get(begin..).unwrap_or_default();
        let (mut at, mut accepting) = (begin, None);
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            let before = at;
            at = at.saturating_add(line.len());
            self.line = self.line.saturating_add(1);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match self.append(line, time) {
                Ok(Room::Left) => accepting = Some(at),
                Ok(Room::Used) => {
                    self.accepting(lines, at, self.line)?;
                    self.sealer.accept()?;
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

    fn append(&mut self, line: &[u8], time: Timestamp) -> Result<Room, Error> {
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
        let room = self.sealer.append(&payload, self.source.as_ref(), time)?;
        self.events = self.events.saturating_add(1);
        Ok(room)
    }

    /// Records how far the input was read: `length` bytes into these lines.
    fn accepting(&mut self, lines: &Lines, length: usize, line: u64) -> Result<(), Error> {
        let name = match self.name.take() {
            Some(name) => name,
            None => self.identity.new_name((self.now)())?,
        };
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        self.sealer.accepting(Accepted {
            name: name.clone(),
            shown: self.identity.shown().to_owned(),
            position: Position {
                events: self.events,
                lines: line,
                bytes: lines.start().saturating_add(bytes),
                hash: lines.hash_at(length),
            },
        });
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
        let mut spool = self.sealer.into_spool();
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
