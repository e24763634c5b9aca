//! Where messages end on a connection (RFC 6587): after as many bytes as were announced, or at a line end.
//!
//! The first message of a connection decides, as a sender uses one of the two. Otherwise, whoever writes lines of others could begin a
//! line with a number, and hide that many bytes of what follows in one message.

use super::{BYTE_ORDER_MARK, MAX_MESSAGE_BYTES, without_mark};

/// Digits of a length: those of the longest message, and one more, which is of one that is too long.
const MAX_DIGITS: usize = 7;

/// How the messages of a connection end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Nothing has come yet.
    #[default]
    Unknown,
    /// `LENGTH SP MESSAGE`.
    Counted,
    /// Each message is a line.
    Lines,
}

/// A message is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message has more than {MAX_MESSAGE_BYTES} bytes")]
pub struct TooLong;

/// What a connection ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest<'a> {
    /// A line without a line end, as some senders leave it.
    Line(&'a [u8]),
    /// A message of which the end is missing.
    Cut(&'a [u8]),
}

/// What the first bytes are.
enum Count {
    /// So many bytes follow the header, which has so many.
    Of { header: usize, message: usize },
    /// More bytes decide.
    Undecided,
    /// They are not a length.
    Not,
}

impl Framing {
    /// The first message that is whole, and the number of bytes to take from the front; `None` where more must come.
    ///
    /// # Errors
    ///
    /// Where a message is too long. Nothing after it can be read.
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, TooLong> {
        let (skipped, bytes) = self.skip(bytes);
        let found = match self.count(bytes) {
            Count::Undecided => return Ok(None),
            Count::Of { message, .. } if message > MAX_MESSAGE_BYTES => return Err(TooLong),
            Count::Of { header, message } => counted(bytes, header, message),
            Count::Not => line(bytes)?,
        };
        Ok(found.map(|(message, taken)| (message, taken.saturating_add(skipped))))
    }

    /// What is there when nothing more comes.
    pub fn rest<'a>(&mut self, bytes: &'a [u8]) -> Option<Rest<'a>> {
        let (_, bytes) = self.skip(bytes);
        if bytes.is_empty() {
            return None;
        }
        Some(match self {
            Self::Lines | Self::Unknown => Rest::Line(bytes),
            Self::Counted => Rest::Cut(bytes),
        })
    }

    /// Bytes at the front that belong to no message.
    pub fn skipped(self, bytes: &[u8]) -> usize {
        self.skip(bytes).0
    }

    /// A counted message may be followed by a line end, and lines may be empty.
    fn skip(self, bytes: &[u8]) -> (usize, &[u8]) {
        let is_skipped = |byte: &u8| match self {
            Self::Counted => matches!(byte, b'\n' | b'\r' | 0),
            Self::Lines | Self::Unknown => *byte == b'\n',
        };
        let skipped = bytes.iter().take_while(|byte| is_skipped(byte)).count();
        (skipped, bytes.get(skipped..).unwrap_or_default())
    }

    fn count(&mut self, bytes: &[u8]) -> Count {
        if bytes.is_empty() {
            return Count::Undecided;
        }
        let count = match self {
            Self::Lines => return Count::Not,
            Self::Counted => return length(bytes),
            Self::Unknown => length(bytes),
        };
        let Count::Of { header, .. } = count else {
            if matches!(count, Count::Not) {
                *self = Self::Lines;
            }
            return count;
        };
        // A line may begin with a number, and a message begins with its priority.
        let message = bytes.get(header..).unwrap_or_default();
        match without_mark(message).first() {
            None => return Count::Undecided,
            Some(_) if BYTE_ORDER_MARK.starts_with(message) => return Count::Undecided,
            Some(b'<') => *self = Self::Counted,
            Some(_) => {
                *self = Self::Lines;
                return Count::Not;
            }
        }
        count
    }
}

fn length(bytes: &[u8]) -> Count {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number, after) = bytes.split_at_checked(digits).unwrap_or_default();
    if digits == 0 || digits > MAX_DIGITS || number.starts_with(b"0") {
        return Count::Not;
    }
    match after.first() {
        None => Count::Undecided,
        Some(b' ') => Count::Of {
            header: digits.saturating_add(1),
            message: decimal(number),
        },
        Some(_) => Count::Not,
    }
}

pub(super) fn decimal(digits: &[u8]) -> usize {
    digits.iter().fold(0usize, |number, digit| {
        let digit = usize::from(digit.wrapping_sub(b'0'));
        number.saturating_mul(10).saturating_add(digit)
    })
}

fn counted(bytes: &[u8], header: usize, message: usize) -> Option<(&[u8], usize)> {
    let end = header.saturating_add(message);
    bytes.get(header..end).map(|message| (message, end))
}

fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, TooLong> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > MAX_MESSAGE_BYTES {
            Err(TooLong)
        } else {
            Ok(None)
        };
    };
    if end > MAX_MESSAGE_BYTES {
        return Err(TooLong);
    }
    let line = bytes.get(..end).unwrap_or_default();
    Ok(Some((line, end.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages, however the bytes arrive, and what is left.
    fn messages(bytes: &str, step: usize) -> (Vec<String>, Option<String>) {
        let (mut framing, mut pending) = (Framing::default(), Vec::new());
        let mut found = Vec::new();
        for part in bytes.as_bytes().chunks(step) {
            pending.extend_from_slice(part);
            while let Some((message, taken)) = framing.next(&pending).unwrap() {
                found.push(String::from_utf8(message.to_vec()).unwrap());
                pending.drain(..taken);
            }
            pending.drain(..framing.skipped(&pending));
        }
        let rest = framing.rest(&pending).map(|rest| match rest {
            Rest::Line(line) => String::from_utf8(line.to_vec()).unwrap(),
            Rest::Cut(cut) => format!("cut {}", String::from_utf8(cut.to_vec()).unwrap()),
        });
        (found, rest)
    }

    #[track_caller]
    fn expect(bytes: &str, expected: &[&str], rest: Option<&str>) {
        for step in [1, 2, 3, 7, bytes.len()] {
            let (found, left) = messages(bytes, step);
            assert_eq!(found, expected, "{bytes:?} in steps of {step}");
            assert_eq!(left.as_deref(), rest, "{bytes:?} in steps of {step}");
        }
    }

    #[test]
    fn counted_messages_may_have_line_ends_in_them_and_after_them() {
        expect("5 <1>a\n6 <2>b\nc", &["<1>a\n", "<2>b\nc"], None);
        expect("4 <1>a\n\r\n\x005 <2>bc\n", &["<1>a", "<2>bc"], None);
        expect("7 \u{feff}<1>a4 <2>b", &["\u{feff}<1>a", "<2>b"], None);
        expect("4 <1>a5 <2>b", &["<1>a"], Some("cut 5 <2>b"));
    }

    #[test]
    fn what_is_not_counted_among_counted_messages_is_a_line() {
        expect("4 <1>a<2>b\n4 <3>c", &["<1>a", "<2>b", "<3>c"], None);
    }

    #[test]
    fn lines_end_at_a_line_end_and_the_last_one_where_nothing_more_comes() {
        expect("<1>a\r\n\n\n<2>b\n", &["<1>a\r", "<2>b"], None);
        expect("<1>a\n<2>b", &["<1>a"], Some("<2>b"));
        expect("no priority\n", &["no priority"], None);
        expect("\n\n", &[], None);
    }

    #[test]
    fn nothing_is_kept_of_what_is_between_messages() {
        for (bytes, after) in [("4 <1>a\n", "\n\r\n\0"), ("<1>a\n", "\n\n"), ("", "\n\n")] {
            let mut framing = Framing::default();
            let taken = framing.next(bytes.as_bytes()).unwrap();
            let taken = taken.map_or(0, |(_, taken)| taken);
            let after = format!("{}{after}", &bytes[taken..]);
            assert_eq!(framing.next(after.as_bytes()), Ok(None), "{bytes:?}");
            assert_eq!(framing.skipped(after.as_bytes()), after.len(), "{bytes:?}");
        }
        assert_eq!(Framing::Lines.skipped(b"\n<1>a"), 1);
    }

    #[test]
    fn line_that_begins_with_a_number_hides_nothing_of_what_follows() {
        expect(
            "<1>a\n500 <2>b\n<3>c\n",
            &["<1>a", "500 <2>b", "<3>c"],
            None,
        );
        expect("12 monkeys\n<3>c\n", &["12 monkeys", "<3>c"], None);
        expect("2026-01-01 x\n<3>c\n", &["2026-01-01 x", "<3>c"], None);
        expect("012 <1>a\n", &["012 <1>a"], None);
        expect("123456789 <1>a\n", &["123456789 <1>a"], None);
    }

    #[test]
    fn messages_that_are_too_long_are_refused_before_they_are_there() {
        fn refused(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, TooLong> {
            Framing::default().next(bytes)
        }
        let most = MAX_MESSAGE_BYTES;
        assert_eq!(refused(format!("{most} <1>").as_bytes()), Ok(None));
        let more = format!("{} <1>", most + 1);
        assert_eq!(refused(more.as_bytes()), Err(TooLong));
        assert_eq!(refused(b"9999999 <1>"), Err(TooLong));
        let line = vec![b'x'; most];
        assert_eq!(refused(&line), Ok(None));
        assert_eq!(refused(&[&line[..], b"x"].concat()), Err(TooLong));
        assert_eq!(refused(&[&line[..], b"x\n"].concat()), Err(TooLong));
        let whole = [&line[..], b"\n"].concat();
        assert_eq!(refused(&whole).unwrap().unwrap().0.len(), most);
    }
}
