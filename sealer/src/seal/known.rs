//! What a writer knows of the end of a log.

use auditlog_chain::policy::Position;
use auditlog_chain::segment::Head;

/// What is known of the log's head apart from the store, where the spool does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownHead {
    /// Nothing: only a new log, or one that the spool knows, can be continued.
    Nothing,
    /// An earlier verified head.
    Pinned(Position),
    /// Pins were given, and they have no head of this log: as if nothing were known.
    NotPinned,
    /// A person says that the store's word is enough.
    Unknown,
}

/// The end of a log as a position in it.
pub(super) fn position(head: &Head) -> Option<Position> {
    Some(Position {
        segment: head.next_segment.checked_sub(1)?,
        size: head.range.size(),
        root: head.range.root(),
    })
}
