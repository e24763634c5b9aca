//! SHA-256 of several independent messages at once.
//!
//! One message is a chain of blocks, each of which waits for the one before it, so most of a processor is idle. Several messages keep it
//! busy: sixteen side by side in the registers of AVX-512, eight in those of AVX2, or two in turn with the SHA extensions.
//!
//! - [`Kind`] names these ways, and [`Hasher`] is one that this processor has. [`Hasher::best`] chooses at run time; everywhere else, and on
//!   processors of another architecture, the crate `sha2` does the work. All of them give the same hashes.
//! - [`Hasher::hash_all`] takes messages of any lengths. A lane that comes to the end of its message takes the next one.
//! - A message may have one byte before it, as the leaves and nodes of RFC 6962 do. No message is copied for that.
//!
//! This is the only crate of the workspace with `unsafe` code: loads and stores of vectors, and calls of functions for processors that have
//! certain instructions. Each such place says why it is sound.
//!
//! [`special_bytes`] is not about hashes: it finds where strings of JSON may end, for whoever checks the lines that are hashed.
//!
//! What it does not do: hash in constant time (the messages are not secret), or hash one long stream in parts.
//!
//! ```
//! use sha256_lanes::Hasher;
//!
//! let lines: Vec<&[u8]> = vec![b"one", b"another line", b""];
//! let mut hashes = vec![[0; 32]; lines.len()];
//! Hasher::best().hash_all(Some(0x00), &lines, &mut hashes);
//! assert_eq!(hashes[2], Hasher::best().hash(Some(0x00), b""));
//! ```

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block
)]

mod constants;
mod hasher;
mod kind;
mod message;
mod portable;
mod special;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod pair;
#[cfg(target_arch = "x86_64")]
mod rounds;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use hasher::Hasher;
pub use kind::{Kind, NotAKind};
pub use special::{SPECIAL_AT_ONCE, special_bytes};

/// A SHA-256 value.
pub type Digest = [u8; 32];
