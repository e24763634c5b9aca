//! Fluentd's Forward protocol, version 1: the bytes of it. Nothing here reads a socket, a clock or a file.
//!
//! A message comes in one of four forms (Message, Forward, `PackedForward` and `CompressedPackedForward`). [`Scan`] finds its end while it arrives,
//! [`Shape`] says where its parts are, [`Values`] goes through its entries with bounded memory, and [`Rendering`] writes each as JSON.
//! [`Hello`] and [`Ping`] are the handshake.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod handshake;
mod msgpack;
mod name;
mod render;
mod scan;
mod shape;
mod time;
mod values;

pub use handshake::{Digest, Hello, Ping, pong_accepted, pong_refused};
pub use msgpack::{MAX_DEPTH, Malformed};
pub use name::{ChunkName, NameKind, name_without_id};
pub use render::Rendering;
pub use scan::Scan;
pub use shape::{Entries, Options, SECOND_BYTES, Shape, tag_of};
pub use values::{ValueError, Values};
