//! RFC 3164, after the priority: a description of what was sent in 2001, of which each part may be missing or have another form.
//!
//! The crate `syslog_loose` reads more forms of time. It guesses the missing year by a clock, and takes text only; here, a time is kept as it
//! came, and so is each byte.

use super::message::Message;
use super::rfc5424::{is_timestamp, word};

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Longest tag. Stops a sentence with a colon somewhere from being one.
const MAX_TAG_BYTES: usize = 128;

/// Reads what there is.
pub(super) fn parse(bytes: &[u8]) -> Message<'_> {
    let (timestamp, rest) = timestamp(bytes);
    let (hostname, rest) = match timestamp {
        Some(_) => hostname(rest),
        None => (None, rest),
    };
    let (app_name, proc_id, text) = tag(rest).unwrap_or((None, None, rest));
    Message {
        timestamp,
        hostname,
        app_name,
        proc_id,
        text: Some(text),
        ..Message::default()
    }
}

/// `Oct 11 22:14:15`, also with a year before or a fraction after the time, or a time of RFC 3339.
fn timestamp(bytes: &[u8]) -> (Option<&str>, &[u8]) {
    let standard = word(bytes).filter(|(word, _)| is_timestamp(word.as_bytes()));
    let found = standard.or_else(|| of_2001(bytes));
    let found = found.and_then(|(text, rest)| Some((text, rest.strip_prefix(b" ")?)));
    found.map_or((None, bytes), |(text, rest)| (Some(text), rest))
}

fn of_2001(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let month = |rest: &[u8]| MONTHS.iter().any(|month| rest.starts_with(month));
    let rest = Some(bytes).filter(|bytes| month(bytes))?.get(3..)?;
    let rest = spaces(rest)?;
    let (_, rest) = digits(rest, 1..=2)?;
    let rest = spaces(rest)?;
    let with_year = digits(rest, 4..=4).and_then(|(_, rest)| spaces(rest));
    let (_, rest) = digits(with_year.unwrap_or(rest), 2..=2)?;
    let (_, rest) = digits(rest.strip_prefix(b":")?, 2..=2)?;
    let (_, mut rest) = digits(rest.strip_prefix(b":")?, 2..=2)?;
    if let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        rest = digits(fraction, 1..=9)?.1;
    }
    let length = bytes.len().saturating_sub(rest.len());
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    Some((text, rest))
}

fn spaces(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.trim_ascii_start();
    let skipped = bytes.len().saturating_sub(rest.len());
    let only = bytes.get(..skipped)?;
    ((1..=2).contains(&skipped) && only.iter().all(|byte| *byte == b' ')).then_some(rest)
}

fn digits(bytes: &[u8], count: std::ops::RangeInclusive<usize>) -> Option<(&[u8], &[u8])> {
    let found = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    count
        .contains(&found)
        .then(|| bytes.split_at_checked(found))?
}

/// A word that is not the tag already.
fn hostname(bytes: &[u8]) -> (Option<&str>, &[u8]) {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    let is_name = |word: &str| word.bytes().all(is_of_name) && !word.ends_with(':');
    let found = word(bytes).filter(|(word, _)| is_name(word));
    let found = found.and_then(|(word, rest)| Some((word, rest.strip_prefix(b" ")?)));
    found.map_or((None, bytes), |(word, rest)| (Some(word), rest))
}

type Tag<'a> = (Option<&'a str>, Option<&'a str>, &'a [u8]);

/// `name:` or `name[process]:`.
fn tag(bytes: &[u8]) -> Option<Tag<'_>> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/%+@#*".contains(byte);
    let length = bytes.iter().take_while(|byte| is_of_name(byte)).count();
    let (name, mut rest) = bytes.split_at_checked(length)?;
    if name.is_empty() || length > MAX_TAG_BYTES {
        return None;
    }
    let mut process = None;
    if let Some(after) = rest.strip_prefix(b"[") {
        let is_of_process = |byte: &u8| byte.is_ascii_graphic() && !b"[]".contains(byte);
        let length = after.iter().take_while(|byte| is_of_process(byte)).count();
        let (found, after) = after.split_at_checked(length)?;
        process = Some(std::str::from_utf8(found).ok()?).filter(|found| !found.is_empty());
        rest = after.strip_prefix(b"]")?;
    }
    let text = rest.strip_prefix(b":")?;
    let text = text.strip_prefix(b" ").unwrap_or(text);
    Some((Some(std::str::from_utf8(name).ok()?), process, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(text: &str, expected: &str) {
        let message = parse(text.as_bytes());
        let part = |part: Option<&str>| part.unwrap_or("nothing").to_owned();
        let found = [
            part(message.timestamp),
            part(message.hostname),
            part(message.app_name),
            part(message.proc_id),
            part(message.text.map(|text| std::str::from_utf8(text).unwrap())),
        ];
        assert_eq!(found.join("|"), expected, "{text}");
    }

    #[test]
    fn usual_forms_have_their_parts() {
        expect(
            "Oct 11 22:14:15 mymachine su: 'su root' failed",
            "Oct 11 22:14:15|mymachine|su|nothing|'su root' failed",
        );
        expect(
            "Oct  1 22:14:15 web-1.example sshd[4721]: Accepted publickey",
            "Oct  1 22:14:15|web-1.example|sshd|4721|Accepted publickey",
        );
        expect(
            "2026-07-01T12:00:00.123456+02:00 db postfix/smtpd[1]: connect",
            "2026-07-01T12:00:00.123456+02:00|db|postfix/smtpd|1|connect",
        );
        expect(
            "Oct 11 2026 22:14:15 fw %ASA-6-302013: Built",
            "Oct 11 2026 22:14:15|fw|%ASA-6-302013|nothing|Built",
        );
        expect(
            "Oct 1 22:14:15.003 fe80::1 app:no space",
            "Oct 1 22:14:15.003|fe80::1|app|nothing|no space",
        );
    }

    #[test]
    fn missing_parts_are_missing_and_nothing_of_the_text_is() {
        expect(
            "Oct 11 22:14:15 su[7]: hello",
            "Oct 11 22:14:15|nothing|su|7|hello",
        );
        expect("su: hello", "nothing|nothing|su|nothing|hello");
        expect("hello world", "nothing|nothing|nothing|nothing|hello world");
        expect(
            "Oct 11 22:14:15 web last message repeated 3 times",
            "Oct 11 22:14:15|web|nothing|nothing|last message repeated 3 times",
        );
        expect(
            "Oct 11 22:14:15 {\"user\":\"ann\"}",
            "Oct 11 22:14:15|nothing|nothing|nothing|{\"user\":\"ann\"}",
        );
        expect("1 - - -", "nothing|nothing|nothing|nothing|1 - - -");
        expect("", "nothing|nothing|nothing|nothing|");
        for odd in [
            "Oct 11 22:14 web x",
            "Okt 11 22:14:15 web x",
            "Oct  22:14:15",
            "Oct 111 22:14:15 w x",
            "a[1 : x",
            "[1]: x",
            "Oct",
        ] {
            expect(odd, &format!("nothing|nothing|nothing|nothing|{odd}"));
        }
    }
}
