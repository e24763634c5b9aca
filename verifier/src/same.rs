//! Compares what is written with what is there, without a copy of it in memory.

use std::io::{self, Write};

/// Takes nothing but these bytes, in their order. What is left of them was not written yet.
pub(crate) struct Same<'b>(pub(crate) &'b [u8]);

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = self.0.strip_prefix(bytes);
        self.0 = rest.ok_or_else(|| io::Error::other("other bytes"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
