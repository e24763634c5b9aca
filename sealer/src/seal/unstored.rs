//! What is accepted and not stored: a machine that is lost takes it along.

use auditlog_chain::timestamp::Timestamp;

use super::Sealer;

/// What is accepted and not stored, in open and closed segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unstored {
    /// Bytes of its lines.
    pub bytes: u64,
    /// When the first of its segments was opened; `None` where all is stored.
    pub since: Option<Timestamp>,
}

impl Sealer {
    /// What is accepted and not stored.
    pub fn unstored(&self) -> Unstored {
        let (closed, first) = self.shipping.unstored();
        let open = self.chain.unstored();
        Unstored {
            bytes: closed.saturating_add(open.map_or(0, |(bytes, _)| bytes)),
            since: first
                .into_iter()
                .chain(open.map(|(_, opened)| opened))
                .min(),
        }
    }

    /// Bytes of the lines of segments that were closed and are not stored.
    pub fn waiting_bytes(&self) -> u64 {
        self.shipping.unstored().0
    }

    /// The same without the one that is being stored.
    pub fn queued_bytes(&self) -> u64 {
        self.shipping.queued_bytes()
    }
}
