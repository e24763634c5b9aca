//! A log as the inputs reach it.

use std::sync::Arc;

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
}
