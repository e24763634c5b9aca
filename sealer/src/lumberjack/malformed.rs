//! Why bytes are not frames of the protocol.

use auditlog_chain::limits::MAX_LINE_BYTES;

use super::limits::{MAX_FIELDS, MAX_UNPACKED_BYTES};

/// Bytes are not frames, or are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A frame begins with another byte than a version.
    #[error("a frame begins with the byte {0:#04x}: expected a version of Lumberjack, 1 or 2")]
    Version(u8),
    /// The type of a frame is not known.
    #[error("a frame has the type {0:#04x}: expected W, J, D or C")]
    Type(u8),
    /// A compressed frame is in another one.
    #[error("a compressed frame is in a compressed frame")]
    Nested,
    /// An event is longer than an event may be.
    #[error("an event has more than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// An event of an old sender has too many fields.
    #[error("an event has more than {MAX_FIELDS} fields")]
    TooManyFields,
    /// A compressed frame ends in the middle of another frame.
    #[error("a compressed frame ends in the middle of a frame")]
    CutOff,
    /// There are bytes behind the end of what is compressed.
    #[error("a compressed frame has bytes behind its end")]
    Behind,
    /// A compressed frame is not zlib.
    #[error("a compressed frame is not zlib")]
    Zlib,
    /// More comes out of a compressed frame than may.
    #[error("a compressed frame has more than {MAX_UNPACKED_BYTES} bytes after decompression")]
    Bomb,
}
