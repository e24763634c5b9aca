//! Verification beyond one machine: a plan is made of one listing, each of its ranges is looked at anywhere and in any order, and
//! a merge gives the verdict. `docs/guides/past-one-machine.md` is the contract of the documents in between.
//!
//! A run on one machine does the same steps in memory: the rules are judged by the same code.

mod document;
mod error;
mod merge;
mod part;
pub(crate) mod plan;
pub(crate) mod split;

pub use error::PartsError;
pub use merge::merge;
pub use part::{Header, Part, part};
pub use plan::{Plan, Planned, plan};

/// Version of the rules that this program judges by. A partial result, or what an earlier run left, that was judged by others is
/// not used.
pub const RULES: u64 = 1;

/// Most ranges of a plan. Stops a mistyped number from filling a folder.
pub const MAX_RANGES: u64 = 100_000;
