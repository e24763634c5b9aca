//! What whoever watches the policy and the keys says to the thread of a log.

use super::ages::Ages;
use crate::error::Error;
use crate::seal::Renewal;

/// What has changed.
pub enum Update {
    /// Another policy or other keys count.
    Renewed {
        /// The policy and the keys.
        renewal: Box<Renewal>,
        /// When a segment is closed though it is not full.
        ages: Ages,
    },
    /// The log cannot go on: the policy says that it has ended.
    Ended(Error),
}
