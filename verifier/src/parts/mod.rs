//! Verification beyond one machine: a plan is made of one listing, each of its ranges is looked at anywhere and in any order, and
//! a merge gives the verdict. `docs/guides/past-one-machine.md` is the contract of the documents in between.
//!
//! A run on one machine does the same steps in memory: the rules are judged by the same code.

pub(crate) mod document;
mod error;
mod merge;
mod part;
pub(crate) mod plan;
pub(crate) mod split;

pub use document::MAX_DOCUMENT_BYTES;
pub use error::PartsError;
pub use merge::{OfRange, merge};
#[cfg(any(fuzzing, test))]
pub(crate) use part::is_part;
pub use part::{Header, MAX_PART_BYTES, Part, part};
pub use plan::{Plan, Planned, plan, plan_into};

/// Most ranges of a plan. Stops a mistyped number from filling a folder.
pub const MAX_RANGES: u64 = 100_000;
