//! Takes a message apart: by RFC 5424 where it is as that says, and by RFC 3164 otherwise.

use super::framing::decimal;
use super::message::Message;
use super::{rfc3164, rfc5424, without_mark};

/// The highest priority: facility 23, severity 7.
const MAX_PRIORITY: usize = 191;

/// Takes a message apart. What is not as RFC 5424 says is read as RFC 3164, of which each part may be missing but the priority.
/// `None` where that is missing: it is not a message of syslog.
pub fn parse(raw: &[u8]) -> Option<Message<'_>> {
    let (priority, rest) = priority(without_mark(raw))?;
    let end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    let ends = rest.iter().rev().take_while(|byte| end(byte)).count();
    let rest = rest.get(..rest.len().saturating_sub(ends))?;
    let found = rfc5424::parse(rest).unwrap_or_else(|| rfc3164::parse(rest));
    Some(Message { priority, ..found })
}

fn priority(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = rest.split_at_checked(digits)?;
    let rest = rest.strip_prefix(b">")?;
    let number = Some(number).filter(|digits| (1..=3).contains(&digits.len()))?;
    let number = decimal(number);
    let number = Some(number).filter(|number| *number <= MAX_PRIORITY)?;
    Some((u8::try_from(number).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_is_facility_and_severity() {
        for (raw, facility, severity) in [
            ("<0>", "kern", "emerg"),
            ("<34>x", "auth", "crit"),
            ("<86>", "authpriv", "info"),
            ("<165>", "local4", "notice"),
            ("<191>", "local7", "debug"),
            ("\u{feff}<013>x", "user", "notice"),
        ] {
            let message = parse(raw.as_bytes()).unwrap();
            assert_eq!(
                (message.facility(), message.severity()),
                (facility, severity)
            );
        }
    }

    #[test]
    fn what_has_no_priority_is_not_a_message_of_syslog() {
        for raw in [
            "",
            "x",
            "<",
            "<>x",
            "<192>x",
            "<0000>x",
            "<-1>",
            "<1",
            " <1>x",
            "{\"a\":1}",
        ] {
            assert_eq!(parse(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn line_ends_and_marks_are_not_part_of_the_text() {
        for raw in ["<1>a: b", "<1>a: b\r", "<1>a: b\n\0", "\u{feff}<1>a: b\r\n"] {
            assert_eq!(
                parse(raw.as_bytes()).unwrap().text,
                Some(&b"b"[..]),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn parameter_with_a_value_is_found() {
        let raw = b"<1>1 - - - - - [a@1 id=\"x\" no=\"\"]";
        let message = parse(raw).unwrap();
        assert!(message.has_parameter("a@1/id"));
        for path in ["a@1/no", "a@1/x", "b/id", "a@1", "id", ""] {
            assert!(!message.has_parameter(path), "{path}");
        }
    }
}
