//! Proofs that can be checked without the log.

pub mod case;
