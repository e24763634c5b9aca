//! The head of a log as a run saw it.

use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::absence::pin;

/// The head of a log as a run saw it: what a later run needs to find out that the log has gone back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Its last segment, with the log's size and root at its end.
    pub position: Position,
    /// When that segment was sealed.
    pub sealed: Timestamp,
    /// When it was stored; `None` in a folder.
    pub stored: Option<Timestamp>,
}

impl Pin {
    /// As the rules of absence take it.
    pub(crate) const fn for_rules(&self) -> pin::Pin {
        pin::Pin {
            segment: self.position.segment,
            size: self.position.size,
            root: self.position.root,
            sealed: self.sealed,
            stored: self.stored,
        }
    }
}
