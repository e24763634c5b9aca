//! A fault with what a policy needs to acknowledge it.

use auditlog_chain::policy;

use crate::fault::Fault;

/// A fault as the report lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// What an entry of the policy's `acknowledged` says of it; `None` where no entry can cover it. Boxed: few faults have it.
    pub found: Option<Box<policy::Found>>,
}

impl Finding {
    /// The fault's code.
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self { fault, found: None }
    }
}
