//! Tries what a store promises about locks, on an object that is made for it: the only part of this crate that writes to a bucket.
//!
//! A verification believes the store about locks and conditions. Some stores accept a lock and do not enforce it, or ignore the
//! condition of a write. The probe finds out: it puts a *canary* under a declared prefix, locked for a day, and tries to create it
//! twice, to overwrite it, to delete it and to shorten its lock. After each attempt it reads the canary again: what the store says
//! does not count, only what is there. What the store refused counts only if it allows the same where no lock forbids it: a caller without
//! permission is refused by every store.
//!
//! [`Canary`](crate::source::Canary) is a trait of its own. A [`Source`](crate::source::Source), which is all that a verification has, cannot write.

mod attempts;
mod report;
#[cfg(test)]
mod tests;

pub use attempts::{Attempt, Outcome, Probe, Promise, probe};
