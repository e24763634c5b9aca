//! The one value that can be pinned.

use auditlog_chain::origin::Origin;

use crate::pin::Pin;
use crate::verdict::Verdict;

/// The head of a log that verified. Made by [`verify`](fn@crate::verify::verify) alone, after its last rule, and all that can
/// be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHead {
    origin: Origin,
    pin: Pin,
}

impl VerifiedHead {
    /// The head of a log with this verdict; `None` unless it verified.
    pub(crate) fn mint(verdict: Verdict, origin: &Origin, head: Option<Pin>) -> Option<Self> {
        let pin = head.filter(|_| verdict == Verdict::Verified)?;
        Some(Self {
            origin: origin.clone(),
            pin,
        })
    }

    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its last segment, as a later run will compare it.
    pub const fn pin(&self) -> &Pin {
        &self.pin
    }
}
