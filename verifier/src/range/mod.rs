//! One range of a log's segments (P8): everything that it can decide alone. V7, V8 inside it, V10 to V19, V21 to V23, and A2 to A8
//! between two of its segments. [`merge`](crate::merge) puts ranges together and decides the rest.

pub(crate) mod before;
pub(crate) mod context;
pub(crate) mod declared;
pub(crate) mod judge;
mod keys;
pub(crate) mod log;
pub(crate) mod result;
pub(crate) mod storage;
pub(crate) mod tally;
mod time;
pub(crate) mod written;
