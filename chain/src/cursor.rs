//! Reading a line from left to right, each part in its one form (F4).

use crate::event::EventError;
use crate::hash::Hash;
use crate::limits::MAX_LINE_BYTES;
use crate::timestamp::Timestamp;

/// Digits of a number that surely fits 64 bits. All bounds are below 10^19.
const MAX_DIGITS: usize = 19;

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

    #[cold]
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

    #[inline]
    pub(crate) fn skip(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token.as_bytes()) else {
            return false;
        };
        self.rest = rest;
        true
    }

    #[inline]
    pub(crate) fn token(&mut self, token: &'static str) -> Result<(), LineError> {
        if self.skip(token) {
            Ok(())
        } else {
            Err(self.unexpected(token))
        }
    }

    /// A decimal number below `bound`, without leading zeros.
    pub(crate) fn number(&mut self, bound: u64, expected: &'static str) -> Result<u64, LineError> {
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let digits = self.rest.iter().take_while(is_digit).count();
        let (digits, rest) = self.rest.split_at_checked(digits).unwrap_or_default();
        let canonical = match digits {
            [_] => true,
            [b'1'..=b'9', ..] => digits.len() <= MAX_DIGITS,
            _ => false,
        };
        let value = digits.iter().fold(0u64, |value, digit| {
            let digit = u64::from(digit.wrapping_sub(b'0'));
            value.wrapping_mul(10).wrapping_add(digit)
        });
        if !canonical || value >= bound {
            return Err(self.unexpected(expected));
        }
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

    #[inline]
    pub(crate) fn hash(&mut self) -> Result<Hash, LineError> {
        self.take("a hash of 64 lower-case hex digits", |c| {
            c.fixed(64).and_then(Hash::parse_hex)
        })
    }

    #[inline]
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
    #[inline]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_and_is_below_its_bound() {
        let read = |text: &str, bound| {
            let mut cursor = Cursor::new(text.as_bytes());
            let number = cursor.number(bound, "a number").ok();
            number.map(|number| (number, cursor.rest.len()))
        };
        assert_eq!(read("0", 1), Some((0, 0)));
        assert_eq!(read("907,8", 908), Some((907, 2)));
        assert_eq!(read("907", 907), None);
        let (max, bound) = ("9007199254740991", 1 << 53);
        assert_eq!(read(max, bound), Some((bound - 1, 0)));
        // 2^64 and more digits wrap around to what would be below the bound.
        let large = [
            "9007199254740992",
            "9999999999999999999",
            "18446744073709551616",
            "184467440737095516160",
        ];
        for refused in large.into_iter().chain(["", "x", "-1", "00", "01", "0123"]) {
            assert_eq!(read(refused, bound), None, "{refused}");
        }
    }
}
