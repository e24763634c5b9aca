//! Room for the bodies of webhooks. Nobody knows who sends one before all of it is there, so it is not the room of other requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auditlog_chain::limits::MAX_LINE_BYTES;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes of a body for which no room is asked: whoever invents signatures cannot take it from senders of usual messages.
pub(super) const FREE_WEBHOOK_BYTES: usize = 32 << 10;

/// Larger bodies at a time. Stops many of them from filling the memory.
const MAX_LARGE: usize = (32usize << 20).div_euclid(MAX_LINE_BYTES);

/// Of these, those of one network. Stops one that invents signatures from taking all of them.
const MAX_OF_ONE: usize = MAX_LARGE.div_euclid(4);

/// What the sender of a larger one brings in so long at least, where all room is taken. Stops senders that dribble from keeping it from others.
const LEAST_BYTES: usize = 32 << 10;
const TURN: Duration = Duration::from_secs(1);

/// Others have the room.
#[derive(Clone)]
pub(super) struct NoRoom;

/// Room for the bodies of webhooks.
pub struct Webhooks {
    large: Semaphore,
    of_each: Mutex<BTreeMap<Option<IpAddr>, usize>>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            large: Semaphore::new(MAX_LARGE),
            of_each: Mutex::default(),
        }
    }
}

impl Webhooks {
    fn of_each(&self) -> MutexGuard<'_, BTreeMap<Option<IpAddr>, usize>> {
        self.of_each.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for a large body. `None` where none is there for so long, or its network has its share.
    pub(super) async fn take(&self, from: Option<IpAddr>, patience: Duration) -> Option<Held<'_>> {
        let of = from.map(network);
        let share = Share::take(self, of)?;
        let room = tokio::time::timeout(patience, self.large.acquire()).await;
        Some(Held {
            _room: room.ok()?.ok()?,
            share,
            pace: Pace::at(Instant::now()),
        })
    }

    /// Whether somebody else may have to wait, or is refused.
    fn is_scarce(&self, from: Option<IpAddr>) -> bool {
        let of_one = self.of_each().get(&from).copied().unwrap_or_default();
        self.large.available_permits() == 0 || of_one >= MAX_OF_ONE
    }
}

/// A host has any number of addresses of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [one, two, three, four, ..] = address.segments();
            IpAddr::from([one, two, three, four, 0, 0, 0, 0])
        }
    }
}

/// Room for one body, until it is dropped.
pub(super) struct Held<'w> {
    _room: SemaphorePermit<'w>,
    share: Share<'w>,
    pace: Pace,
}

impl Held<'_> {
    /// Waits for more of a body of which so many bytes are there. `None` where it is too slow, and the room is needed.
    pub(super) async fn while_fast<T>(
        &mut self,
        received: usize,
        more: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(more);
        loop {
            let now = Instant::now();
            if self.pace.is_slow(received, now) {
                if self.share.webhooks.is_scarce(self.share.of) {
                    return None;
                }
                self.pace = Pace {
                    received,
                    ..Pace::at(now)
                };
            }
            let left = self.pace.until.saturating_duration_since(now);
            if let Ok(more) = tokio::time::timeout(left, more.as_mut()).await {
                return Some(more);
            }
        }
    }
}

/// How fast a body arrives.
struct Pace {
    /// Bytes that were there when this turn began.
    received: usize,
    /// When it ends.
    until: Instant,
}

impl Pace {
    /// That of a body which has its room since now.
    fn at(now: Instant) -> Self {
        Self {
            received: FREE_WEBHOOK_BYTES,
            until: now.checked_add(TURN).unwrap_or(now),
        }
    }

    /// Whether too little has come in this turn. Otherwise, the next one begins once enough is there.
    fn is_slow(&mut self, received: usize, now: Instant) -> bool {
        if received.saturating_sub(self.received) >= LEAST_BYTES {
            *self = Self {
                received,
                ..Self::at(now)
            };
        }
        now >= self.until
    }
}

