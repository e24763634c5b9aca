//! Finds the end of a value while its bytes arrive, without keeping any of them.

use super::msgpack::{Head, MAX_DEPTH, Malformed, head, take};

/// How far a value was read.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Values that each open array or map still has, the outermost first.
    open: Vec<u64>,
    /// Bytes of a text that are still to come.
    skipping: u64,
    /// Bytes so far.
    at: u64,
    /// Where the elements of the outermost array begin, and where it ends: five at most.
    elements: Vec<u64>,
    /// Whether the value is an array.
    is_array: bool,
    is_whole: bool,
}

/// A message has at most four elements; more are not remembered.
const MOST_ELEMENTS: usize = 5;

impl Scan {
    /// Reads on, and returns how many of the bytes were read: all of them, up to the end of the value, or up to a head that is not whole.
    ///
    /// # Errors
    ///
    /// Where the bytes are not msgpack, or nested too deep.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while !self.is_whole {
            if self.skipping > 0 {
                let most = usize::try_from(self.skipping).unwrap_or(usize::MAX);
                let skipped = most.min(rest.len());
                self.moved(&mut rest, skipped);
                let skipped = u64::try_from(skipped).unwrap_or(u64::MAX);
                self.skipping = self.skipping.saturating_sub(skipped);
                if self.skipping > 0 {
                    break;
                }
                self.ended();
                continue;
            }
            let Some((found, length)) = head(rest)? else {
                break;
            };
            self.begins();
            self.moved(&mut rest, length);
            self.enter(found)?;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// Whether the end was reached.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Bytes that were read.
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// Bytes that the value has at least, by the lengths that were read.
    pub const fn at_least(&self) -> u64 {
        self.at.saturating_add(self.skipping)
    }

    /// Where the second element of the outermost array begins.
    pub fn second(&self) -> Option<u64> {
        self.elements.get(1).copied()
    }

    /// Whether the value is an array: the members of a map are not the elements of a message.
    pub(super) const fn is_array(&self) -> bool {
        self.is_array
    }

    /// Where the elements of the outermost array begin.
    pub(super) fn elements(&self) -> &[u64] {
        &self.elements
    }

    fn moved(&mut self, rest: &mut &[u8], length: usize) {
        *rest = rest.get(length..).unwrap_or_default();
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(length);
    }

    fn begins(&mut self) {
        if self.open.len() == 1 && self.elements.len() < MOST_ELEMENTS {
            self.elements.push(self.at);
        }
    }

    fn enter(&mut self, head: Head) -> Result<(), Malformed> {
        if self.open.is_empty() {
            self.is_array = matches!(head, Head::Array(_));
        }
        let (bytes, values) = match head {
            Head::Text(length) | Head::Binary(length) | Head::Extension(_, length) => (length, 0),
            Head::Array(count) => (0, u64::from(count)),
            Head::Map(count) => (0, u64::from(count).saturating_mul(2)),
            Head::Nil
            | Head::Bool(_)
            | Head::Unsigned(_)
            | Head::Signed(_)
            | Head::Float32(_)
            | Head::Float64(_) => (0, 0),
        };
        if values > 0 {
            if self.open.len() >= MAX_DEPTH {
                return Err(Malformed::TooDeep);
            }
            self.open.push(values);
        } else if bytes > 0 {
            self.skipping = u64::try_from(bytes).unwrap_or(u64::MAX);
        } else {
            self.ended();
        }
        Ok(())
    }

    /// A value has ended, and with it the arrays and maps whose last it was.
    fn ended(&mut self) {
        while let Some(left) = self.open.last_mut() {
            *left = left.saturating_sub(1);
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
        self.is_whole = true;
    }
}

/// Takes a whole value from the front, whatever it is.
pub(super) fn take_value<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let mut scan = Scan::default();
    let scanned = scan.advance(bytes)?;
    if !scan.is_whole() {
        return Err(Malformed::CutOff);
    }
    take(bytes, scanned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"\x93\xa3tag\x92\x92\x01\x81\xa1a\xc4\x02hi\x92\x02\x80\x81\xa5chunk\xd9\x02ab";

    #[test]
    fn end_is_found_however_the_bytes_arrive() {
        for step in 1..=MESSAGE.len() {
            let (mut scan, mut kept) = (Scan::default(), Vec::new());
            for part in MESSAGE.chunks(step) {
                assert!(!scan.is_whole());
                kept.extend_from_slice(part);
                let read = scan.advance(&kept).unwrap();
                kept.drain(..read);
            }
            assert!(scan.is_whole() && kept.is_empty(), "{step}");
            assert_eq!(scan.at(), 29);
            assert_eq!(scan.elements(), [1, 5, 18]);
        }
    }

    #[test]
    fn what_follows_the_end_is_not_read() {
        let two = [MESSAGE, MESSAGE].concat();
        let mut scan = Scan::default();
        assert_eq!(scan.advance(&two), Ok(MESSAGE.len()));
        assert!(scan.is_whole());
        assert_eq!(scan.advance(&two), Ok(0));
    }

    #[test]
    fn huge_lengths_and_deep_nesting_take_no_memory() {
        let mut scan = Scan::default();
        scan.advance(b"\x93\xdf\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xc6\xff\xff\xff\xff")
            .unwrap();
        assert!(!scan.is_whole());
        assert!(scan.open.capacity() < 100);
        let mut scan = Scan::default();
        let refused = scan.advance(&[0x91; 10_000]);
        assert_eq!(refused, Err(Malformed::TooDeep));
    }
}
