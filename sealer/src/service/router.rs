//! The way from the inputs to the logs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::limits::MAX_EVENT_BYTES;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use super::batch::{Batch, NotTaken, Taken, kept_bytes};
use super::certificates::CertificateState;
use super::destination::Destination;
use super::glance::Glance;
use super::metrics::{AllCertificates, AllFollowing, AllSecrets, AllTables, Inputs, metrics};
use super::offer::{Answer, Offer};
use super::refusals::{Refusal, Refusals, Refused};
use super::route::{Route, Way, find, leads_to};
use super::secrets::SecretsState;
use super::status::{Part as PartOfLog, Status};
use crate::follow::{Following, Remembering};
use crate::input::InputName;
use crate::level::Line;
use crate::listen::{SayLine, Seats};
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

    /// An event that is longer than the log takes. No event is longer than the format allows.
    fn too_long(&self, part: &Batch) -> Option<NotTaken> {
        if self.max_event_bytes >= MAX_EVENT_BYTES {
            return None;
        }
        let mut sizes = (1..).zip(part.lines.iter().map(|payload| payload.size()));
        let (event, found) = sizes.find(|(_, bytes)| *bytes > self.max_event_bytes)?;
        Some(NotTaken::EventTooLong {
            log: self.name.clone(),
            event,
            found,
            limit: self.max_event_bytes,
        })
    }

    /// Takes room for a part: on its way to the thread of the log, and to wait for the store, where batches wait for it.
    async fn room(&self, part: &Batch, until: Instant) -> Result<Room, NotTaken> {
        let left = || until.saturating_duration_since(Instant::now());
        let stored = self.room_to_wait(left()).await?;
        let bytes = kept_bytes(&part.lines);
        let way = self.intake.room(bytes, left()).await;
        let way = way.ok_or_else(|| self.later(TOO_MUCH_WAITS))?;
        Ok(Room { stored, way })
    }

    /// While nothing is stored, nobody waits for room.
    async fn room_to_wait(
        &self,
        patience: Duration,
    ) -> Result<Option<OwnedSemaphorePermit>, NotTaken> {
        let Some(room) = &self.stored else {
            return Ok(None);
        };
        let patience = match self.status.trouble_of(PartOfLog::Storing) {
            Some(_) => Duration::ZERO,
            None => patience,
        };
        match timeout(patience, Arc::clone(room).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(self.later("too much waits to be stored: come again later")),
        }
    }

    /// Offers a batch, or a part of one. What it takes to wait for the store is held until it is there.
    fn offer(&self, batch: Batch, Room { stored, way }: Room) -> Result<Part, NotTaken> {
        let events = batch.lines.len();
        let (tell, told) = oneshot::channel();
        let offer = Offer {
            source: batch.source,
            name: batch.name,
            naming: batch.naming,
            events: batch.lines,
            reached: batch.reached,
            since: Instant::now(),
            // A sender that has gone away sends again.
            answer: Box::new(move |answer| {
                drop(stored);
                _ = tell.send(answer);
            }),
            permit: Some(way),
        };
        let sent = self.intake.send(offer);
        sent.map_err(|_| self.later("the log has stopped"))?;
        Ok(Part {
            log: self.clone(),
            events,
            told,
        })
    }
}

const TOO_MUCH_WAITS: &str = "too much waits to be accepted: come again later";

/// What a part of a batch takes until it is in the log.
struct Room {
    stored: Option<OwnedSemaphorePermit>,
    way: OwnedSemaphorePermit,
}

/// Takes batches from the inputs, and gives each to the logs that its routes lead to.
///
/// An input that gets batches in an order offers each one before it waits for the answer to the one before: they are then in
/// the log in this order, and are synced together.
pub struct Router {
    logs: Vec<Destination>,
    routes: Vec<Route>,
    following: Mutex<AllFollowing>,
    refused: Mutex<Refusals>,
    tables: Mutex<AllTables>,
    certificates: Mutex<AllCertificates>,
    secrets: Mutex<AllSecrets>,
    /// Connections of one listener, at most.
    most_connections: usize,
    say: Option<SayLine>,
    /// How long a batch waits for room in all its logs.
    patience: Duration,
}

