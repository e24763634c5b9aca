//! Messages of one connection. A small one is kept in memory, a large one in a file without a name, and all of them have a limit.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::scratch::Scratch;
use crate::forward::{Malformed, Scan};
use crate::listen::{Stream, end, ended};

/// Largest message, in bytes: Fluentd's largest chunk, and what is around it. Stops a message without end.
const MAX_MESSAGE_BYTES: u64 = (256 << 20) + (1 << 20);

/// Largest message that is kept in memory.
const MAX_MEMORY_BYTES: usize = 8 << 20;

/// Memory of messages at a time, in KiB. Stops many large messages from filling it.
const MEMORY_KIB: usize = 48 << 10;

/// What each connection may have without asking.
const FREE_BYTES: usize = 64 << 10;

/// Messages in files at a time. Stops many large messages from filling the disk.
const MAX_FILES: usize = 4;

/// Largest message of the handshake.
const MAX_SMALL_BYTES: u64 = 4 << 10;

/// How long a sender may be silent in the middle of a message. Stops slow senders from holding connections.
const SLOW_PATIENCE: Duration = Duration::from_mins(1);

/// How long one message may take.
const MESSAGE_PATIENCE: Duration = Duration::from_mins(10);

/// How long a sender may have nothing to say. Stops idle connections from taking the place of others.
const IDLE_PATIENCE: Duration = Duration::from_mins(10);

/// The same of a sender that has sent nothing yet.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);

/// How long the handshake may take.
const SMALL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a message that has begun to arrive may take when the service ends.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// The same between two messages: what a sender has written by then is read.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Messages whose events are in memory at a time, where these may be many: each takes the window of a decompressor and a part of its events,
/// 16 MiB at most. Stops small messages from filling the memory with what comes out of them.
const MAX_READ: usize = 4;

/// What all connections of a listener share.
#[derive(Clone)]
pub struct Room {
    reading: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    files: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            reading: Arc::new(Semaphore::new(MAX_READ)),
            memory: Arc::new(Semaphore::new(MEMORY_KIB)),
            files: Arc::new(Semaphore::new(MAX_FILES)),
        }
    }
}

impl Room {
    /// Whether others may have to wait for room.
    pub(super) fn is_scarce(&self) -> bool {
        let few = MEMORY_KIB.div_euclid(4);
        let rooms = [&self.files, &self.reading];
        let is_taken = |room: &&Arc<Semaphore>| room.available_permits() == 0;
        rooms.iter().any(is_taken) || self.memory.available_permits() < few
    }

    /// Takes room for the events of a message.
    pub(super) async fn to_read(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reading).acquire_owned().await.ok()
    }
}

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the message has more than {0} bytes")]
    TooLarge(u64),
    #[error("the sender was too slow")]
    TooSlow,
    /// The sender sends again.
    #[error("the connection broke off")]
    BrokeOff,
    #[error("a large message cannot be kept on the disk: {0}")]
    Disk(io::Error),
    /// The service ends, and no whole message is there. The sender sends again.
    #[error("the service is ending")]
    Ending,
}

/// A whole message.
pub(super) struct Message {
    pub(super) scan: Scan,
    pub(super) body: Body,
}

/// Its bytes.
pub(super) enum Body {
    Memory {
        bytes: Vec<u8>,
        /// Its room is free again when it is gone.
        _room: Option<OwnedSemaphorePermit>,
    },
    File {
        file: File,
        _room: OwnedSemaphorePermit,
    },
}

impl Body {
    /// Whether it takes room that all connections share.
    pub(super) const fn takes_room(&self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Memory { _room: room, .. } => room.is_some(),
        }
    }

    /// Reads bytes at an offset, as many as there are.
    pub(super) fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.read_at(into, at),
            Self::Memory { bytes, .. } => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.len().min(into.len());
                for (to, from) in into.iter_mut().zip(rest) {
                    *to = *from;
                }
                Ok(length)
            }
        }
    }
}

/// One connection.
pub(super) struct Wire {
    stream: Stream,
    /// What was read and is not part of a message yet.
    pending: Vec<u8>,
    /// Whether a message has begun to arrive.
    has_sent: bool,
    ending: watch::Receiver<bool>,
    /// When it was found out that the service ends.
    ended: Option<Instant>,
}

/// A message while it arrives.
#[derive(Default)]
struct Arriving {
    scan: Scan,
    /// Bytes of `pending` that were scanned.
    scanned: usize,
    memory: Option<OwnedSemaphorePermit>,
    file: Option<(Scratch, OwnedSemaphorePermit)>,
}

impl Wire {
    /// It reads until `ending` is true.
    pub(super) const fn new(stream: Stream, ending: watch::Receiver<bool>) -> Self {
        Self {
            stream,
            pending: Vec::new(),
            has_sent: false,
            ending,
            ended: None,
        }
    }

