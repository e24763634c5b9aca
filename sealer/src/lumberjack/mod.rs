//! The Lumberjack protocol of Beats and Logstash, version 2, and the data frames of version 1. Nothing here reads a socket, a clock or a file.
//!
//! A sender announces a window of so many events, sends each in a frame, or many of them in a compressed frame, and waits for an acknowledgement.
//! [`Reader`] takes the bytes as they arrive and gives what is in them, one [`Item`] after the other, with bounded memory.

mod canonical;
mod fields;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod limits;
mod malformed;
mod number;
mod reader;

pub use canonical::canonical;
pub use frame::Version;
pub use malformed::Malformed;
pub use reader::{Item, Place, Reader};

/// What acknowledges all events up to this number. With the number 0 it acknowledges none, and a sender that gets it goes on waiting.
pub const fn ack(version: Version, sequence: u32) -> [u8; 6] {
    let [a, b, c, d] = sequence.to_be_bytes();
    [version.byte(), b'A', a, b, c, d]
}
