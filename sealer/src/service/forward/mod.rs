//! A listener for Fluentd's Forward protocol.

mod chunk;
mod greet;
mod heartbeat;
mod scratch;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch as BatchName, Source, StoredBatch};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::batch::{Batch, NotTaken};
use super::doors::{enter, keep};
use super::router::{Pending, Router};
use crate::forward::{ChunkName, NameKind};
use crate::listen::{Door, Guard, Seat, serve_each};
use crate::seal::Naming;
use chunk::{Chunk, ChunkError, Parts, Read};
use wire::{Message, Wire, WireError};

pub use heartbeat::serve_heartbeats;
pub use wire::Room;

/// Connections at a time. Stops idle ones from taking all file handles.
const MAX_CONNECTIONS: usize = 1000;

/// Between two offers of what a log does not take now.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// How long a message is offered whose sender waits for an acknowledgement. Fluentd waits for 190 seconds, and sends again then. Stops a
/// log that takes nothing from holding what all senders share.
const ACK_PATIENCE: Duration = Duration::from_secs(200);

/// The same of a sender that waits for none, and does not send again.
const PATIENCE: Duration = Duration::from_mins(10);

/// The same where its message takes room that others may need: that one log takes nothing must not stop the senders of another for long.
const SCARCE_PATIENCE: Duration = Duration::from_mins(1);

/// One listener.
pub struct ForwardInput {
    /// What routes call it.
    pub name: String,
    /// Who may send.
    pub guard: Guard,
    /// Where connections come in.
    pub door: Door,
    /// The name of this machine in the handshake.
    pub host: String,
    /// Where events go.
    pub router: Arc<Router>,
    /// Memory for messages, and files for what does not fit.
    pub room: Room,
    /// Where large messages are kept while they arrive: the first of these folders that takes them.
    pub scratch: Vec<PathBuf>,
    /// Called with why a connection was closed.
    pub notify: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error("{0}")]
    Denied(&'static str),
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    #[error("a thread has ended unexpectedly")]
    Stopped,
    /// The service ends. The sender sends again.
    #[error("the service is ending")]
    Ending,
    /// The same where the sender does not.
    #[error("the service ended before the log took a message that nobody sends again: it is lost")]
    Lost,
}

impl Closed {
    /// Whether nobody has to hear of it: the sender sends again.
    const fn is_usual(&self) -> bool {
        matches!(
            self,
            Self::Ending | Self::Wire(WireError::BrokeOff | WireError::Ending)
        )
    }
}

/// Takes messages until `ending` is true.
pub async fn serve_forward(
    listener: TcpListener,
    input: Arc<ForwardInput>,
    ending: watch::Receiver<bool>,
) {
    let seats = input.router.seats(&input.name, MAX_CONNECTIONS);
    let converse = |stream, ending, seat| converse(Arc::clone(&input), stream, ending, seat);
    let keep = keep(&input.router, &input.name, &input.door, ending.clone());
    tokio::join!(serve_each(listener, seats, ending, converse), keep);
}

async fn converse(
    input: Arc<ForwardInput>,
    stream: TcpStream,
    ending: watch::Receiver<bool>,
    seat: Seat,
) {
    let entered = enter(&input.router, &input.name, &input.door, stream).await;
    let Some((stream, subject)) = entered else {
        return;
    };
    let mut wire = Wire::new(stream, ending.clone());
    let taken = input.take_all(&mut wire, subject, &ending, &seat).await;
    if let Err(why) = taken.as_ref()
        && !why.is_usual()
    {
        input.router.count_refused(&input.name);
        (input.notify)(&why.to_string());
    }
    if *ending.borrow() {
        wire.end().await;
    }
}

impl ForwardInput {
    /// Takes what comes over one connection, message by message. Where the service ends, what was read is taken, and acknowledged.
    async fn take_all(
        &self,
        wire: &mut Wire,
        subject: Option<Source>,
        ending: &watch::Receiver<bool>,
        seat: &Seat,
    ) -> Result<(), Closed> {
        let access = self.guard.access();
        let has_shown = subject.is_some() || !access.shared_keys.is_empty();
        let source = self.greet(wire, &access, subject).await?;
        drop(access);
        if has_shown {
            seat.keep();
        }
        while let Some(message) = wire.next_message(&self.room, &self.scratch).await? {
            seat.keep();
            if let Some(ack) = self.take(message, source.as_ref(), ending).await? {
                wire.write(&ack).await?;
            }
        }
        Ok(())
    }

