//! Terraform's wish to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether Terraform has asked to stop. Cloned freely; all clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Cancel {
    /// Asks everything that watches to stop at its next safe point.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the stop has been asked for.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the stop is asked for.
    pub async fn cancelled(&self) {
        // the sender lives as long as self, so waiting cannot fail
        drop(self.0.subscribe().wait_for(|cancelled| *cancelled).await);
    }
}
