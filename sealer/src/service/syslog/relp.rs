//! Messages over RELP: each is answered once it is on the disk, or in the store where the log says so.
//!
//! A client sends again what was not answered when a connection breaks, over another one and with other numbers. So a message has no name
//! but its content: one that comes again is stored again, and marked as a possible repeat. Where each message has an id, it is the same
//! message, and is dropped.

use std::time::Duration;

use auditlog_chain::builder::Source;

use super::input::{Closed, SyslogInput};
use super::wire::{Ending, Got, Wire};
use crate::listen::Seat;
use crate::service::batch::Batch;
use crate::syslog::{Command, Frame, next_frame, parse, push_answer, push_server_close};

/// How long a client may have nothing to say. It loses nothing when its connection is closed.
const IDLE_PATIENCE: Duration = Duration::from_mins(10);

/// The same of a client that has sent nothing yet.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);

/// Frames that are answered together. A client of librelp sends 128 before it waits for an answer.
const FRAMES: usize = 256;

/// Takes what comes over one connection.
pub(super) async fn take_all(
    input: &SyslogInput,
    mut wire: Wire,
    source: Option<&Source>,
    seat: &Seat,
) -> Result<(), Closed> {
    let ending = wire.ending();
    let mut session = Session {
        input,
        source,
        state: State::New,
    };
    let mut idle = FIRST_PATIENCE;
    loop {
        let (steps, more) = session.gather(&mut wire);
        if steps.iter().any(|step| matches!(step, Step::Store { .. })) {
            seat.keep();
        }
        let failed = if steps.is_empty() {
            None
        } else {
            let (answers, failed) = tokio::select! {
                answered = input.answer(steps, &ending) => answered,
                // The client sends again what is not answered.
                () = wire.until_gone() => return Ok(()),
            };
            wire.write(&answers).await?;
            failed
        };
        match (failed, more) {
            (Some(why), _) | (None, More::Never(why)) => {
                say_goodbye(wire).await;
                return Err(why);
            }
            (None, More::Closes) => {
                say_goodbye(wire).await;
                return Ok(());
            }
            (None, More::Whole) => continue,
            (None, More::Partial) => {}
        }
        match wire.read(idle).await? {
            Got::Bytes => idle = IDLE_PATIENCE,
            Got::End | Got::Ending => {
                say_goodbye(wire).await;
                return Ok(());
            }
        }
    }
}

/// Says that the connection ends, so that a client which waits for nothing notices.
async fn say_goodbye(mut wire: Wire) {
    let mut bytes = Vec::new();
    push_server_close(&mut bytes);
    _ = wire.write(&bytes).await;
    wire.end().await;
}

/// What a frame asks for.
enum Step {
    /// An answer.
    Say { number: u32, data: String },
    /// An answer once a message is stored.
    Store { number: u32, batch: Box<Batch> },
}

/// What comes after the frames that were gathered.
enum More {
    /// Perhaps whole frames.
    Whole,
    /// A part of one, or nothing.
    Partial,
    /// The client has closed the session.
    Closes,
    /// Something that is never read.
    Never(Closed),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
}

struct Session<'a> {
    input: &'a SyslogInput,
    source: Option<&'a Source>,
    state: State,
}

impl Session<'_> {
    /// Takes the frames that are whole.
    fn gather(&mut self, wire: &mut Wire) -> (Vec<Step>, More) {
        let (mut steps, mut taken) = (Vec::new(), 0usize);
        let more = loop {
            if steps.len() >= FRAMES {
                break More::Whole;
            }
            let rest = wire.pending().get(taken..).unwrap_or_default();
            let (frame, length) = match next_frame(rest) {
                Ok(Some(found)) => found,
                Ok(None) => break More::Partial,
                Err(why) => break More::Never(why.into()),
            };
            match self.step(&frame) {
                Ok(step) => steps.push(step),
                Err(why) => break More::Never(why),
            }
            taken = taken.saturating_add(length);
            if frame.command == Command::Close {
                break More::Closes;
            }
        };
        wire.take(taken);
        (steps, more)
    }

    fn step(&mut self, frame: &Frame<'_>) -> Result<Step, Closed> {
        let number = frame.number;
        let say = |data: String| Ok(Step::Say { number, data });
        match (frame.command, self.state) {
            (Command::Open(version), State::New) => {
                self.state = State::Open;
                say(version.accepted())
            }
            // Some versions of librelp open twice.
            (Command::Open(_), State::Open) => say("200 OK".to_owned()),
            (Command::Close, _) => say(String::new()),
            (Command::Syslog, State::New) => {
                Err(Closed::Session("the session of RELP was not opened"))
            }
            (Command::Syslog, State::Open) => {
                let message = parse(frame.data);
                let batch = self
                    .input
                    .single(frame.data, message.as_ref(), self.source)?;
                let batch = Box::new(batch);
                Ok(Step::Store { number, batch })
            }
        }
    }
}

impl SyslogInput {
    /// The answers, and why there are not more. All messages are offered before the first one is waited for, so that they are synced
    /// together. What is before a message that cannot be taken is answered: otherwise, its client would send it over and over.
    async fn answer(&self, steps: Vec<Step>, ending: &Ending) -> (Vec<u8>, Option<Closed>) {
        let (mut due, mut failed) = (Vec::new(), None);
        for step in steps {
            match step {
                Step::Say { number, data } => due.push((number, data, None)),
                Step::Store { number, batch } => match self.offer(*batch, ending).await {
                    Ok(pending) => due.push((number, "200 OK".to_owned(), Some(pending))),
                    Err(why) => {
                        failed = Some(why);
                        break;
                    }
                },
            }
        }
        let mut answers = Vec::new();
        for (number, data, pending) in due {
            if let Some(pending) = pending
                && let Err(why) = pending.answer().await
            {
                return (answers, Some(why.into()));
            }
            push_answer(&mut answers, number, &data);
        }
        (answers, failed)
    }
}
