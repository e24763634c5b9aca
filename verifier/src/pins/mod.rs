//! Pins (V25, V26): the heads that earlier runs saw, kept by the verifier's owner, so that a log cannot go back.

mod beside;
pub(crate) mod document;
mod error;
mod file;

use std::collections::BTreeMap;

use auditlog_chain::origin::Origin;

use crate::head::VerifiedHead;
use crate::pin::Pin;

pub use error::PinsError;
pub use file::{load, update};

/// The heads that earlier runs saw, one for each log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<Origin, Pin>);

impl Pins {
    /// The pin of a log.
    pub fn of(&self, origin: &Origin) -> Option<&Pin> {
        self.0.get(origin)
    }

    /// Takes a verified head. Nothing else can be pinned.
    ///
    /// `seen` are the pins that the verification used. Where another run has pinned a later head in the meantime, that pin
    /// stays: two runs at once never move a pin back.
    pub fn take(&mut self, head: &VerifiedHead, seen: &Self) {
        let (origin, head) = (head.origin(), *head.pin());
        let kept = self.of(origin);
        let raised = kept != seen.of(origin)
            && kept.is_some_and(|kept| kept.position.segment > head.position.segment);
        if !raised {
            self.0.insert(origin.clone(), head);
        }
    }

    #[cfg(test)]
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0
            .extend(other.0.iter().map(|(origin, at)| (origin.clone(), *at)));
    }
}
