//! A log as the inputs reach it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::offer::Intake;
use super::status::Status;

/// A log as the inputs reach it.
#[derive(Clone)]
pub struct Destination {
    /// Its name in the configuration.
    pub name: String,
    /// The way to its thread.
    pub intake: Intake,
    /// What is known of it.
    pub status: Arc<Status>,
    /// Bytes of an event, at most.
    pub max_event_bytes: usize,
    /// Batches that may wait for its store, where it acknowledges them only then.
    pub stored: Option<Arc<Semaphore>>,
}