/// One of those that a network may have.
struct Share<'w> {
    webhooks: &'w Webhooks,
    of: Option<IpAddr>,
}

impl<'w> Share<'w> {
    fn take(webhooks: &'w Webhooks, of: Option<IpAddr>) -> Option<Self> {
        let mut of_each = webhooks.of_each();
        let taken = of_each.entry(of).or_default();
        if *taken >= MAX_OF_ONE {
            return None;
        }
        *taken = taken.saturating_add(1);
        Some(Self { webhooks, of })
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut of_each = self.webhooks.of_each();
        let Some(taken) = of_each.get_mut(&self.of) else {
            return;
        };
        *taken = taken.saturating_sub(1);
        if *taken == 0 {
            of_each.remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_that_brings_too_little_in_a_second_is_slow() {
        let begun = Instant::now();
        let mut pace = Pace::at(begun);
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        let enough = |turns: usize| FREE_WEBHOOK_BYTES + turns * LEAST_BYTES;
        for (milliseconds, received, is_slow) in [
            (0, FREE_WEBHOOK_BYTES + 1, false),
            (900, enough(1) - 1, false),
            (990, enough(1), false),
            // The second turn began when the first had brought enough.
            (1989, enough(2) - 1, false),
            (1990, enough(2) - 1, true),
            (1990, enough(2), false),
            (2989, enough(2), false),
            (2990, enough(2), true),
        ] {
            let found = pace.is_slow(received, after(milliseconds));
            assert_eq!(found, is_slow, "{received} bytes after {milliseconds} ms");
        }
    }

    #[tokio::test]
    async fn slow_body_ends_only_where_room_is_scarce() {
        let webhooks = Webhooks::default();
        let take = |from: &str| webhooks.take(from.parse().ok(), Duration::ZERO);
        let mut slow = take("192.0.2.1").await.unwrap();
        let never = std::future::pending::<()>;
        let wait = |slow: &mut Held<'_>| slow.pace.until = Instant::now();
        wait(&mut slow);
        let soon = Duration::from_millis(50);
        let waited = tokio::time::timeout(soon, slow.while_fast(FREE_WEBHOOK_BYTES, never()));
        assert!(waited.await.is_err());
        let mut others = Vec::new();
        for _ in 1..MAX_OF_ONE {
            others.extend(take("192.0.2.1").await);
        }
        // The share of its network is taken.
        wait(&mut slow);
        assert!(slow.while_fast(FREE_WEBHOOK_BYTES, never()).await.is_none());
        others.clear();
        for number in 1..MAX_LARGE {
            others.extend(take(&format!("198.51.100.{number}")).await);
        }
        // All room is taken.
        wait(&mut slow);
        assert!(slow.while_fast(FREE_WEBHOOK_BYTES, never()).await.is_none());
        let enough = FREE_WEBHOOK_BYTES + LEAST_BYTES;
        let more = slow.while_fast(enough, std::future::ready(7)).await;
        assert_eq!(more, Some(7));
    }

    #[tokio::test]
    async fn network_has_its_share_and_leaves_room_to_others() {
        let webhooks = Webhooks::default();
        let take = |from: &str| webhooks.take(from.parse().ok(), Duration::ZERO);
        let mut held = Vec::new();
        for number in 0..100 {
            held.extend(take(&format!("2001:db8::{number}")).await);
        }
        assert_eq!(held.len(), MAX_OF_ONE);
        assert!(take("2001:db8:0:1::1").await.is_some());
        assert!(take("192.0.2.1").await.is_some());
        held.pop();
        assert!(take("2001:db8::1").await.is_some());
        held.clear();
        assert!(webhooks.of_each().is_empty());
        for number in 0..100 {
            held.extend(take(&format!("192.0.2.{number}")).await);
        }
        assert_eq!(held.len(), MAX_LARGE);
        drop(held);
        assert_eq!(webhooks.large.available_permits(), MAX_LARGE);
        assert!(webhooks.of_each().is_empty());
    }
}
