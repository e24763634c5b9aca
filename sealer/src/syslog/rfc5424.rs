//! RFC 5424, after the priority.

use super::data::Data;
use super::message::Message;
use super::without_mark;

/// Reads a message; `None` where it is not one of version 1.
pub(super) fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    let rest = bytes.strip_prefix(b"1 ")?;
    let (timestamp, rest) = field(rest)?;
    if timestamp.is_some_and(|text| !is_timestamp(text.as_bytes())) {
        return None;
    }
    let (hostname, rest) = field(rest)?;
    let (app_name, rest) = field(rest)?;
    let (proc_id, rest) = field(rest)?;
    let (msg_id, rest) = field(rest)?;
    let (data, rest) = Data::parse(rest)?;
    let text = match rest {
        [] => None,
        rest => Some(without_mark(rest.strip_prefix(b" ")?)),
    };
    Some(Message {
        priority: 0,
        version: Some("1"),
        timestamp,
        hostname,
        app_name,
        proc_id,
        msg_id,
        data,
        text,
    })
}

/// A part of the header, which `-` stands in for where it is missing.
fn field(bytes: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let (text, rest) = word(bytes)?;
    let rest = rest.strip_prefix(b" ")?;
    Some((Some(text).filter(|text| *text != "-"), rest))
}

/// Printable ASCII up to a space.
pub(super) fn word(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_graphic())
        .count();
    let (word, rest) = bytes.split_at_checked(length)?;
    let word = std::str::from_utf8(word).ok()?;
    (!word.is_empty()).then_some((word, rest))
}

/// Whether it is a time of RFC 3339, such as `2003-10-11T22:14:15.003Z`.
pub(super) fn is_timestamp(text: &[u8]) -> bool {
    let Some((moment, after)) = text.split_at_checked(19) else {
        return false;
    };
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    let has_form =
        |text: &[u8], form: &[u8]| text.len() == form.len() && text.iter().zip(form).all(fits);
    let after = match after.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            match fraction.get(digits..) {
                Some(after) if digits > 0 => after,
                _ => return false,
            }
        }
        None => after,
    };
    let is_zone = after == b"Z" || has_form(after, b"+00:00") || has_form(after, b"-00:00");
    has_form(moment, b"0000-00-00T00:00:00") && is_zone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(text: &str) -> String {
        let message = parse(text.as_bytes()).unwrap();
        let part = |part: Option<&str>| part.unwrap_or("nothing").to_owned();
        [
            part(message.timestamp),
            part(message.hostname),
            part(message.app_name),
            part(message.proc_id),
            part(message.msg_id),
            serde_json::to_string(&message.data).unwrap(),
            part(message.text.map(|text| std::str::from_utf8(text).unwrap())),
        ]
        .join("|")
    }

    /// The examples of RFC 5424, section 6.5.
    #[test]
    fn examples_of_the_standard_have_their_parts() {
        for (text, expected) in [
            (
                "1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
                "2003-10-11T22:14:15.003Z|mymachine.example.com|su|nothing|ID47|{}|'su root' failed for lonvick on /dev/pts/8",
            ),
            (
                "1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
                "2003-08-24T05:14:15.000003-07:00|192.0.2.1|myproc|8710|nothing|{}|%% It's time to make the do-nuts.",
            ),
            (
                "1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"][examplePriority@32473 class=\"high\"]",
                "2003-10-11T22:14:15.003Z|mymachine.example.com|evntslog|nothing|ID47|{\"examplePriority@32473\":{\"class\":\"high\"},\"exampleSDID@32473\":{\"eventID\":\"1011\",\"eventSource\":\"Application\",\"iut\":\"3\"}}|nothing",
            ),
            (
                "1 - - - - - -",
                "nothing|nothing|nothing|nothing|nothing|{}|nothing",
            ),
            (
                "1 - - - - - - ",
                "nothing|nothing|nothing|nothing|nothing|{}|",
            ),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_unescaped_and_repeated_ones_are_a_list() {
        let data = r#"[a x="1\"2\\3\]4\5" y=""][b][c ip="1" ip="2"][c ip="3"]"#;
        let expected = r#"{"a":{"x":"1\"2\\3]4\\5","y":""},"b":{},"c":{"ip":["1","2","3"]}}"#;
        let found = parsed(&format!("1 - - - - - {data} m"));
        assert_eq!(
            found,
            format!("nothing|nothing|nothing|nothing|nothing|{expected}|m")
        );
    }

    #[test]
    fn what_the_standard_does_not_allow_is_not_read_by_it() {
        for text in [
            "2 - - - - - -",
            "1 yesterday - - - - -",
            "1 2003-10-11T22:14:15 - - - - -",
            "1 2003-10-11T22:14:15.Z - - - - -",
            "1 - - - - -",
            "1 - - - -  -",
            "1 - - - - - [a",
            "1 - - - - - [a x=1]",
            "1 - - - - - [a x=\"1]",
            "1 - - - - - [ x=\"1\"]",
            "1 - - - - - []",
            "1 - - - - - -x",
            "1 - h\u{f6}st - - - -",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
