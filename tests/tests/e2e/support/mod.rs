//! What tests of more than one command use, and tests of those parts themselves.

pub(crate) mod awkward;
mod endpoint;
pub(crate) mod engines;
pub(crate) mod log;
mod proxy;
pub(crate) mod signed;
