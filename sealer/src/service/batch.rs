//! What a sender sent as one unit, and what becomes of it.

use auditlog_chain::builder::{Batch as BatchName, Source, StoredBatch};

use super::reached::Reached;
use crate::seal::Naming;

/// What one sender sent as one unit.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Who sent it.
    pub source: Option<Source>,
    /// The sender's name for it, which the sender keeps when it sends the batch again.
    pub name: Option<BatchName>,
    /// What it means that the name is known.
    pub naming: Naming,
    /// What the sender calls the kind of its events, in parts with `.` between them. Routes may ask for it; the log does not have it.
    pub tag: Option<String>,
    /// Its events, at least one.
    pub lines: StoredBatch,
    /// How far the input that it came from was read with it, where that can be read again.
    pub reached: Option<Reached>,
}

/// What an event takes in memory beside its bytes.
pub(super) const EVENT_BYTES: usize = 32;

/// What events take in memory.
pub(super) fn kept_bytes(events: &StoredBatch) -> usize {
    let beside = events.len().saturating_mul(EVENT_BYTES);
    events.bytes().saturating_add(beside)
}

/// What was accepted of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Events that were added, to one log or to several.
    pub accepted: usize,
    /// Events that were accepted before under the name of the batch.
    pub repeated: usize,
}

/// Why a batch is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// No route leads to a log. The same batch will be refused again.
    #[error("no route leads to a log from the input {input}{}{}", of_tag(tag.as_deref()), of_event(*event))]
    NoRoute {
        /// Name of the input.
        input: String,
        /// Tag of the batch.
        tag: Option<String>,
        /// Number of the first event that no route takes, from 1, where the routes look at events.
        event: Option<usize>,
    },
    /// It takes more bytes than a batch may. The same batch will be refused again.
    #[error("the body has too many events: send fewer at a time")]
    TooLarge,
    /// An event of it is longer than a log takes. The same batch will be refused again.
    #[error("event {event} has {found} bytes, the limit of the log {log} is {limit}")]
    EventTooLong {
        /// Name of the log.
        log: String,
        /// Number of the event, from 1.
        event: usize,
        /// Its bytes in the log.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing of it may be accepted now, or it is not known what was: the sender must send it again.
    #[error("{reason}")]
    Later {
        /// Name of the log.
        log: String,
        /// Why.
        reason: String,
    },
}

fn of_tag(tag: Option<&str>) -> String {
    tag.map_or_else(String::new, |tag| format!(" with the tag {tag:?}"))
}

fn of_event(event: Option<usize>) -> String {
    event.map_or_else(String::new, |event| format!(" for event {event}"))
}
