//! The format of the log: bytes and types, no I/O, no clock.
