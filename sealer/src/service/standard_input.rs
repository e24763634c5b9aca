//! Standard input as an input of the service.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auditlog_chain::builder::{Batch as BatchName, Source, StoredBatch};
use auditlog_chain::timestamp::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::batch::{Batch, NotTaken};
use super::files::remembering;
use super::reached::Reached;
use super::router::Router;
use crate::error::{FileFault, InputError};
use crate::follow::{End, Memory, Place, Remembering, Taken, take};
use crate::input::{GivenName, InputName, Position};
use crate::limits::MAX_INPUT_LINE_BYTES;
use crate::listen::ended;
use crate::seal::Naming;
use crate::spool::Accepted;

/// Between two offers of what a log does not take now.
const RETRY: Duration = Duration::from_millis(200);

/// Bytes that are taken at a time: one longest line, and as much again.
const READ_BYTES: usize = 2 * MAX_INPUT_LINE_BYTES;

/// Bytes of one call of the system, and how many of them are read ahead.
const CHUNK_BYTES: usize = 64 << 10;
const CHUNKS: usize = 16;

/// What messages say.
const UNREADABLE: &str = "the events cannot be read";

/// Standard input.
pub struct StandardInput {
    /// What routes call it.
    pub name: String,
    /// Under which name the logs keep how far it was read. Without one, it cannot be given again.
    pub input: Option<GivenName>,
    /// When the service was started: what has no name is distinguished by it.
    pub started: Timestamp,
    /// Who its events are from.
    pub source: Option<Source>,
    /// The tag of its batches.
    pub tag: Option<String>,
    /// Where events go.
    pub router: Arc<Router>,
}

/// Reads it to its end, or until `ending` is true.
///
/// # Errors
///
/// Where it does not have what was accepted from it before, cannot be read, or has an event that no route takes.
pub async fn serve_standard_input(
    input: StandardInput,
    reader: impl Read + Send + 'static,
    mut ending: watch::Receiver<bool>,
) -> Result<(), InputError> {
    let known = remembering(
        &input.router,
        &input.name,
        input.tag.as_deref(),
        &mut ending,
    );
    let Some(known) = known.await else {
        return Ok(());
    };
    let mut reading = Reading {
        earlier: input.earlier(&known),
        begin: Place::default().position(),
        place: Place::default(),
        buffer: Vec::new(),
        is_over: false,
        naming: Naming::Unique,
    };
    let is_lost = known.iter().any(|log| log.memory == Memory::Lost);
    let may_be_forgotten = input.input.is_some() && is_lost && reading.earlier.len() < known.len();
    if may_be_forgotten || input.is_doubtful(&known) {
        reading.naming = Naming::Doubtful;
    }
    reading.begin = match reading.earlier.first() {
        Some(first) if reading.earlier.len() == known.len() => *first,
        Some(_) | None => Place::default().position(),
    };
    reading.earlier.dedup_by_key(|position| position.bytes);
    let mut chunks = chunks_of(reader);
    loop {
        let done = tokio::select! {
            done = input.step(&mut reading, &mut chunks) => done?,
            () = ended(&mut ending) => return Ok(()),
        };
        if done {
            return Ok(());
        }
    }
}

/// How far it was read.
struct Reading {
    /// How much of it each log has that has any, the least first. No batch goes across such a place.
    earlier: Vec<Position>,
    /// All logs have what is before this.
    begin: Position,
    place: Place,
    /// What was read, and is not accepted.
    buffer: Vec<u8>,
    /// Whether that is the rest.
    is_over: bool,
    /// Whether a log may have it already, under the same name.
    naming: Naming,
}

impl StandardInput {
    /// Whether an earlier run had to mark it, and was not accepted to its end.
    fn is_doubtful(&self, known: &[Remembering]) -> bool {
        let name = self.input.clone().map(InputName::Given);
        let found = known
            .iter()
            .filter_map(|log| log.inputs.find(name.as_ref()?));
        let mut found = found.map(|known| &known.accepted);
        found.any(|accepted| accepted.doubtful > accepted.position.bytes)
    }

    fn earlier(&self, known: &[Remembering]) -> Vec<Position> {
        let Some(name) = &self.input else {
            return Vec::new();
        };
        let name = InputName::Given(name.clone());
        let found = known.iter().filter_map(|log| log.inputs.find(&name));
        let mut found: Vec<Position> = found.map(|known| known.accepted.position).collect();
        found.sort_by_key(|position| position.bytes);
        found
    }

    fn shown(&self) -> String {
        match &self.input {
            Some(name) => name.to_string(),
            None => "standard input".to_owned(),
        }
    }

