//! A batch on its way to the log, and what its sender is told.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, Source, StoredBatch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reached::Reached;
use crate::seal::Naming;

/// When a batch is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ack {
    /// Once it is on this machine's disk: it survives a crash of the process and of the machine, and not the loss of the disk.
    #[default]
    Synced,
    /// Once its segment is stored under a lock: it survives the loss of this machine.
    Stored,
}

/// Batches of a log that may wait for its store.
const MAX_STORED: usize = 256;

/// The same of all logs together: fewer than the connections of a listener, so that it goes on answering.
const MAX_STORED_OF_ALL: usize = 768;

impl Ack {
    /// Room for the batches that wait for the store of one of so many logs; `None` where none do.
    pub fn room(self, logs: usize) -> Option<Arc<Semaphore>> {
        let share = MAX_STORED_OF_ALL.checked_div(logs).unwrap_or(MAX_STORED);
        let room = || Arc::new(Semaphore::new(share.clamp(1, MAX_STORED)));
        (self == Self::Stored).then(room)
    }
}

/// What becomes of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its events are in the log, or will be, whatever crashes.
    Accepted,
    /// A batch of this name was accepted before: nothing was added.
    Repeat,
    /// It takes more bytes than a batch may: nothing was added.
    TooLarge,
    /// Nothing was accepted: the log has stopped.
    Stopped,
}

/// A batch that a sender offers.
pub struct Offer {
    /// Who sent it.
    pub source: Option<Source>,
    /// The sender's name for it.
    pub name: Option<Batch>,
    /// What it means that the name is known.
    pub naming: Naming,
    /// Its events.
    pub events: StoredBatch,
    /// How far the input that it came from was read with it. It is then acknowledged once it is on the disk, since its input has it too.
    pub reached: Option<Reached>,
    /// When it was made: its sender waits since then.
    pub since: Instant,
    /// Answers the sender.
    pub answer: Box<dyn FnOnce(Answer) + Send>,
    /// Its part of the bytes that may wait.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Bytes of offers that wait for the threads of all logs, and for one of very many. A larger offer waits alone.
const WAITING_BYTES: usize = 64 << 20;
const LEAST_WAITING_BYTES: usize = 2 << 20;

/// Offers that wait for it.
const WAITING_OFFERS: usize = 1 << 16;

/// What a semaphore counts: so many bytes.
const UNIT_BYTES: usize = 1 << 10;

/// The way to the log's thread.
#[derive(Clone)]
pub struct Intake {
    offers: SyncSender<Offer>,
    room: Arc<Semaphore>,
    /// All of the room.
    units: usize,
}

impl Intake {
    /// Makes a way, and its end.
    pub fn new() -> (Self, Receiver<Offer>) {
        Self::to_one_of(1)
    }

    /// Makes the way to one of so many logs, which share the memory for what waits.
    pub fn to_one_of(logs: usize) -> (Self, Receiver<Offer>) {
        let (offers, taken) = sync_channel(WAITING_OFFERS);
        let bytes = WAITING_BYTES.checked_div(logs).unwrap_or(WAITING_BYTES);
        let units = bytes.max(LEAST_WAITING_BYTES).div_euclid(UNIT_BYTES);
        let room = Arc::new(Semaphore::new(units));
        (
            Self {
                offers,
                room,
                units,
            },
            taken,
        )
    }

    /// Takes room for so many bytes of events. `None` where there is none for so long.
    pub async fn room(&self, bytes: usize, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let units = bytes.div_ceil(UNIT_BYTES).max(1);
        let units = u32::try_from(units.min(self.units)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(units);
        tokio::time::timeout(patience, room).await.ok()?.ok()
    }

    /// Sends an offer that has its room. Each takes one unit at least, so there is always a place for it.
    ///
    /// # Errors
    ///
    /// Gives the offer back where the log has stopped.
    pub fn send(&self, offer: Offer) -> Result<(), Box<Offer>> {
        self.offers
            .try_send(offer)
            .map_err(|refused| match refused {
                TrySendError::Full(offer) | TrySendError::Disconnected(offer) => Box::new(offer),
            })
    }

    /// Offers a batch. Where there is no room for so long, the offer is given back: its sender must come again later.
    ///
    /// # Errors
    ///
    /// Gives the offer back.
    pub async fn offer(&self, mut offer: Offer, patience: Duration) -> Result<(), Box<Offer>> {
        let Some(room) = self.room(offer.events.bytes(), patience).await else {
            return Err(Box::new(offer));
        };
        offer.permit = Some(room);
        self.send(offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_share_the_memory_for_what_waits_and_a_larger_offer_waits_alone() {
        for (logs, bytes) in [(0, 64 << 20), (1, 64 << 20), (4, 16 << 20), (1000, 2 << 20)] {
            let (intake, _taken) = Intake::to_one_of(logs);
            assert_eq!(intake.room.available_permits() * UNIT_BYTES, bytes);
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_time().build().unwrap();
            let taken = runtime.block_on(intake.room(31 << 20, Duration::ZERO));
            assert!(taken.is_some(), "{logs}");
            let left = intake.room.available_permits() * UNIT_BYTES;
            assert_eq!(left, bytes.saturating_sub(31 << 20), "{logs}");
        }
    }
}
