//! The bytes of one connection. What is kept of them has a limit, and so has the time that they take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::listen::{Stream, end, ended};

/// What each connection may keep without asking, and what is read at a time.
const FREE_BYTES: usize = 64 << 10;

/// How long a sender may be silent in the middle of a message. Stops slow senders from holding connections.
const SLOW_PATIENCE: Duration = Duration::from_mins(1);

/// How long one message may take.
const MESSAGE_PATIENCE: Duration = Duration::from_mins(10);

/// How long a sender may take to end its side, so that it reads what was written last.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("the sender was too slow")]
    TooSlow,
    /// Other senders have the room.
    #[error("there was no room for a large message for too long")]
    NoRoom,
    #[error("the connection broke off")]
    BrokeOff,
}

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// More bytes.
    Bytes,
    /// The sender has ended its side, or had nothing to say for too long.
    End,
    /// The service ends.
    Ending,
}

/// Whether the service ends.
#[derive(Clone)]
pub(super) struct Ending(pub(super) watch::Receiver<bool>);

impl Ending {
    pub(super) fn is_there(&self) -> bool {
        *self.0.borrow()
    }
}

/// One connection.
pub(super) struct Wire {
    stream: Stream,
    /// What was read and not taken yet.
    pending: Vec<u8>,
    /// Since when a part of a message is there.
    partial: Option<Instant>,
    large: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    ending: Ending,
}

impl Wire {
    pub(super) const fn new(
        stream: Stream,
        large: Arc<Semaphore>,
        ending: watch::Receiver<bool>,
    ) -> Self {
        Self {
            stream,
            pending: Vec::new(),
            partial: None,
            large,
            permit: None,
            ending: Ending(ending),
        }
    }

    pub(super) fn ending(&self) -> Ending {
        self.ending.clone()
    }

    /// What was read and not taken yet.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Takes so many bytes from the front.
    pub(super) fn take(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.pending.drain(..bytes.min(self.pending.len()));
        self.partial = None;
        if self.pending.len() <= FREE_BYTES {
            self.permit = None;
            self.pending.shrink_to(FREE_BYTES.saturating_mul(2));
        }
    }

    /// Reads more. Where nothing is there yet, the sender may say nothing for so long.
    pub(super) async fn read(&mut self, idle: Duration) -> Result<Got, WireError> {
        let is_idle = self.pending.is_empty();
        let patience = if is_idle { idle } else { self.patience() };
        self.must_fit().await?;
        let mut ending = self.ending.0.clone();
        tokio::select! {
            read = timeout(patience, read(&mut self.stream, &mut self.pending)) => match read {
                Ok(got) => got,
                Err(_) if is_idle => Ok(Got::End),
                Err(_) => Err(WireError::TooSlow),
            },
            () = ended(&mut ending) => Ok(Got::Ending),
        }
    }

    /// Reads what arrives within so long, though the service ends.
    pub(super) async fn read_last(&mut self, patience: Duration) -> Got {
        if self.must_fit().await.is_err() {
            return Got::End;
        }
        let read = timeout(patience, read(&mut self.stream, &mut self.pending)).await;
        match read {
            Ok(Ok(Got::Bytes)) => Got::Bytes,
            Ok(_) | Err(_) => Got::End,
        }
    }

    /// Returns when the sender is gone. What it sends meanwhile is kept. One that has ended its side may still read for a moment.
    pub(super) async fn until_gone(&mut self) {
        while self.pending.len() < FREE_BYTES {
            match read(&mut self.stream, &mut self.pending).await {
                Ok(Got::Bytes) => {}
                Ok(Got::End | Got::Ending) => return tokio::time::sleep(LAST_PATIENCE).await,
                Err(_) => return,
            }
        }
        // More is read when what is there was taken.
        std::future::pending::<()>().await;
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

    /// How long may pass until more of a message comes.
    fn patience(&mut self) -> Duration {
        let since = *self.partial.get_or_insert_with(Instant::now);
        MESSAGE_PATIENCE
            .saturating_sub(since.elapsed())
            .min(SLOW_PATIENCE)
    }

    /// Waits for room, where a message does not fit into what each connection has.
    async fn must_fit(&mut self) -> Result<(), WireError> {
        if self.pending.len() > FREE_BYTES && self.permit.is_none() {
            let permit = timeout(SLOW_PATIENCE, Arc::clone(&self.large).acquire_owned()).await;
            let permit = permit.map_err(|_| WireError::NoRoom)?;
            self.permit = permit.ok();
        }
        self.pending.reserve(FREE_BYTES);
        Ok(())
    }
}

async fn read(stream: &mut Stream, to: &mut Vec<u8>) -> Result<Got, WireError> {
    match stream.read_buf(to).await {
        Ok(0) => Ok(Got::End),
        Ok(_) => Ok(Got::Bytes),
        Err(_) => Err(WireError::BrokeOff),
    }
}
