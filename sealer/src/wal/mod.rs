//! The write-ahead file of a segment: the format of its records, without a disk.
//!
//! `docs/guides/spool-format.md` describes the bytes. A file holds an opening record, records of batches, and in the end a close
//! record. What is written together, with one write and one sync, is a *group*: its records say so, and so a tail that a crash
//! has left can be distinguished from synced data that the disk has lost.

mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod reader;
mod record;

pub use fault::WalFault;
pub use reader::{ReadError, Reader, Tail};
pub use record::{Batch, Close, Encoder, Opening, Record};

/// The version of the format that this program writes and reads.
pub const VERSION: u16 = 1;

/// Longest body of a record, in bytes: a batch of 8 MiB with the envelopes of its events. Stops a length that fills the memory.
pub const MAX_BODY_BYTES: usize = 32 << 20;

/// Bytes of a record before its body.
pub const HEADER_BYTES: usize = 32;
