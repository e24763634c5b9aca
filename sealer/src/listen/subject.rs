//! The subject of a client certificate, as the name of a sender. Whoever calls this has verified the certificate.

use std::fmt::Write as _;

use auditlog_chain::builder::Source;
use auditlog_chain::timestamp::Timestamp;
use aws_lc_rs::digest::{SHA256, digest};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Types of attributes with a short name (RFC 4514, and the serial number that devices have).
const KNOWN: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
];

/// The subject with the most specific part first, such as `CN=payments,O=Acme`. A byte that has a meaning of its own, or that is not
/// printable, is written as `%` and two digits, so that no two subjects have the same name. A certificate without a subject, or with one that
/// is too long for a log, is named by its SHA-256.
pub(super) fn subject(certificate: &[u8]) -> Option<Source> {
    let named = name_of(certificate).filter(|name| !name.is_empty());
    named
        .and_then(|name| Source::parse(&name))
        .or_else(|| fingerprint(certificate))
}

fn fingerprint(certificate: &[u8]) -> Option<Source> {
    let mut name = "sha256:".to_owned();
    for byte in digest(&SHA256, certificate).as_ref() {
        // Writing into a string cannot fail.
        _ = write!(name, "{byte:02x}");
    }
    Source::parse(&name)
}

/// Until when a certificate is valid, in seconds since 1970 (RFC 5280, section 4.1.2.5).
pub(super) fn valid_until(certificate: &[u8]) -> Option<u64> {
    let mut fields = fields_from_validity(certificate)?;
    let mut validity = of_tag(&mut fields, SEQUENCE)?;
    value(&mut validity)?;
    let (kind, text) = value(&mut validity)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match kind {
        // Two digits of the year: 50 is 1950, and 49 is 2049.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    // No well-defined end. It is later than any time of a log.
    if text == "99991231235959Z" {
        return Some(253_402_300_799);
    }
    let part = |from: usize, to: usize| text.get(from..to);
    let date = [part(0, 4)?, part(4, 6)?, part(6, 8)?].join("-");
    let time = [part(8, 10)?, part(10, 12)?, part(12, 15)?].join(":");
    Timestamp::parse_rfc3339(&format!("{date}T{time}")).map(Timestamp::as_seconds)
}

/// The fields of a certificate, without those before its validity.
fn fields_from_validity(certificate: &[u8]) -> Option<&[u8]> {
    let certificate = of_tag(&mut &*certificate, SEQUENCE)?;
    let mut fields = of_tag(&mut &*certificate, SEQUENCE)?;
    let first = value(&mut fields)?;
    if first.0 == VERSION {
        // The serial number.
        value(&mut fields)?;
    }
    for _ in ["signature", "issuer"] {
        of_tag(&mut fields, SEQUENCE)?;
    }
    Some(fields)
}

fn name_of(certificate: &[u8]) -> Option<String> {
    let mut fields = fields_from_validity(certificate)?;
    of_tag(&mut fields, SEQUENCE)?;
    let mut parts = Vec::new();
    let mut names = of_tag(&mut fields, SEQUENCE)?;
    while !names.is_empty() {
        parts.push(relative_name(of_tag(&mut names, SET)?)?);
    }
    parts.reverse();
    Some(parts.join(","))
}

/// One set of attributes.
fn relative_name(mut set: &[u8]) -> Option<String> {
    let mut text = String::new();
    while !set.is_empty() {
        let mut attribute = of_tag(&mut set, SEQUENCE)?;
        let kind = of_tag(&mut attribute, OBJECT_ID)?;
        let (_, content) = value(&mut attribute)?;
        if !text.is_empty() {
            text.push('+');
        }
        match KNOWN.iter().find(|(known, _)| *known == kind) {
            Some((_, name)) => text.push_str(name),
            None => kind.iter().for_each(|byte| _ = write!(text, "{byte:02x}")),
        }
        text.push('=');
        for byte in content {
            push(&mut text, *byte);
        }
    }
    Some(text)
}

fn push(text: &mut String, byte: u8) {
    let is_plain = (byte.is_ascii_graphic() || byte == b' ') && !b"%,+=\"\\".contains(&byte);
    if is_plain {
        text.push(char::from(byte));
    } else {
        _ = write!(text, "%{byte:02X}");
    }
}

/// Takes a value of this tag from the front.
fn of_tag<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    value(bytes).and_then(|(found, content)| (found == tag).then_some(content))
}

/// Takes a value from the front: its tag and its content.
fn value<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut rest) = bytes.split_first_chunk()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        let digit = |length: usize, digit: &u8| (length << 8) | usize::from(*digit);
        length = digits.iter().fold(0, digit);
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    *bytes = after;
    Some((tag, content))
}

