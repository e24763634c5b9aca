//! Syslog: the bytes of RFC 5424 and RFC 3164, the framing of RFC 6587, and RELP. Nothing here reads a socket, a clock or a file.
//!
//! [`Framing`] finds the messages of a TCP connection, and [`next_frame`] the frames of RELP. [`parse`] takes a message apart as far as it is
//! one, and [`push`] stores it: its parts, and all of its bytes as they came.

mod data;
mod framing;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;
mod parse;
mod relp;
mod render;
mod rfc3164;
mod rfc5424;

pub use framing::{Framing, Rest, TooLong};
pub use message::Message;
pub use parse::parse;
pub use relp::{Command, Frame, RelpError, Version, next_frame, push_answer, push_server_close};
pub use render::push;

/// Longest message, in bytes. As base64, it fits into a line of the log. Stops a message without end.
pub const MAX_MESSAGE_BYTES: usize = 512 << 10;

/// What Fluent Bit and others write before text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}
