//! Windows of one connection. All of them are in memory, and have a limit there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::window::{Window, WindowError};
use crate::listen::{Stream, end, ended};
use crate::lumberjack::{Item, Malformed, Place, Reader, Version, ack};

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 << 10;

/// What each connection may have in memory without asking.
const FREE_BYTES: usize = 80 << 10;

/// What it may have once it has asked, and how many at a time. More waits for the one large window: all of them together, and a thousand
/// connections with what each may have and its decompressor, fit into 256 MiB.
const USUAL_BYTES: usize = 4 << 20;
const MAX_USUAL: usize = 8;
const MAX_LARGE: usize = 1;

/// Bytes of events that are read before others have their turn.
const TURN_BYTES: usize = 256 << 10;

/// How long a sender may be silent in the middle of a window. Stops slow senders from holding connections.
const SLOW_PATIENCE: Duration = Duration::from_mins(1);

/// How long one window may take.
const WINDOW_PATIENCE: Duration = Duration::from_mins(10);

/// The same of one that has the room of the large one. Stops a slow sender from keeping it from others.
const LARGE_PATIENCE: Duration = Duration::from_mins(2);

/// How long a sender may have nothing to say. Stops idle connections from taking the place of others.
const IDLE_PATIENCE: Duration = Duration::from_mins(10);

/// The same of a sender that has sent nothing yet.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);

/// How often a sender that waits hears that its window is not forgotten. Beats wait for 30 seconds, and Logstash's input answers after 5.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What all connections of a listener share: memory for windows that are not small.
#[derive(Clone)]
pub struct WindowRoom {
    usual: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for WindowRoom {
    fn default() -> Self {
        Self {
            usual: Arc::new(Semaphore::new(MAX_USUAL)),
            large: Arc::new(Semaphore::new(MAX_LARGE)),
        }
    }
}

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("the sender was too slow")]
    TooSlow,
    /// Other senders have the room. The sender sends again.
    #[error("there was no room for a large window for too long")]
    NoRoom,
    /// The sender sends again.
    #[error("the connection broke off")]
    BrokeOff,
    /// The service ends, and no whole window is there. The sender sends again.
    #[error("the service is ending")]
    Ending,
}

/// The room that a window has. Whoever waits for the second holds the first, and nobody waits the other way round.
#[derive(Default)]
struct Held {
    usual: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
    /// Since when it has the second.
    large_since: Option<Instant>,
}

impl Held {
    /// How long may pass until more of the window comes.
    fn patience(&self, now: Instant) -> Duration {
        let had = |since| now.saturating_duration_since(since);
        let left = |since| LARGE_PATIENCE.saturating_sub(had(since));
        self.large_since
            .map_or(SLOW_PATIENCE, left)
            .min(SLOW_PATIENCE)
    }

    /// Bytes that it may have.
    const fn bytes(&self) -> usize {
        match (&self.usual, &self.large) {
            (None, _) => FREE_BYTES,
            (Some(_), None) => USUAL_BYTES,
            (Some(_), Some(_)) => usize::MAX,
        }
    }
}

/// A window, and its room until it is gone.
pub(super) struct Arrived {
    pub(super) window: Window,
    _held: Held,
}

/// One connection.
pub(super) struct Wire {
    stream: Stream,
    reader: Reader,
    /// A window that was announced before the one before it was whole.
    announced: Option<Window>,
    has_sent: bool,
    /// Whether it is our side that lets the sender wait.
    waits_for_room: bool,
    ending: watch::Receiver<bool>,
}

impl Wire {
    /// It reads until `ending` is true.
    pub(super) fn new(stream: Stream, ending: watch::Receiver<bool>) -> Self {
        Self {
            stream,
            reader: Reader::default(),
            announced: None,
            has_sent: false,
            waits_for_room: false,
            ending,
        }
    }

    /// Ends our side, so that the sender reads what was written last.
    pub(super) async fn end(self) {
        end(self.stream).await;
    }

    /// Acknowledges events up to a number.
    pub(super) async fn acknowledge(
        &mut self,
        version: Version,
        sequence: u32,
    ) -> Result<(), WireError> {
        let written = async {
            self.stream.write_all(&ack(version, sequence)).await?;
            self.stream.flush().await
        };
        match timeout(SLOW_PATIENCE, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(WireError::BrokeOff),
            Err(_) => Err(WireError::TooSlow),
        }
    }

