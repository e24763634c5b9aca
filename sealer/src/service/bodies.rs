//! Room for the bodies of requests over HTTP, and for what comes out of them.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes of bodies in memory at a time. Stops many large bodies from filling it.
const ARRIVING_BYTES: usize = 48 << 20;

/// The same of what comes out of them, until it is on its way to the logs.
pub(super) const READ_BYTES: usize = 48 << 20;

/// The same of batches that wait for one of several logs. The largest request can be read beside them.
pub(super) const WAITING_BYTES: usize = 16 << 20;

/// What a semaphore counts: so many bytes.
const UNIT_BYTES: usize = 1 << 10;

/// Bytes of requests that may be in memory at a time. Whoever waits for the second room holds some of the first, and nobody waits the other way
/// round.
pub struct Bodies {
    arriving: Semaphore,
    read: Semaphore,
    waiting: Semaphore,
}

impl Bodies {
    /// Room for requests to so many logs. Batches that wait for one of several take a part of it, so that the others have the rest.
    pub fn for_logs(logs: usize) -> Self {
        let most = if logs > 1 { WAITING_BYTES } else { READ_BYTES };
        Self {
            arriving: room(ARRIVING_BYTES),
            read: room(READ_BYTES),
            waiting: room(most),
        }
    }

    /// Takes room for a body of so many bytes. `None` where there is none for so long.
    pub(super) async fn to_arrive(&self, bytes: usize, patience: Duration) -> Option<Held<'_>> {
        take(&self.arriving, bytes, patience).await
    }

    /// The same for what comes out of it.
    pub(super) async fn to_read(&self, bytes: usize, patience: Duration) -> Option<Held<'_>> {
        take(&self.read, bytes, patience).await
    }

    /// Takes room for a batch that waits for its log. `None` where none is there.
    pub(super) fn to_wait(&self, bytes: usize) -> Option<Held<'_>> {
        let permit = self.waiting.try_acquire_many(units(bytes));
        permit.ok().map(Held)
    }
}

fn room(bytes: usize) -> Semaphore {
    Semaphore::new(bytes.div_euclid(UNIT_BYTES))
}

async fn take(room: &Semaphore, bytes: usize, patience: Duration) -> Option<Held<'_>> {
    let permit = tokio::time::timeout(patience, room.acquire_many(units(bytes))).await;
    permit.ok()?.ok().map(Held)
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

/// Room that is free again when this is dropped.
pub(super) struct Held<'b>(SemaphorePermit<'b>);

impl Held<'_> {
    /// Gives back what so many bytes do not need.
    pub(super) fn keep(&mut self, bytes: usize) {
        let units = bytes.div_ceil(UNIT_BYTES);
        let more = self.0.num_permits().saturating_sub(units);
        drop(self.0.split(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_that_a_body_did_not_need_is_free_for_others_while_it_is_read() {
        let bodies = Bodies::for_logs(1);
        let arrive = |bytes| bodies.to_arrive(bytes, Duration::ZERO);
        let mut whole = arrive(ARRIVING_BYTES).await.unwrap();
        assert!(arrive(1).await.is_none());
        whole.keep(ARRIVING_BYTES - UNIT_BYTES);
        let one = arrive(1).await.unwrap();
        assert!(arrive(1).await.is_none());
        // What all bodies hold does not keep any of them from being read.
        assert!(bodies.to_read(READ_BYTES, Duration::ZERO).await.is_some());
        // A body may be as large as was declared, and no larger.
        whole.keep(ARRIVING_BYTES);
        assert!(arrive(1).await.is_none());
        drop((whole, one));
        assert!(arrive(ARRIVING_BYTES).await.is_some());
    }

    #[tokio::test]
    async fn batches_that_wait_for_one_of_several_logs_leave_room_to_the_others() {
        for (logs, most) in [(1, READ_BYTES), (2, WAITING_BYTES), (100, WAITING_BYTES)] {
            let bodies = Bodies::for_logs(logs);
            let held = bodies.to_wait(most);
            assert!(held.is_some() && bodies.to_wait(1).is_none(), "{logs}");
            drop(held);
            assert!(bodies.to_wait(1).is_some());
        }
    }
}