    /// Writes all bytes at once.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(SLOW_PATIENCE, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(WireError::BrokeOff),
            Err(_) => Err(WireError::TooSlow),
        }
    }

    /// Ends our side, so that the sender reads what was written last.
    pub(super) async fn end(self) {
        end(self.stream).await;
    }

    /// A message of the handshake.
    pub(super) async fn next_small(&mut self) -> Result<Vec<u8>, WireError> {
        let small = async {
            let mut scan = Scan::default();
            let mut scanned = 0usize;
            loop {
                let unread = self.pending.get(scanned..).unwrap_or_default();
                scanned = scanned.saturating_add(scan.advance(unread)?);
                if scan.is_whole() {
                    let rest = self.pending.split_off(scanned);
                    return Ok(std::mem::replace(&mut self.pending, rest));
                }
                if u64::try_from(self.pending.len()).unwrap_or(u64::MAX) > MAX_SMALL_BYTES {
                    return Err(WireError::TooLarge(MAX_SMALL_BYTES));
                }
                self.read(SMALL_PATIENCE).await?;
            }
        };
        let small = timeout(SMALL_PATIENCE, small).await;
        small.unwrap_or(Err(WireError::TooSlow))
    }

    /// The next message; `None` where the sender has ended the connection.
    pub(super) async fn next_message(
        &mut self,
        room: &Room,
        scratch: &[PathBuf],
    ) -> Result<Option<Message>, WireError> {
        if self.pending.is_empty() {
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
        let arriving = self.arrive(room, scratch);
        let message = timeout(MESSAGE_PATIENCE, arriving).await;
        message.unwrap_or(Err(WireError::TooSlow)).map(Some)
    }

    async fn arrive(&mut self, room: &Room, scratch: &[PathBuf]) -> Result<Message, WireError> {
        let mut arriving = Arriving::default();
        loop {
            let unread = self.pending.get(arriving.scanned..).unwrap_or_default();
            let scanned = arriving.scan.advance(unread)?;
            arriving.scanned = arriving.scanned.saturating_add(scanned);
            if arriving.scan.at_least() > MAX_MESSAGE_BYTES {
                return Err(WireError::TooLarge(MAX_MESSAGE_BYTES));
            }
            if arriving.scan.is_whole() {
                return self.whole(arriving);
            }
            if arriving.file.is_some() || !arriving.fits(self.pending.len(), room) {
                self.spill(&mut arriving, room, scratch).await?;
            }
            self.read(SLOW_PATIENCE).await?;
        }
    }

    /// Moves what was scanned into the file.
    async fn spill(
        &mut self,
        arriving: &mut Arriving,
        room: &Room,
        scratch: &[PathBuf],
    ) -> Result<(), WireError> {
        if arriving.file.is_none() {
            let permit = Arc::clone(&room.files).acquire_owned().await;
            let permit = permit.map_err(|_| WireError::BrokeOff)?;
            let file = Scratch::begin(scratch).map_err(WireError::Disk)?;
            arriving.file = Some((file, permit));
            arriving.memory = None;
        }
        let Some((file, _)) = &mut arriving.file else {
            return Ok(());
        };
        let scanned = self.pending.get(..arriving.scanned).unwrap_or_default();
        file.write(scanned).map_err(WireError::Disk)?;
        self.pending.drain(..arriving.scanned);
        arriving.scanned = 0;
        Ok(())
    }

    fn whole(&mut self, mut arriving: Arriving) -> Result<Message, WireError> {
        let rest = self.pending.split_off(arriving.scanned);
        let last = std::mem::replace(&mut self.pending, rest);
        let body = match arriving.file.take() {
            None => Body::Memory {
                bytes: last,
                _room: arriving.memory,
            },
            Some((mut file, permit)) => {
                file.write(&last).map_err(WireError::Disk)?;
                Body::File {
                    file: file.into_file(),
                    _room: permit,
                }
            }
        };
        let scan = arriving.scan;
        Ok(Message { scan, body })
    }

    async fn read(&mut self, patience: Duration) -> Result<(), WireError> {
        let last = if self.pending.is_empty() {
            LAST_LOOK
        } else {
            LAST_PATIENCE
        };
        self.pending.reserve(FREE_BYTES);
        let over = is_over(&mut self.ending, &mut self.ended, last);
        tokio::select! {
            biased;
            () = over => Err(WireError::Ending),
            read = timeout(patience, self.stream.read_buf(&mut self.pending)) => match read {
                Err(_) => Err(WireError::TooSlow),
                Ok(Ok(0) | Err(_)) => Err(WireError::BrokeOff),
                Ok(Ok(_)) => Ok(()),
            },
        }
    }
}

/// Returns so long after the service has begun to end.
async fn is_over(ending: &mut watch::Receiver<bool>, since: &mut Option<Instant>, last: Duration) {
    ended(ending).await;
    let since = since.get_or_insert_with(Instant::now);
    sleep(last.saturating_sub(since.elapsed())).await;
}

impl Arriving {
    /// Whether so many bytes may be in memory.
    fn fits(&mut self, bytes: usize, room: &Room) -> bool {
        if bytes > MAX_MEMORY_BYTES {
            return false;
        }
        let needed = bytes.saturating_sub(FREE_BYTES).div_ceil(1 << 10);
        let held = self
            .memory
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = needed.saturating_sub(held);
        if more == 0 {
            return true;
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&room.memory).try_acquire_many_owned(more) else {
            return false;
        };
        match &mut self.memory {
            Some(memory) => memory.merge(more),
            None => self.memory = Some(more),
        }
        true
    }
}