    /// Reads some more and offers it. Says whether that was the end.
    async fn step(
        &self,
        reading: &mut Reading,
        chunks: &mut mpsc::Receiver<io::Result<Vec<u8>>>,
    ) -> Result<bool, InputError> {
        let mut next = if reading.is_over {
            None
        } else {
            let chunk = chunks.recv().await;
            reading.is_over = chunk.is_none();
            chunk
        };
        while let Some(chunk) = next {
            let chunk = chunk.map_err(FileFault::of(UNREADABLE, Path::new("standard input")));
            let chunk = chunk.map_err(InputError::Unreadable)?;
            reading.buffer.extend_from_slice(&chunk);
            let has_room = reading.buffer.len() < READ_BYTES;
            next = if has_room {
                chunks.try_recv().ok()
            } else {
                None
            };
        }
        self.skip(reading)?;
        while self.offer_next(reading).await? {}
        if !reading.is_over {
            return Ok(false);
        }
        let left = reading.earlier.last();
        match left.filter(|position| position.bytes > reading.place.bytes()) {
            Some(position) => Err(InputError::TooShort {
                input: self.shown(),
                expected: position.bytes,
                found: reading.place.bytes(),
            }),
            None => Ok(reading.buffer.is_empty()),
        }
    }

    /// Passes over what all logs have.
    fn skip(&self, reading: &mut Reading) -> Result<(), InputError> {
        let left = reading.begin.bytes.saturating_sub(reading.place.bytes());
        if left == 0 {
            return Ok(());
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX);
        let length = length.min(reading.buffer.len());
        let rest = reading.buffer.split_off(length);
        reading.place.advance(&reading.buffer, 0, 0);
        reading.buffer = rest;
        if reading.place.bytes() == reading.begin.bytes {
            let begin = reading.begin;
            self.must_be(&reading.place, begin)?;
            reading.place.count_as(&begin);
        }
        Ok(())
    }

    fn must_be(&self, place: &Place, accepted: Position) -> Result<(), InputError> {
        if place.position().hash == accepted.hash {
            return Ok(());
        }
        Err(InputError::Changed {
            input: self.shown(),
            events: accepted.events,
            bytes: accepted.bytes,
        })
    }

    /// Offers the next batch for as long as it takes. Says whether there was one.
    async fn offer_next(&self, reading: &mut Reading) -> Result<bool, InputError> {
        let at = reading.place.bytes();
        if at < reading.begin.bytes {
            return Ok(false);
        }
        let border = reading.earlier.iter().find(|position| position.bytes > at);
        let border = border.copied();
        let length = border.map(|border| border.bytes.saturating_sub(at));
        let length = length.and_then(|length| usize::try_from(length).ok());
        let is_cut = length.is_some_and(|length| length <= reading.buffer.len());
        let length = length.filter(|_| is_cut).unwrap_or(reading.buffer.len());
        let end = if is_cut || reading.is_over {
            End::Closed
        } else {
            End::Open
        };
        let bytes = reading.buffer.get(..length).unwrap_or_default();
        let most = self.router.max_event_bytes(&self.name, self.tag.as_deref());
        let Taken { events, after, .. } = take(bytes, &reading.place, end, most);
        let taken = usize::try_from(after.bytes().saturating_sub(at)).unwrap_or(0);
        if taken == 0 {
            return Ok(false);
        }
        if let Some(border) = border.filter(|border| border.bytes == after.bytes()) {
            self.must_be(&after, border)?;
        }
        if !events.is_empty() {
            self.offer(events, at, &after, reading.naming).await?;
        }
        reading.place = after;
        reading.buffer.drain(..taken);
        Ok(true)
    }

    async fn offer(
        &self,
        lines: StoredBatch,
        at: u64,
        after: &Place,
        naming: Naming,
    ) -> Result<(), InputError> {
        let name = self.input.clone().map(InputName::Given);
        let accepted = name.as_ref().map(|name| Accepted {
            name: name.clone(),
            shown: self.shown(),
            place: None,
            // Which part of it a log may have is not known.
            doubtful: if naming == Naming::Doubtful {
                u64::MAX
            } else {
                0
            },
            position: after.position(),
        });
        let batch = Batch {
            source: self.source.clone(),
            name: match &name {
                Some(name) => name.batch_at(at),
                None => BatchName::parse(&format!("stdin:{}@{at}", self.started)),
            },
            naming,
            tag: self.tag.clone(),
            lines,
            reached: accepted.map(|accepted| Reached { accepted }),
        };
        loop {
            let taken = match self.router.offer(&self.name, batch.clone()).await {
                Ok(pending) => pending.answer().await,
                Err(not_taken) => Err(not_taken),
            };
            match taken {
                Err(NotTaken::Later { .. }) => sleep(RETRY).await,
                Err(why) => {
                    self.router.count_refused(&self.name);
                    let (input, reason) = (self.shown(), why.to_string());
                    return Err(InputError::NotTaken { input, reason });
                }
                Ok(_) => return Ok(()),
            }
        }
    }
}

/// Reads on a thread that may wait for ever: nothing waits for it when the service ends.
fn chunks_of(mut reader: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let read = move || {
        loop {
            let mut bytes = vec![0; CHUNK_BYTES];
            let chunk = match reader.read(&mut bytes) {
                Ok(0) => return,
                Ok(read) => {
                    bytes.truncate(read);
                    Ok(bytes)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_last = chunk.is_err();
            if sender.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    };
    thread::spawn(read);
    chunks
}
