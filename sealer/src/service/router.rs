//! The way from the inputs to the logs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auditlog_chain::builder::StoredBatch;
use tokio::sync::oneshot;

use super::batch::{Batch, NotTaken, Taken};
use super::destination::Destination;
use super::glance::Glance;
use super::metrics::{Refused, metrics};
use super::offer::{Answer, Offer};
use super::route::{Route, Way, find};
use super::status::Status;
use crate::seal::Offered;

/// How long a batch waits for room before its sender is asked to come again later.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

impl Destination {
    fn later(&self, reason: &str) -> NotTaken {
        NotTaken::Later {
            log: self.name.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Offers a batch, or a part of one.
    async fn offer(&self, batch: Batch) -> Result<Part, NotTaken> {
        let events = batch.lines.len();
        let (tell, told) = oneshot::channel();
        let offer = Offer {
            source: batch.source,
            name: batch.name,
            naming: batch.naming,
            events: batch.lines,
            // A sender that has gone away sends again.
            answer: Box::new(move |answer| _ = tell.send(answer)),
            permit: None,
        };
        let offered = self.intake.offer(offer, ROOM_PATIENCE).await;
        let full = "too much waits to be accepted: come again later";
        offered.map_err(|_| self.later(full))?;
        Ok(Part {
            log: self.clone(),
            events,
            told,
        })
    }
}

/// Takes batches from the inputs, and gives each to the logs that its routes lead to.
///
/// An input that gets batches in an order offers each one before it waits for the answer to the one before: they are then in
/// the log in this order, and are synced together.
pub struct Router {
    logs: Vec<Destination>,
    routes: Vec<Route>,
    refused: Mutex<Refused>,
}

impl Router {
    /// Each route must lead to one of the logs.
    pub fn new(logs: Vec<Destination>, routes: Vec<Route>) -> Self {
        Self {
            logs,
            routes,
            refused: Mutex::default(),
        }
    }

    /// The logs, in the order of the configuration.
    pub fn logs(&self) -> &[Destination] {
        &self.logs
    }

    /// The metrics of all logs, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let logs: Vec<&Status> = self.logs.iter().map(|log| &*log.status).collect();
        let refused = self.refused.lock();
        metrics(&logs, &refused.unwrap_or_else(PoisonError::into_inner))
    }

    /// Each log at a glance.
    pub fn glances(&self) -> Vec<Glance> {
        self.logs.iter().map(Glance::of).collect()
    }

    /// Counts a batch that an input could not hand on, for whatever reason.
    pub fn count_refused(&self, input: &str) {
        let refused = self.refused.lock();
        let mut refused = refused.unwrap_or_else(PoisonError::into_inner);
        let counter = refused.entry(input.to_owned()).or_default();
        *counter = counter.saturating_add(1);
    }

    /// Offers a batch that came from an input. It is acknowledged once [`Pending::answer`] says so.
    ///
    /// # Errors
    ///
    /// Where nothing of it was offered to any log, or not all of it. What was is accepted, and is recognised by the name of the batch.
    pub async fn offer(&self, input: &str, batch: Batch) -> Result<Pending, NotTaken> {
        let parts = self.parts(input, batch)?;
        // What stops one part stops the others too.
        for (log, part) in &parts {
            if part.is_too_large() {
                return Err(NotTaken::TooLarge);
            }
            if let Some(trouble) = log.status.trouble() {
                return Err(log.later(&trouble));
            }
        }
        let mut pending = Pending { parts: Vec::new() };
        for (log, part) in parts {
            pending.parts.push(log.offer(part).await?);
        }
        Ok(pending)
    }

    fn parts(&self, input: &str, batch: Batch) -> Result<Vec<(&Destination, Batch)>, NotTaken> {
        let way = find(&self.routes, input, batch.tag.as_deref(), &batch.lines);
        let no_route = |event| NotTaken::NoRoute {
            input: input.to_owned(),
            tag: batch.tag.clone(),
            event,
        };
        let each = match way.map_err(no_route)? {
            Way::Whole(name) => {
                let log = self.logs.iter().find(|log| log.name == name);
                return Ok(vec![(log.ok_or_else(|| no_route(None))?, batch)]);
            }
            Way::Each(each) => each,
        };
        let mut parts = Vec::new();
        for log in &self.logs {
            let mut lines = StoredBatch::default();
            for (payload, name) in batch.lines.iter().zip(&each) {
                if log.name == **name {
                    lines.push(&payload);
                }
            }
            if !lines.is_empty() {
                let part = Batch {
                    source: batch.source.clone(),
                    name: batch.name.clone(),
                    naming: batch.naming,
                    tag: batch.tag.clone(),
                    lines,
                };
                parts.push((log, part));
            }
        }
        Ok(parts)
    }
}

impl Batch {
    fn is_too_large(&self) -> bool {
        let offered = Offered {
            source: self.source.as_ref(),
            name: self.name.as_ref(),
            naming: self.naming,
            events: &self.lines,
        };
        offered.is_too_large()
    }
}

/// A part of a batch on its way to one log.
struct Part {
    log: Destination,
    events: usize,
    told: oneshot::Receiver<Answer>,
}

/// A batch that was offered and is not yet acknowledged.
pub struct Pending {
    parts: Vec<Part>,
}

impl Pending {
    /// Waits until all of it is accepted.
    ///
    /// # Errors
    ///
    /// Where a log has not accepted its part. Others may have accepted theirs.
    pub async fn answer(self) -> Result<Taken, NotTaken> {
        let (mut taken, mut failed) = (Taken::default(), None);
        for part in self.parts {
            match part.told.await {
                Ok(Answer::Accepted) => taken.accepted = taken.accepted.saturating_add(part.events),
                Ok(Answer::Repeat) => taken.repeated = taken.repeated.saturating_add(part.events),
                Ok(Answer::TooLarge) => failed = Some(NotTaken::TooLarge),
                Ok(Answer::Stopped) | Err(_) => {
                    let stopped = part.log.later("the log has stopped");
                    failed.get_or_insert(stopped);
                }
            }
        }
        failed.map_or(Ok(taken), Err)
    }
}
