//! Reading a line from left to right, each part in its one form (F4).

use crate::event::EventError;
use crate::hash::Hash;
use crate::limits::MAX_LINE_BYTES;
use crate::timestamp::Timestamp;

/// Why bytes are not a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Something else is in a place for which the form has one thing only.
    #[error("at byte {at} the line has `{found}` where {expected} belongs")]
    Form {
        /// Offset in the line.
        at: usize,
        /// What belongs there.
        expected: &'static str,
        /// What is there, at most 24 bytes of it.
        found: String,
    },
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error("the line has {found} bytes, the limit is {MAX_LINE_BYTES}")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// The payload is not what an entry may carry.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// Reads a line from left to right; each step takes what it names or says what is there instead.
pub(crate) struct Cursor<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            whole: bytes,
            rest: bytes,
        }
    }

    pub(crate) fn unexpected(&self, expected: &'static str) -> LineError {
        let at = self.whole.len().saturating_sub(self.rest.len());
        let shown: Vec<u8> = self.rest.iter().copied().take(24).collect();
        let found = if shown.is_empty() {
            "the end".to_owned()
        } else {
            shown.escape_ascii().to_string()
        };
        LineError::Form {
            at,
            expected,
            found,
        }
    }

    pub(crate) fn skip(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token.as_bytes()) else {
            return false;
        };
        self.rest = rest;
        true
    }

    pub(crate) fn token(&mut self, token: &'static str) -> Result<(), LineError> {
        if self.skip(token) {
            Ok(())
        } else {
            Err(self.unexpected(token))
        }
    }

    /// A decimal number below `bound`, without leading zeros.
    pub(crate) fn number(&mut self, bound: u64, expected: &'static str) -> Result<u64, LineError> {
        let (mut value, mut digits) = (0u64, 0usize);
        for byte in self.rest.iter().take_while(|byte| byte.is_ascii_digit()) {
            let digit = u64::from(byte.wrapping_sub(b'0'));
            // What is too large for 64 bits stays too large for the bound.
            value = value.saturating_mul(10).saturating_add(digit);
            digits = digits.saturating_add(1);
        }
        let canonical = digits == 1 || (digits > 1 && !self.rest.starts_with(b"0"));
        let rest = self.rest.get(digits..).unwrap_or_default();
        let value = Some(value).filter(|value| canonical && *value < bound);
        let Some(value) = value else {
            return Err(self.unexpected(expected));
        };
        self.rest = rest;
        Ok(value)
    }

    /// A quoted string of `len` bytes.
    fn fixed(&mut self, len: usize) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.strip_prefix(b"\"")?.split_at_checked(len)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// What `read` takes, or the cursor where it was and the word for what is there.
    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, LineError> {
        let before = self.rest;
        if let Some(value) = read(self) {
            return Ok(value);
        }
        self.rest = before;
        Err(self.unexpected(expected))
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, LineError> {
        self.take("a hash of 64 lower-case hex digits", |c| {
            c.fixed(64).and_then(Hash::parse_hex)
        })
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, LineError> {
        self.take("a UTC time with six decimals", |c| {
            c.fixed(Timestamp::LEN).and_then(Timestamp::parse)
        })
    }

    pub(crate) fn hashes(&mut self) -> Result<Vec<Hash>, LineError> {
        self.token("[")?;
        let mut hashes = Vec::new();
        while !self.skip("]") {
            // 2^53 leaves have at most 53 full subtrees; the range checks the exact number.
            if hashes.len() >= 53 {
                return Err(self.unexpected("at most 53 hashes"));
            }
            if !hashes.is_empty() {
                self.token(",")?;
            }
            hashes.push(self.hash()?);
        }
        Ok(hashes)
    }

    /// What `parse` makes of a quoted string without escapes.
    pub(crate) fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, LineError> {
        self.take(expected, |c| {
            let inner = c.rest.strip_prefix(b"\"")?;
            let (text, rest) = inner.split_at_checked(inner.iter().position(|b| *b == b'"')?)?;
            c.rest = rest.strip_prefix(b"\"")?;
            parse(std::str::from_utf8(text).ok()?)
        })
    }

    /// All up to the last byte of the line, which stays.
    pub(crate) fn all_but_last(&mut self) -> Result<&'a str, LineError> {
        let end = self.rest.len().checked_sub(1);
        let Some((value, last)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            return Err(self.unexpected("a payload"));
        };
        let value = std::str::from_utf8(value).map_err(|e| EventError::NotUtf8 {
            at: e.valid_up_to(),
        })?;
        self.rest = last;
        Ok(value)
    }

    pub(crate) fn end(&self) -> Result<(), LineError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the line"))
        }
    }
}
