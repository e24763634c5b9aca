//! The head of a log as a run saw it.

use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;

/// The head of a log as a run saw it: what a later run needs to find out that the log has gone back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its last segment, with the log's size and root at its end.
    pub position: Position,
    /// When that segment was sealed.
    pub sealed: Timestamp,
    /// When it was stored; `None` in a folder.
    pub stored: Option<Timestamp>,
}
