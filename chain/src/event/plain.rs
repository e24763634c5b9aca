//! Recognises most events in one pass over their bytes.
//!
//! What it accepts is an event. What it does not accept may be one all the same, with something in it that is rare: a large exponent, hundreds
//! of digits. Those fall back to the full parser, which alone decides what to refuse, and why.

use crate::limits::MAX_EVENT_DEPTH;

/// Longest number that is looked at here, in bytes. With an exponent of two digits it is below 10^308.
const MAX_NUMBER_BYTES: usize = 200;

/// Whether the bytes, which are UTF-8, are surely exactly one JSON value in its stored form, with nothing that everyday readers stop at.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let mut scan = Scan { rest: text };
    scan.document().is_some() && scan.rest.is_empty()
}

/// Takes one thing after the other; `None` where it is absent, or where the full parser has to look.
struct Scan<'t> {
    rest: &'t [u8],
}

/// The open arrays and objects: a bit for each, the innermost lowest, which is set for an object.
#[derive(Clone, Copy, Default)]
struct Nesting {
    objects: u128,
    depth: usize,
}

impl Nesting {
    fn open(&mut self, object: bool) -> Option<()> {
        self.depth = self
            .depth
            .checked_add(1)
            .filter(|depth| *depth <= MAX_EVENT_DEPTH)?;
        self.objects = self.objects << 1 | u128::from(object);
        Some(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    const fn in_object(self) -> bool {
        self.objects & 1 == 1
    }
}

impl Scan<'_> {
    fn document(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            // A value begins here.
            match self.next()? {
                b'"' => self.string()?,
                b'{' => {
                    open.open(true)?;
                    if self.peek_token()? != b'}' {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    open.open(false)?;
                    if self.peek_token()? != b']' {
                        continue;
                    }
                }
                b'0' => self.fraction(0)?,
                b'1'..=b'9' => self.number()?,
                b'-' => self.negative()?,
                b't' => self.literal(b"rue")?,
                b'f' => self.literal(b"alse")?,
                b'n' => self.literal(b"ull")?,
                _ => return None,
            }
            // It ended, and with it perhaps what it is in.
            loop {
                if open.depth == 0 {
                    return Some(());
                }
                let closing = if open.in_object() { b'}' } else { b']' };
                match self.token()? {
                    b',' => break,
                    byte if byte == closing => open.close(),
                    _ => return None,
                }
            }
            if open.in_object() {
                self.key()?;
            } else {
                self.peek_token()?;
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next byte that is not white space. A line break is not taken for it: the stored form has none.
    fn token(&mut self) -> Option<u8> {
        loop {
            match self.next()? {
                b' ' | b'\t' => {}
                byte => return Some(byte),
            }
        }
    }

    /// The same, and it stays.
    fn peek_token(&mut self) -> Option<u8> {
        loop {
            match self.rest {
                [b' ' | b'\t', rest @ ..] => self.rest = rest,
                [byte, ..] => return Some(*byte),
                [] => return None,
            }
        }
    }

    /// A key with its colon, up to the value.
    fn key(&mut self) -> Option<()> {
        if self.token()? != b'"' {
            return None;
        }
        self.string()?;
        if self.token()? != b':' {
            return None;
        }
        self.peek_token().map(|_| ())
    }

    fn literal(&mut self, rest: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(rest)?;
        Some(())
    }

    /// The rest of a string behind its opening quote.
    fn string(&mut self) -> Option<()> {
        loop {
            self.skip_plain_characters();
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Skips characters of a string, eight bytes at a time, up to a quote, a backslash or a control character, or near the end.
    #[inline]
    fn skip_plain_characters(&mut self) {
        while let Some((eight, rest)) = self.rest.split_first_chunk::<8>() {
            let special = special_bytes(u64::from_le_bytes(*eight));
            if special == 0 {
                self.rest = rest;
                continue;
            }
            let before = usize::try_from(special.trailing_zeros() / 8).unwrap_or(0);
            self.rest = self.rest.get(before..).unwrap_or_default();
            return;
        }
    }

    /// The rest of an escape behind its backslash.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => self.unicode_escape(),
            _ => None,
        }
    }

    /// One character, in two escapes where it is a surrogate pair.
    fn unicode_escape(&mut self) -> Option<()> {
        match self.four_digits()? {
            0xd800..0xdc00 => {
                self.literal(b"\\u")?;
                matches!(self.four_digits()?, 0xdc00..0xe000).then_some(())
            }
            0xdc00..0xe000 => None,
            _ => Some(()),
        }
    }

    fn four_digits(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        digits.iter().try_fold(0, |value, digit| {
            Some(value << 4 | char::from(*digit).to_digit(16)?)
        })
    }

    /// The rest of a number behind its sign.
    fn negative(&mut self) -> Option<()> {
        match self.next()? {
            b'0' => self.fraction(0),
            b'1'..=b'9' => self.number(),
            _ => None,
        }
    }

    /// The rest of a number behind its first digit, which is not zero.
    fn number(&mut self) -> Option<()> {
        let digits = self.digits();
        self.fraction(digits)
    }

    /// The rest of a number behind the digits before its point, of which there are one more than `digits`.
    fn fraction(&mut self, digits: usize) -> Option<()> {
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            if self.digits() == 0 {
                return None;
            }
        }
        if digits >= MAX_NUMBER_BYTES {
            return None;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = match rest {
                [b'+' | b'-', rest @ ..] => rest,
                _ => rest,
            };
            return matches!(self.digits(), 1 | 2).then_some(());
        }
        Some(())
    }

    /// Skips digits; how many there were.
    fn digits(&mut self) -> usize {
        let mut count = 0usize;
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
            count = count.saturating_add(1);
        }
        count
    }
}

/// A bit in each byte that is a quote, a backslash or below U+0020. Above the lowest such byte there may be more bits.
const fn special_bytes(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = eight ^ (0x22 * ONES);
    let backslash = eight ^ (0x5c * ONES);
    // The well-known test for a zero byte, and the same for a byte below 0x20.
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = eight.wrapping_sub(0x20 * ONES) & !eight;
    (quote | backslash | control) & HIGH
}