impl Router {
    /// Each route must lead to one of the logs.
    pub fn new(logs: Vec<Destination>, routes: Vec<Route>) -> Self {
        Self {
            logs,
            routes,
            refused: Mutex::default(),
            following: Mutex::default(),
            tables: Mutex::default(),
            certificates: Mutex::default(),
            secrets: Mutex::default(),
            most_connections: usize::MAX,
            say: None,
            patience: ROOM_PATIENCE,
        }
    }

    /// The same, where each listener has so many connections at most.
    #[must_use]
    pub const fn with_connections(mut self, most: usize) -> Self {
        self.most_connections = most;
        self
    }

    /// The same, with somebody who takes a line for people where senders are refused.
    #[must_use]
    pub fn saying(mut self, say: impl Fn(&Line<'_>) + Send + Sync + 'static) -> Self {
        self.say = Some(Arc::new(say));
        self
    }

    /// The logs, in the order of the configuration.
    pub fn logs(&self) -> &[Destination] {
        &self.logs
    }

    /// The metrics of all logs, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let logs: Vec<&Status> = self.logs.iter().map(|log| &*log.status).collect();
        let refused = self.refusals();
        let following = self.following.lock();
        let tables = self.tables.lock();
        let certificates = self.certificates.lock();
        let secrets = self.secrets.lock();
        let inputs = Inputs {
            refused: refused.counts(),
            not_let_in: refused.connections(),
            tables: &tables.unwrap_or_else(PoisonError::into_inner),
            certificates: &certificates.unwrap_or_else(PoisonError::into_inner),
            secrets: &secrets.unwrap_or_else(PoisonError::into_inner),
            following: &following.unwrap_or_else(PoisonError::into_inner),
        };
        metrics(&logs, &inputs)
    }

    /// What each log knows of its inputs that events of this input may be for; `None` until all of them have found their head.
    pub fn remembering(&self, input: &str, tag: Option<&str>) -> Option<Vec<Remembering>> {
        let names = leads_to(&self.routes, input, tag);
        let logs = self.logs.iter();
        let logs = logs.filter(|log| names.contains(&log.name.as_str()));
        logs.map(|log| log.status.remembering()).collect()
    }

    /// Bytes of an event, at most, in each log that events of this input may be for.
    pub fn max_event_bytes(&self, input: &str, tag: Option<&str>) -> usize {
        // Most services have no limit of their own, and are asked for each message.
        let is_limited = |log: &Destination| log.max_event_bytes < MAX_EVENT_BYTES;
        if !self.logs.iter().any(is_limited) {
            return MAX_EVENT_BYTES;
        }
        let names = leads_to(&self.routes, input, tag);
        let logs = self.logs.iter();
        let logs = logs.filter(|log| names.contains(&log.name.as_str()));
        let least = logs.map(|log| log.max_event_bytes).min();
        least.unwrap_or(MAX_EVENT_BYTES)
    }

    /// Says to the logs that events of this input may be for which inputs nobody will find again.
    pub fn finish(&self, input: &str, tag: Option<&str>, finished: &[InputName]) {
        if finished.is_empty() {
            return;
        }
        let names = leads_to(&self.routes, input, tag);
        let logs = self.logs.iter();
        for log in logs.filter(|log| names.contains(&log.name.as_str())) {
            log.status.finish(finished);
        }
    }

    /// How far an input of files is.
    pub fn set_following(&self, input: &str, following: Following) {
        let all = self.following.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.insert(input.to_owned(), following);
    }

