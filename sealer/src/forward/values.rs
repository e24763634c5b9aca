//! Goes through msgpack values in a row, one at a time and with bounded memory.

use std::io::{self, Read};

use super::msgpack::Malformed;
use super::scan::Scan;

/// Longest entry, in bytes. Stops one that fills the memory; as JSON it would be longer than an event may be.
const MAX_ENTRY_BYTES: usize = 4 << 20;

/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;

/// Why there is not another value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// The bytes are not msgpack.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is too long.
    #[error("an entry has more than {MAX_ENTRY_BYTES} bytes")]
    TooLong,
    /// The bytes cannot be read or decompressed.
    #[error("the entries cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Values in a row.
pub struct Values<R> {
    from: R,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl<R: Read> Values<R> {
    /// Reads from here.
    pub fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            begin: 0,
            end: 0,
        }
    }

    /// The next value; `None` at the end.
    ///
    /// # Errors
    ///
    /// Where the bytes end in the middle of one, are not msgpack, or cannot be read.
    pub fn next_value(&mut self) -> Result<Option<&[u8]>, ValueError> {
        let (mut scan, mut scanned) = (Scan::default(), 0usize);
        loop {
            let begin = self.begin.saturating_add(scanned);
            let unread = self.buffer.get(begin..self.end).unwrap_or_default();
            scanned = scanned.saturating_add(scan.advance(unread)?);
            if scan.is_whole() {
                let from = self.begin;
                self.begin = from.saturating_add(scanned);
                return Ok(self.buffer.get(from..self.begin));
            }
            let kept = self.end.saturating_sub(self.begin);
            if kept > MAX_ENTRY_BYTES {
                return Err(ValueError::TooLong);
            }
            if self.fill()? == 0 {
                return match kept {
                    0 => Ok(None),
                    _ => Err(Malformed::CutOff.into()),
                };
            }
        }
    }

    /// Reads more behind what is not used yet, which is moved to the front.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.begin..self.end, 0);
        self.end = self.end.saturating_sub(self.begin);
        self.begin = 0;
        let room = self.end.saturating_add(READ_BYTES);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let read = loop {
            let into = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.from.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end = self.end.saturating_add(read).min(self.buffer.len());
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(into.len());
            let (now, later) = self.0.split_at(length);
            into[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    #[test]
    fn values_come_one_at_a_time_however_they_are_read() {
        let long = [&b"\xc6\0\x03\0\0"[..], &vec![7; 3 << 16]].concat();
        let all = [
            &b"\x92\x00\x80"[..],
            &long,
            b"\x01",
            &long,
            b"\x81\xa1a\x02",
        ]
        .concat();
        for step in [1, 2, 7, 1 << 20] {
            let mut values = Values::new(Slow(&all, step));
            let mut found = Vec::new();
            while let Some(value) = values.next_value().unwrap() {
                found.push(value.to_vec());
            }
            assert_eq!(found.len(), 5);
            assert_eq!(found.concat(), all, "{step}");
        }
    }

    #[test]
    fn value_that_is_cut_off_or_too_long_is_refused() {
        let mut cut = Values::new(&b"\x01\x92\x00"[..]);
        assert_eq!(cut.next_value().unwrap(), Some(&b"\x01"[..]));
        assert!(matches!(
            cut.next_value(),
            Err(ValueError::Malformed(Malformed::CutOff))
        ));
        let endless = io::repeat(0x91).take(1 << 30);
        assert!(Values::new(endless).next_value().is_err());
        let long = b"\xc6\xff\xff\xff\xff".chain(io::repeat(0));
        let mut values = Values::new(long);
        assert!(matches!(values.next_value(), Err(ValueError::TooLong)));
        assert!(values.buffer.len() < 2 * MAX_ENTRY_BYTES);
    }
}
