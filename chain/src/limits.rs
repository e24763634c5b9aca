//! Every size has a limit. All of them are here, and each names the attack that it stops (F16).
//!
//! A reader refuses what is larger before it allocates for it; a writer never makes it.

/// Longest origin, in bytes. Stops a name that no longer fits the length byte of a C2SP cosigned message.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// Longest `source` and longest `batch` of an entry, in bytes. Stops an envelope that hides an event in a name.
pub const MAX_NAME_BYTES: usize = 255;

/// Longest event, text or base64 payload as it is in the line, in bytes. Stops one event from filling a reader's memory.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// Deepest nesting of an event. Stops an event that exhausts the stack of a recursive JSON reader.
pub const MAX_EVENT_DEPTH: usize = 128;

/// Longest line without its newline, in bytes: the largest event and its envelope. Stops the endless line.
pub const MAX_LINE_BYTES: usize = MAX_EVENT_BYTES + 4096;

/// Largest content of one zstd frame, in bytes, and so the largest window. Stops the decompression bomb.
pub const MAX_FRAME_BYTES: usize = 4 << 20;

/// Most frames in one segment. Stops a segment of millions of tiny frames that cost more to open than to read.
pub const MAX_FRAMES: usize = 1 << 16;

/// Largest segment object as stored, in bytes. Stops a download without end.
pub const MAX_OBJECT_BYTES: usize = 64 << 20;

/// Largest segment after decompression, in bytes. Stops many small bombs in a row.
pub const MAX_SEGMENT_BYTES: usize = 256 << 20;

/// Indexes and sizes are below this (2^53). Stops a number that JSON readers round.
pub const MAX_INDEX: u64 = 1 << 53;

/// Segment numbers are below this, since the object's name has twelve digits. Stops a name that no longer sorts.
pub const MAX_SEGMENT: u64 = 1_000_000_000_000;

/// Most signatures on one checkpoint. Stops a note that is all signatures; a rotation needs two.
pub const MAX_SIGNATURES: usize = 16;

/// Longest public key, as DER, in bytes (ML-DSA-87 has 2,614). Stops a policy entry that is not a key.
pub const MAX_SPKI_BYTES: usize = 4096;

/// Longest signature, in bytes (ML-DSA-87 has 4,627). Stops a signature line that is all padding.
pub const MAX_SIGNATURE_BYTES: usize = 8192;

/// Largest trust policy document, in bytes. Stops a policy that exhausts the memory of who reads it.
pub const MAX_POLICY_BYTES: usize = 16 << 20;

/// Most spans in one list of a trust policy. Stops a list that each log is compared with, span by span.
pub const MAX_SPANS: usize = 1000;
