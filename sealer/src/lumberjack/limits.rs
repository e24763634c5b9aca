//! Every size has a limit, and each names the attack or the accident that it stops.

/// Most fields of an event. Stops one that is looked through again and again while it arrives a byte at a time.
pub(super) const MAX_FIELDS: u32 = 1024;

/// What comes out of one compressed frame at most, in bytes: more than the events of a window may have. Stops the decompression bomb.
pub(super) const MAX_UNPACKED_BYTES: u64 = 66 << 20;
