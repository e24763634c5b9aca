//! Proofs that can be checked without the log.
//!
//! An inclusion proof is a [C2SP tlog-proof](https://c2sp.org/tlog-proof) under the checkpoint of the entry's own segment: [`make`] takes one
//! segment for it, and [`check`] takes the proof, the entry and the trust policy. [`consistency`] does the same for two checkpoints.

pub mod case;
pub mod check;
pub mod consistency;
mod heads;
pub mod limits;
pub mod make;
mod note;
mod problem;
pub mod tlog;
