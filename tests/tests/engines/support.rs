//! The logs that the tests of the commands use.

#[path = "../e2e/support/awkward.rs"]
pub(crate) mod awkward;
#[path = "../e2e/support/log.rs"]
pub(crate) mod log;
#[path = "../e2e/support/signed.rs"]
pub(crate) mod signed;