    /// Waits for something. Meanwhile, the sender hears again and again that its window is not forgotten.
    pub(super) async fn while_alive<T>(
        &mut self,
        version: Version,
        work: impl Future<Output = T>,
    ) -> Result<T, WireError> {
        tokio::pin!(work);
        loop {
            match timeout(KEEP_ALIVE, work.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) => self.acknowledge(version, 0).await?,
            }
        }
    }

    /// The next window; `None` where the sender has ended the connection.
    pub(super) async fn next_window(
        &mut self,
        room: &WindowRoom,
        event_id: Option<&str>,
    ) -> Result<Option<Arrived>, WireError> {
        if self.reader.is_empty() && self.announced.is_none() {
            // Room is counted for windows alone.
            self.reader.release();
            let patience = if self.has_sent {
                IDLE_PATIENCE
            } else {
                FIRST_PATIENCE
            };
            match self.read(patience).await {
                Ok(()) => {}
                // Nothing is lost: the sender connects again.
                Err(WireError::BrokeOff | WireError::TooSlow) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
        self.has_sent = true;
        self.waits_for_room = false;
        let arriving = self.arrive(room, event_id);
        match timeout(WINDOW_PATIENCE, arriving).await {
            Ok(window) => window.map(Some),
            Err(_) if self.waits_for_room => Err(WireError::NoRoom),
            Err(_) => Err(WireError::TooSlow),
        }
    }

    async fn arrive(
        &mut self,
        room: &WindowRoom,
        event_id: Option<&str>,
    ) -> Result<Arrived, WireError> {
        let (mut open, mut held, mut turn) = (self.announced.take(), Held::default(), 0usize);
        loop {
            let kept = open.as_ref().map_or(0, Window::kept_bytes);
            // An event is in the window and in what was decompressed for a moment.
            let most = held.bytes().saturating_sub(kept).div_euclid(2);
            let Some(item) = self.reader.next_item_within(most)? else {
                self.hold(&mut held, open.as_ref(), room).await?;
                self.read(held.patience(Instant::now())).await?;
                continue;
            };
            let ended = match item {
                Item::Full => {
                    self.hold_more(&mut held, open.as_ref(), room).await?;
                    continue;
                }
                Item::Window { version, events } => {
                    let next = Window::new(version, events);
                    let before = open.take().filter(|window| !window.is_empty());
                    let Some(window) = before else {
                        // Nobody waits for an answer to nothing.
                        open = (events > 0).then_some(next);
                        continue;
                    };
                    self.announced = (events > 0).then_some(next);
                    return Ok(window.with(held));
                }
                Item::Event {
                    sequence,
                    json,
                    place,
                } => {
                    turn = turn.saturating_add(json.len());
                    // What comes without a window is acknowledged by itself.
                    let window = open.get_or_insert_with(|| Window::new(Version::Two, 1));
                    window.push(sequence, &json, event_id)?;
                    place == Place::Alone
                }
                Item::End => true,
            };
            if ended && let Some(window) = open.take_if(|window| window.is_whole()) {
                return Ok(window.with(held));
            }
            self.hold(&mut held, open.as_ref(), room).await?;
            if turn > TURN_BYTES {
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes the room that a window needs by now.
    async fn hold(
        &mut self,
        held: &mut Held,
        open: Option<&Window>,
        room: &WindowRoom,
    ) -> Result<(), WireError> {
        let kept = open.map_or(0, Window::kept_bytes);
        let twice = self.reader.kept_bytes().saturating_mul(2);
        while kept.saturating_add(twice) > held.bytes() {
            self.hold_more(held, open, room).await?;
        }
        Ok(())
    }

    /// Takes the next larger room. Meanwhile, nothing more is read or decompressed.
    async fn hold_more(
        &mut self,
        held: &mut Held,
        open: Option<&Window>,
        room: &WindowRoom,
    ) -> Result<(), WireError> {
        let version = open.map_or(Version::Two, |window| window.version);
        let (have, room) = match held.usual {
            None => (&mut held.usual, &room.usual),
            Some(_) => (&mut held.large, &room.large),
        };
        let permit = Arc::clone(room).acquire_owned();
        self.waits_for_room = true;
        let permit = self.while_alive(version, permit).await?;
        self.waits_for_room = false;
        *have = Some(permit.map_err(|_| WireError::BrokeOff)?);
        held.large_since = held.large.is_some().then(Instant::now);
        Ok(())
    }

    async fn read(&mut self, patience: Duration) -> Result<(), WireError> {
        // It is given back at once: a thousand connections would keep a thousand of them.
        let mut buffer = Vec::with_capacity(READ_BYTES);
        let read = timeout(patience, self.stream.read_buf(&mut buffer));
        let read = tokio::select! {
            biased;
            () = ended(&mut self.ending) => return Err(WireError::Ending),
            read = read => read,
        };
        match read {
            Err(_) => Err(WireError::TooSlow),
            Ok(Ok(0) | Err(_)) => Err(WireError::BrokeOff),
            Ok(Ok(_)) => {
                self.reader.push(&buffer);
                Ok(())
            }
        }
    }
}

impl Window {
    const fn with(self, held: Held) -> Arrived {
        Arrived {
            window: self,
            _held: held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_that_has_the_large_room_must_arrive_in_time() {
        let begun = Instant::now();
        let mut held = Held::default();
        assert_eq!(held.patience(begun + LARGE_PATIENCE), SLOW_PATIENCE);
        held.large_since = Some(begun);
        for (second, left) in [(0, 60), (60, 60), (90, 30), (120, 0), (200, 0)] {
            let patience = held.patience(begun + Duration::from_secs(second));
            assert_eq!(patience, Duration::from_secs(left), "{second}");
        }
    }
}