    /// Takes one message. Returns what its sender waits for, if it does.
    async fn take(
        &self,
        message: Message,
        source: Option<&Source>,
        ending: &watch::Receiver<bool>,
    ) -> Result<Option<Vec<u8>>, Closed> {
        let chunk = Chunk::of(message)?;
        let room = self.room.to_read().await;
        let (read, sum) = blocking(chunk.clone(), |chunk| chunk.read()).await?.1?;
        let is_large = read.is_large();
        let room = room.filter(|_| is_large);
        let (name, tag, ack) = (chunk.name(&sum), chunk.tag().to_vec(), chunk.ack());
        let batch = |lines, part| batch_of(&tag, &name, part, source, lines);
        let mut offering = Offering::new(
            ack.is_some(),
            is_large || chunk.takes_room(),
            ending.clone(),
        );
        let mut pending = Vec::new();
        match read {
            Read::Nothing => {}
            Read::One(lines) => pending.push(self.offer(batch(lines, None), &mut offering).await?),
            Read::Many => {
                let mut parts = chunk.parts();
                for number in 1.. {
                    let (moved, part) = blocking(parts, Parts::next_part).await?;
                    let Some(lines) = part? else { break };
                    let part = batch(lines, Some(number));
                    pending.push(self.offer(part, &mut offering).await?);
                    parts = moved;
                }
            }
        }
        // Others need its room, however long the answers take.
        drop((chunk, room));
        let Some(ack) = ack else {
            // Nobody waits for it.
            return Ok(None);
        };
        for pending in pending {
            pending.answer().await?;
        }
        Ok(Some(ack))
    }

    /// Offers a part again and again: meanwhile nothing is read from this sender, and it gets no acknowledgement.
    async fn offer(&self, batch: Batch, offering: &mut Offering) -> Result<Pending, Closed> {
        let mut retry = FIRST_RETRY;
        loop {
            match self.router.offer(&self.name, batch.clone()).await {
                Err(NotTaken::Later { .. }) if *offering.ending.borrow() => {
                    return Err(offering.ended());
                }
                Err(later @ NotTaken::Later { .. }) => {
                    if offering.gives_up(self.room.is_scarce()) {
                        return Err(later.into());
                    }
                    tokio::time::sleep(retry).await;
                    retry = retry.saturating_mul(2).min(LONGEST_RETRY);
                }
                offered => return Ok(offered?),
            }
        }
    }
}

/// The offers of one message.
struct Offering {
    begun: Instant,
    /// Whether the sender sends again what is not acknowledged.
    sends_again: bool,
    /// Whether its message takes room that others may need.
    takes_room: bool,
    ending: watch::Receiver<bool>,
}

impl Offering {
    fn new(sends_again: bool, takes_room: bool, ending: watch::Receiver<bool>) -> Self {
        Self {
            begun: Instant::now(),
            sends_again,
            takes_room,
            ending,
        }
    }

    /// The service ends before all of the message was taken.
    const fn ended(&self) -> Closed {
        if self.sends_again {
            Closed::Ending
        } else {
            Closed::Lost
        }
    }

    /// Whether what no log takes now is given up. A sender that sends again keeps it, and does not take the room of others meanwhile.
    fn gives_up(&self, is_scarce: bool) -> bool {
        self.gives_up_after(self.begun.elapsed(), is_scarce)
    }

    fn gives_up_after(&self, waited: Duration, is_scarce: bool) -> bool {
        let is_in_the_way = is_scarce && self.takes_room;
        let patience = match (self.sends_again, is_in_the_way) {
            (true, true) => Duration::ZERO,
            (true, false) => ACK_PATIENCE,
            (false, true) => SCARCE_PATIENCE,
            (false, false) => PATIENCE,
        };
        waited >= patience
    }
}

fn batch_of(
    tag: &[u8],
    name: &ChunkName,
    part: Option<usize>,
    source: Option<&Source>,
    lines: StoredBatch,
) -> Batch {
    let naming = match name.kind {
        NameKind::Unique => Naming::Chunk,
        NameKind::Ambiguous => Naming::Content,
    };
    Batch {
        source: source.cloned(),
        name: BatchName::parse(&name.of_part(part)),
        naming,
        tag: Some(String::from_utf8_lossy(tag).into_owned()),
        lines,
        reached: None,
    }
}

/// Does something on a thread that may wait for the disk.
async fn blocking<T: Send + 'static, R: Send + 'static>(
    mut on: T,
    work: impl FnOnce(&mut T) -> R + Send + 'static,
) -> Result<(T, R), Closed> {
    let done = spawn_blocking(move || {
        let result = work(&mut on);
        (on, result)
    });
    done.await.map_err(|_| Closed::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scarce_room_ends_the_offers_of_a_message_that_takes_room() {
        let least = |sends_again, takes_room, is_scarce| {
            let (_end, ending) = watch::channel(false);
            let offering = Offering::new(sends_again, takes_room, ending);
            let gives_up =
                |second: &u64| offering.gives_up_after(Duration::from_secs(*second), is_scarce);
            (0..1000).find(gives_up)
        };
        for (sends_again, takes_room, expected) in [
            (true, true, [0, 200]),
            (true, false, [200, 200]),
            // It would be lost, so it is offered for a while.
            (false, true, [60, 600]),
            (false, false, [600, 600]),
        ] {
            let found = [true, false].map(|is_scarce| least(sends_again, takes_room, is_scarce));
            assert_eq!(found, expected.map(Some));
        }
    }
}
