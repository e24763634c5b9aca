//! Faults that a person has explained in the policy.

use auditlog_chain::policy;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// A fault that an entry of the policy's `acknowledged` covers. It is still reported, and is not a reason to fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// What was found.
    pub fault: Fault,
    /// The reason that the entry gives.
    pub reason: String,
    /// The date of the entry.
    pub date: Timestamp,
}

impl Acknowledged {
    /// A fault that this entry covers.
    pub(crate) fn by(entry: &policy::Acknowledged, fault: Fault) -> Self {
        Self {
            fault,
            reason: entry.reason.clone(),
            date: entry.date,
        }
    }
}
