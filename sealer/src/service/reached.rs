//! How far an input was read that can be read again.

use crate::spool::Accepted;

/// How far an input was read with a batch. It is stored in the record of the batch, so both are there after a crash or neither is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The place behind the batch.
    pub accepted: Accepted,
}