    /// The seats of an input that may have so many connections.
    pub(super) fn seats(&self, input: &str, most: usize) -> Seats {
        let most = most.min(self.most_connections);
        let seats = Seats::new(input, most, self.say.clone());
        let tables = self.tables.lock();
        let mut tables = tables.unwrap_or_else(PoisonError::into_inner);
        tables.insert(input.to_owned(), seats.table());
        seats
    }

    /// What is known of the certificates of an input.
    pub(super) fn set_certificate(&self, input: &str, state: CertificateState) {
        let all = self.certificates.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.insert(input.to_owned(), state);
    }

    /// What is known of the secrets of an input.
    pub fn set_secrets(&self, input: &str, state: SecretsState) {
        let all = self.secrets.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.insert(input.to_owned(), state);
    }

    /// Says something to whoever runs the service.
    pub(super) fn say(&self, line: &Line<'_>) {
        if let Some(say) = &self.say {
            say(line);
        }
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each log at a glance.
    pub fn glances(&self) -> Vec<Glance> {
        self.logs.iter().map(Glance::of).collect()
    }

    /// Counts a batch that an input could not hand on, for whatever reason.
    pub fn count_refused(&self, input: &str) {
        self.refusals().count(Refused::Batch, input);
    }

    /// Counts a batch or a connection that an input has refused, and says so from time to time.
    pub fn refused(&self, refusal: &Refusal<'_>) {
        let line = self.refusals().add(refusal, Instant::now());
        if let (Some(line), Some(say)) = (line, &self.say) {
            say(&Line::warning(refusal.input, &line));
        }
    }

    /// Offers a batch that came from an input. It is acknowledged once [`Pending::answer`] says so.
    ///
    /// # Errors
    ///
    /// Where nothing of it was offered to any log, or not all of it. What was is accepted, and is recognised by the name of the batch.
    pub async fn offer(&self, input: &str, batch: Batch) -> Result<Pending, NotTaken> {
        self.offer_within(input, batch, self.patience).await
    }

    /// The same, where nobody waits for room.
    ///
    /// # Errors
    ///
    /// As [`Self::offer`].
    pub(super) async fn offer_at_once(
        &self,
        input: &str,
        batch: Batch,
    ) -> Result<Pending, NotTaken> {
        self.offer_within(input, batch, Duration::ZERO).await
    }

    async fn offer_within(
        &self,
        input: &str,
        batch: Batch,
        patience: Duration,
    ) -> Result<Pending, NotTaken> {
        let parts = self.parts(input, batch)?;
        // What stops one part stops the others too.
        for (log, part) in &parts {
            if part.is_too_large() {
                return Err(NotTaken::TooLarge);
            }
            if let Some(too_long) = log.too_long(part) {
                return Err(too_long);
            }
            if let Some(trouble) = log.status.trouble() {
                return Err(log.later(&trouble));
            }
        }
        // All of it has room before any of it is offered: a sender would send again what one of the logs has taken, and of a batch
        // without a name, nobody would see it.
        // Many logs take no longer than one.
        let now = Instant::now();
        let until = now.checked_add(patience).unwrap_or(now);
        let mut rooms = Vec::new();
        for (log, part) in &parts {
            rooms.push(log.room(part, until).await?);
        }
        let mut pending = Pending { parts: Vec::new() };
        for ((log, part), room) in parts.into_iter().zip(rooms) {
            pending.parts.push(log.offer(part, room)?);
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
                    reached: batch.reached.clone(),
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
            accepted: self.reached.as_ref().map(|reached| &reached.accepted),
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
    /// The same as [`Self::answer`], for so long. What was offered may be accepted after that: it must be sent again.
    ///
    /// # Errors
    ///
    /// Also where nothing is known in time.
    pub async fn answer_within(self, patience: Duration) -> Result<Taken, NotTaken> {
        let first = self.parts.first();
        let log = first.map_or_else(String::new, |part| part.log.name.clone());
        let late = |_| NotTaken::Later {
            log,
            reason: "the events are not stored yet: send them again".to_owned(),
        };
        let answered = timeout(patience, self.answer()).await;
        answered.map_err(late)?
    }

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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;
    use crate::error::{Cause, Trouble};
    use crate::service::offer::{Ack, Intake};
    use crate::service::route::{FieldIs, TagPattern};

    fn log(name: &str, ack: Ack) -> (Destination, Route, Receiver<Offer>) {
        let (intake, offers) = Intake::new();
        let status = Arc::new(Status::new(name));
        status.set(PartOfLog::Accepting, None);
        let destination = Destination {
            name: name.to_owned(),
            intake,
            status,
            max_event_bytes: MAX_EVENT_BYTES,
            stored: ack.room(2),
        };
        let route = Route {
            log: name.to_owned(),
            input: None,
            tag: TagPattern::parse(name),
            field: None,
        };
        (destination, route, offers)
    }

    fn batch(tag: &str) -> Batch {
        let mut lines = StoredBatch::default();
        lines.push_json(b"1").unwrap();
        Batch {
            tag: Some(tag.to_owned()),
            lines,
            ..Batch::default()
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn batch_that_is_not_stored_in_time_is_to_be_sent_again_and_stays_accepted() {
        let (log, route, offers) = log("a", Ack::Stored);
        let router = Router::new(vec![log], vec![route]);
        let late = block_on(async {
            let pending = router.offer("http", batch("a")).await.unwrap();
            pending.answer_within(Duration::from_millis(1)).await
        });
        assert!(matches!(late, Err(NotTaken::Later { .. })), "{late:?}");
        (offers.try_recv().unwrap().answer)(Answer::Accepted);
        let taken = block_on(async {
            let pending = router.offer("http", batch("a")).await.unwrap();
            (offers.try_recv().unwrap().answer)(Answer::Repeat);
            pending.answer_within(Duration::from_mins(1)).await
        });
        assert_eq!(taken.map(|taken| taken.repeated), Ok(1));
    }

    #[test]
    fn log_that_does_not_store_holds_no_more_than_its_room() {
        let (stopped, to_stopped, offers) = log("a", Ack::Stored);
        let (other, to_other, of_other) = log("b", Ack::Synced);
        stopped.status.set(
            PartOfLog::Storing,
            Some(Trouble {
                cause: Cause::Store,
                reason: "it does not answer".to_owned(),
            }),
        );
        let router = Router::new(vec![stopped, other], vec![to_stopped, to_other]);
        block_on(async {
            let mut waiting = Vec::new();
            for _ in 0..256 {
                waiting.push(router.offer("http", batch("a")).await.unwrap());
            }
            let refused = router.offer("http", batch("a")).await.err();
            assert!(matches!(refused, Some(NotTaken::Later { .. })));
            assert_eq!(offers.try_iter().count(), 256);
            for _ in 0..300 {
                assert!(router.offer("http", batch("b")).await.is_ok());
            }
            assert_eq!(of_other.try_iter().count(), 300);
            // Whoever waited is gone, and what it sent was stored.
            assert!(router.offer("http", batch("a")).await.is_ok());
        });
    }

    #[test]
    fn batch_for_two_logs_is_offered_to_neither_while_one_has_no_room() {
        let (one, _, of_one) = log("a", Ack::Synced);
        let (full, _, of_full) = log("b", Ack::Synced);
        let to = |name: &str| Route {
            log: name.to_owned(),
            input: None,
            tag: None,
            field: Some(FieldIs {
                pointer: "/log".to_owned(),
                equals: name.to_owned(),
            }),
        };
        let intake = full.intake.clone();
        let router = Router::new(vec![one, full], vec![to("a"), to("b")]);
        let mut both = batch("x");
        both.lines = StoredBatch::default();
        for event in ["{\"log\":\"a\"}", "{\"log\":\"b\"}"] {
            both.lines.push_json(event.as_bytes()).unwrap();
        }
        block_on(async {
            let all = intake.room(usize::MAX, Duration::ZERO).await;
            assert!(all.is_some());
            let refused = router.offer("forward", both.clone()).await.err();
            assert!(matches!(refused, Some(NotTaken::Later { .. })));
            assert_eq!(of_one.try_iter().count(), 0);
            drop(all);
            assert!(router.offer("forward", both).await.is_ok());
            assert_eq!(of_one.try_iter().count(), 1);
            assert_eq!(of_full.try_iter().count(), 1);
        });
    }

    #[test]
    fn batch_for_many_logs_waits_no_longer_than_for_one() {
        let names: Vec<String> = (0..4).map(|number| format!("log{number}")).collect();
        let (mut logs, mut ways, mut ends, mut held) = (vec![], vec![], vec![], vec![]);
        let mut lines = StoredBatch::default();
        for name in &names {
            let (log, _, end) = log(name, Ack::Stored);
            let stored = log.stored.clone().unwrap();
            ways.push(Route {
                log: name.clone(),
                input: None,
                tag: None,
                field: Some(FieldIs {
                    pointer: "/log".to_owned(),
                    equals: name.clone(),
                }),
            });
            let event = format!("{{\"log\":\"{name}\"}}");
            lines.push_json(event.as_bytes()).unwrap();
            // Each has room a little later.
            let permits = u32::try_from(stored.available_permits()).unwrap();
            held.push(stored.try_acquire_many_owned(permits).unwrap());
            logs.push(log);
            ends.push(end);
        }
        let mut router = Router::new(logs, ways);
        router.patience = Duration::from_millis(400);
        let batch = Batch {
            lines,
            ..batch("x")
        };
        block_on(async {
            let begun = Instant::now();
            let gives = async {
                for permits in held {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    drop(permits);
                }
            };
            let offered = router.offer("http", batch);
            let (refused, ()) = tokio::join!(
                async {
                    let refused = offered.await.err();
                    (refused, begun.elapsed())
                },
                gives
            );
            assert!(matches!(refused.0, Some(NotTaken::Later { .. })));
            assert!(refused.1 < Duration::from_millis(900), "{:?}", refused.1);
        });
        assert!(ends.iter().all(|end| end.try_recv().is_err()));
    }

    #[test]
    fn logs_together_leave_connections_to_a_listener() {
        for (logs, each) in [(0, 256), (1, 256), (3, 256), (4, 192), (1000, 1)] {
            let room = Ack::Stored.room(logs).unwrap();
            assert_eq!(room.available_permits(), each, "{logs}");
            assert!(Ack::Synced.room(logs).is_none());
        }
    }

    #[test]
    fn event_that_is_longer_than_its_log_takes_is_refused_before_anything_is_offered() {
        let (mut small, small_route, of_small) = log("small", Ack::Synced);
        small.max_event_bytes = 10;
        let (large, large_route, of_large) = log("large", Ack::Synced);
        let router = Router::new(vec![small, large], vec![small_route, large_route]);
        let offer = |tag: &str, longest: usize| {
            let mut batch = batch(tag);
            let text = format!("\"{}\"", "x".repeat(longest - 2));
            batch.lines.push_json(text.as_bytes()).unwrap();
            block_on(router.offer("http", batch)).map(|_| ())
        };
        assert_eq!(offer("small", 10), Ok(()));
        let refused = offer("small", 11).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "event 2 has 11 bytes, the limit of the log small is 10"
        );
        assert_eq!(offer("large", 1000), Ok(()));
        assert_eq!(
            (of_small.try_iter().count(), of_large.try_iter().count()),
            (1, 1)
        );
        assert_eq!(router.max_event_bytes("http", Some("small")), 10);
        assert_eq!(
            router.max_event_bytes("http", Some("large")),
            MAX_EVENT_BYTES
        );
    }
}
