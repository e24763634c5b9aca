//! Where and when a declaration is judged.

use auditlog_chain::timestamp::Timestamp;

use crate::aws::Clients;

/// Where and when a declaration is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) clients: &'a Clients,
    /// The time of the apply; in a plan, the time at which the bucket was last read.
    pub(super) now: Timestamp,
}
