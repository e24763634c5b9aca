//! The end of the log in the store.

use auditlog_chain::segment::Head;
use auditlog_chain::verifier_key::VerifierKey;

use super::sealed::Sealed;

/// The end of the log in the store, and what this sealer has written there.
#[derive(Clone)]
pub(super) struct Shipped {
    pub(super) head: Head,
    pub(super) log_key: Option<VerifierKey>,
    pub(super) sealed: Sealed,
}
