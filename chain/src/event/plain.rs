//! Recognises most events in one pass over their bytes.
//!
//! What it accepts is an event. What it does not accept may be one all the same, with something in it that is rare: a large exponent, hundreds
//! of digits. Those fall back to the full parser, which alone decides what to refuse, and why.

use sha256_lanes::{SPECIAL_AT_ONCE, special_bytes};

use crate::limits::MAX_EVENT_DEPTH;

/// Longest number that is looked at here, in bytes. With an exponent of two digits it is below 10^308.
const MAX_NUMBER_BYTES: usize = 200;

/// Whether the bytes, which are UTF-8, are surely exactly one JSON value in its stored form, with nothing that everyday readers stop at.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let mut scan = Scan {
        text,
        at: 0,
        looked_at: 0,
        specials: special_bytes(text),
    };
    scan.document().is_some() && scan.at == text.len()
}

/// Takes one thing after the other; `None` where it is absent, or where the full parser has to look.
#[derive(Clone, Copy)]
struct Scan<'t> {
    text: &'t [u8],
    /// Bytes that are taken.
    at: usize,
    /// From here on, `specials` has a bit for each of the bytes that were looked at together.
    looked_at: usize,
    specials: u64,
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
            if open.in_object() {
                self.key()?;
            }
            // A value begins here.
            match self.next()? {
                b'"' => self.string()?,
                b'{' => {
                    open.open(true)?;
                    if self.peek_token()? != b'}' {
                        continue;
                    }
                }
                b'[' => {
                    open.open(false)?;
                    if self.peek_token()? != b']' {
                        continue;
                    }
                }
                b'0' => self.apart(|scan| scan.fraction(0))?,
                b'1'..=b'9' => self.apart(Self::number)?,
                b'-' => self.apart(Self::negative)?,
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
            if !open.in_object() {
                self.peek_token()?;
            }
        }
    }

    /// Takes something that is not part of a string's plain characters, with a copy: the state of this one stays in registers.
    #[inline]
    fn apart(&mut self, take: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let mut copy = *self;
        take(&mut copy)?;
        self.at = copy.at;
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.text.get(self.at).copied()?;
        self.at = self.at.saturating_add(1);
        Some(next)
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
            match self.text.get(self.at).copied()? {
                b' ' | b'\t' => self.at = self.at.saturating_add(1),
                byte => return Some(byte),
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
        let found = self.text.get(self.at..)?.starts_with(rest);
        self.at = self.at.saturating_add(rest.len());
        found.then_some(())
    }

    /// The rest of a string behind its opening quote.
    #[expect(
        clippy::inline_always,
        reason = "most of the time is spent here, and a call would keep the state in memory"
    )]
    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        loop {
            self.skip_plain_characters();
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.apart(Self::escape)?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Skips characters of a string up to a quote, a backslash or a control character, or to the end.
    #[inline]
    fn skip_plain_characters(&mut self) {
        loop {
            let offset = self.at.wrapping_sub(self.looked_at);
            if offset < SPECIAL_AT_ONCE {
                let left = self
                    .specials
                    .wrapping_shr(u32::try_from(offset).unwrap_or(0));
                if left != 0 {
                    let before = usize::try_from(left.trailing_zeros()).unwrap_or(0);
                    self.at = self.at.saturating_add(before);
                    return;
                }
                self.at = self.looked_at.saturating_add(SPECIAL_AT_ONCE);
            }
            if self.at >= self.text.len() {
                return;
            }
            // The last bytes are looked at together with some before them, which is faster than a part of as many.
            self.looked_at = self.at.min(self.text.len().saturating_sub(SPECIAL_AT_ONCE));
            self.specials = special_bytes(self.text.get(self.looked_at..).unwrap_or_default());
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
        let digits = self.text.get(self.at..)?.first_chunk::<4>()?;
        self.at = self.at.saturating_add(4);
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
        if self.text.get(self.at) == Some(&b'.') {
            self.at = self.at.saturating_add(1);
            if self.digits() == 0 {
                return None;
            }
        }
        if digits >= MAX_NUMBER_BYTES {
            return None;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at = self.at.saturating_add(1);
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at = self.at.saturating_add(1);
            }
            return matches!(self.digits(), 1 | 2).then_some(());
        }
        Some(())
    }

    /// Skips digits; how many there were.
    fn digits(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at = self.at.saturating_add(digits);
        digits
    }
}
