//! Room for the bodies of webhooks. Nobody knows who sends one before all of it is there, so it is not the room of other requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auditlog_chain::limits::MAX_LINE_BYTES;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes of a body for which no room is asked: whoever invents signatures cannot take it from senders of usual messages.
pub(super) const FREE_WEBHOOK_BYTES: usize = 32 << 10;

/// Larger bodies at a time. Stops many of them from filling the memory.
const MAX_LARGE: usize = (32usize << 20).div_euclid(MAX_LINE_BYTES);

/// Of these, those of one network. Stops one that invents signatures from taking all of them.
const MAX_OF_ONE: usize = MAX_LARGE.div_euclid(4);

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
            _share: share,
        })
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
    _share: Share<'w>,
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