/// What a fuzzer does with a certificate: any bytes have a name that a log accepts, and always the same one.
///
/// For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    use super::{Source, subject, valid_until};

    /// Whether it has a subject of its own, and says until when it is valid.
    pub(crate) fn certificate(input: &[u8]) -> bool {
        let Some(name) = subject(input) else {
            unreachable!("a hash is always a name")
        };
        assert_eq!(Source::parse(name.as_str()).as_ref(), Some(&name));
        assert_eq!(subject(input), Some(name.clone()));
        let is_named = !name.as_str().starts_with("sha256:");
        assert!(!is_named || name.as_str().contains('='), "{name:?}");
        valid_until(input).is_some() && is_named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        if length < 0x80 {
            return [&[tag, length], content].concat();
        }
        [&[tag, 0x81, length], content].concat()
    }

    fn certificate(names: &[(&[u8], &[u8])], with_version: bool) -> Vec<u8> {
        valid(names, with_version, &tlv(4, b"v"))
    }

    fn valid(names: &[(&[u8], &[u8])], with_version: bool, validity: &[u8]) -> Vec<u8> {
        let name = |(kind, text): &(&[u8], &[u8])| {
            let attribute = [tlv(OBJECT_ID, kind), tlv(0x0c, text)].concat();
            tlv(SET, &tlv(SEQUENCE, &attribute))
        };
        let names: Vec<u8> = names.iter().flat_map(name).collect();
        let mut fields = Vec::new();
        if with_version {
            fields.extend(tlv(VERSION, &tlv(2, &[2])));
        }
        fields.extend(tlv(2, &[7]));
        for content in [b"s".as_slice(), b"i"] {
            fields.extend(tlv(SEQUENCE, &tlv(4, content)));
        }
        fields.extend(tlv(SEQUENCE, validity));
        fields.extend(tlv(SEQUENCE, &names));
        fields.extend(tlv(SEQUENCE, b""));
        tlv(SEQUENCE, &tlv(SEQUENCE, &fields))
    }

    fn of(names: &[(&[u8], &[u8])]) -> String {
        let both = [true, false].map(|version| subject(&certificate(names, version)).unwrap());
        assert_eq!(both[0], both[1]);
        both[0].as_str().to_owned()
    }

    #[test]
    fn subject_begins_with_its_most_specific_part() {
        let names: &[(&[u8], &[u8])] = &[
            (&[0x55, 4, 6], b"DE"),
            (&[0x55, 4, 10], b"Acme, Inc."),
            (&[0x55, 4, 3], b"payments"),
        ];
        assert_eq!(of(names), "CN=payments,O=Acme%2C Inc.,C=DE");
    }

    #[test]
    fn subjects_that_could_be_mistaken_for_one_another_have_names_of_their_own() {
        let forged: &[(&[u8], &[u8])] = &[(&[0x55, 4, 3], b"a,O=Acme")];
        let honest: &[(&[u8], &[u8])] = &[(&[0x55, 4, 10], b"Acme"), (&[0x55, 4, 3], b"a")];
        assert_eq!(of(forged), "CN=a%2CO%3DAcme");
        assert_eq!(of(honest), "CN=a,O=Acme");
        assert_eq!(
            of(&[(&[0x55, 4, 3], b"\xc3\xa9\"\\%")]),
            "CN=%C3%A9%22%5C%25"
        );
        assert_eq!(of(&[(&[0x2a, 3], b"x")]), "2a03=x");
    }

    #[test]
    fn certificate_says_until_when_it_is_valid() {
        let begins = tlv(UTC_TIME, b"200101000000Z");
        let cases: [(u8, &[u8], Option<u64>); 8] = [
            (UTC_TIME, b"270227120000Z", Some(1_803_729_600)),
            (UTC_TIME, b"700101000001Z", Some(1)),
            (GENERALIZED_TIME, b"20270227120000Z", Some(1_803_729_600)),
            (GENERALIZED_TIME, b"99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, b"2027", None),
            (GENERALIZED_TIME, b"20271327120000Z", None),
            (UTC_TIME, b"\xff70227120000Z", None),
            (4, b"270227120000Z", None),
        ];
        for (kind, text, expected) in cases {
            let validity = [begins.clone(), tlv(kind, text)].concat();
            for version in [true, false] {
                let found = valid_until(&valid(&[], version, &validity));
                assert_eq!(found, expected, "{kind} {text:?}");
            }
        }
        assert_eq!(valid_until(&certificate(&[], true)), None);
    }

    fn seeds() -> Vec<Vec<u8>> {
        let validity = |kind, text: &[u8]| {
            let begins = tlv(UTC_TIME, b"200101000000Z");
            [begins, tlv(kind, text)].concat()
        };
        let names: &[(&[u8], &[u8])] = &[
            (&[0x55, 4, 10], b"Acme, Inc."),
            (&[0x2a, 3], b"x"),
            (&[0x55, 4, 3], b"payments"),
        ];
        vec![
            valid(names, true, &validity(UTC_TIME, b"270227120000Z")),
            valid(
                names,
                false,
                &validity(GENERALIZED_TIME, b"20270227120000Z"),
            ),
        ]
    }

    #[test]
    fn mutated_certificates_have_a_name_that_a_log_accepts() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), fuzz::certificate);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_subjects_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("subject", &seeds(), fuzz::certificate);
    }

    #[test]
    fn certificate_without_a_usable_subject_is_named_by_its_hash() {
        let empty = subject(&certificate(&[], true)).unwrap();
        assert!(empty.as_str().starts_with("sha256:"), "{empty:?}");
        assert_eq!(empty.as_str().len(), 7 + 64);
        let whole = certificate(&[(&[0x55, 4, 3], b"a")], true);
        for length in 0..whole.len() {
            let cut = subject(&whole[..length]).unwrap();
            assert!(cut.as_str().starts_with("sha256:"), "{length}: {cut:?}");
        }
        let long: &[(&[u8], &[u8])] = &[(&[0x55, 4, 3], &[b'"'; 90])];
        let long = subject(&certificate(long, true)).unwrap();
        assert!(long.as_str().starts_with("sha256:"));
    }
}
