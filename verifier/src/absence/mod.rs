//! What is not there (A1 to A8): which segments, silences and heads may be absent, and which may not.
//!
//! Every rule is a pure function over plain facts about *borders*: the last segment before a gap, the next one after it, the
//! pinned head, the declared spans, and the two moments of a run. Nothing here reads, lists or knows a policy document, so a
//! merge of partial results calls the same functions as a walk along a whole log.
//!
//! Each sentence of these rules is the answer to an attack that worked. A test beside it is named for the attack; the model
//! in `tests/histories` looks for those that nobody thought of.

pub(crate) mod acknowledged;
pub(crate) mod border;
pub(crate) mod expiry;
pub(crate) mod gap;
pub(crate) mod holds;
pub(crate) mod holes;
pub(crate) mod markers;
pub(crate) mod moments;
pub(crate) mod pin;
pub(crate) mod pins;
pub(crate) mod silence;
pub(crate) mod span;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod world;
