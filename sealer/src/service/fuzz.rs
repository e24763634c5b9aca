//! What a fuzzer does with the body of a request: it is refused, or its events are the body, and each of them is one that a log accepts.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::event::check_event;
use auditlog_chain::line::Payload;

use super::parse::{Form, Parsed, parse};

/// Reads the first byte as the form, and what follows as the body. Whether it was accepted.
pub(crate) fn body(input: &[u8]) -> bool {
    let Some((&kind, body)) = input.split_first() else {
        return false;
    };
    let form = match kind % 4 {
        0 => Form::Lines,
        1 => Form::Json,
        2 => Form::Kubernetes,
        _ => Form::Msgpack,
    };
    let Ok(Parsed { events, .. }) = parse(form, body, Some("app"), Some("id")) else {
        return false;
    };
    let texts = texts(&events);
    assert!(!texts.is_empty(), "nothing is accepted");
    let (all, row, list) = (dense(body), texts.concat(), array(&texts));
    match form {
        Form::Lines => assert_eq!(row, all),
        Form::Json => assert!(row == all || list == all, "{all:?}"),
        Form::Kubernetes => assert!(is_in(&list, &all), "{all:?}"),
        // What is made of an entry is looked at by the fuzzer of Forward.
        Form::Msgpack | Form::OtlpJson | Form::OtlpProtobuf => {}
    }
    true
}

/// The events as they came, without white space. What everyday readers stop at is kept as a text.
fn texts(events: &StoredBatch) -> Vec<Vec<u8>> {
    let text = |payload: Payload<'_>| match payload {
        Payload::Event(text) => {
            assert_eq!(check_event(text), Ok(()));
            dense(text.as_bytes())
        }
        Payload::Text(text) => match serde_json::from_str::<String>(text) {
            Ok(text) => dense(text.as_bytes()),
            Err(error) => unreachable!("{error}: {text}"),
        },
        Payload::Base64(text) => unreachable!("JSON is not kept as bytes: {text}"),
    };
    let payloads = events.iter();
    payloads.map(|payload| text(payload.as_payload())).collect()
}

fn array(texts: &[Vec<u8>]) -> Vec<u8> {
    [b"[", texts.join(&b","[..]).as_slice(), b"]"].concat()
}

fn dense(bytes: &[u8]) -> Vec<u8> {
    let mut dense = bytes.to_vec();
    dense.retain(|byte| !byte.is_ascii_whitespace());
    dense
}

fn is_in(part: &[u8], all: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let of = |kind: u8, body: &[u8]| [&[kind], body].concat();
        vec![
            of(0, b"{\"id\": 1, \"a\": [1.5e3, null, true]}\r\n\n\"x\\u00e9\\n\"\n-0.0\n"),
            of(1, b" [ {\"id\": 1} , [2, {}], \"x\" ]\n"),
            of(1, b"{\"id\": 1}{\"id\": \"2\"}\n{\"b\": [2]}"),
            of(1, b"{\"a\":\n{\"b\": \"\\ud83d\\ude00\"}}"),
            of(
                2,
                b"{\"kind\":\"EventList\",\"items\":[{\"auditID\":\"1\",\"stage\":\"x\"},{\"auditID\":\"2\"}]}",
            ),
            of(
                3,
                b"\x92\x92\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15\x80\x82\xa3log\xa1a\xa2id\xa1x\x92\x00\x81\xa1a\xcb\x3f\xf8\0\0\0\0\0\0",
            ),
        ]
    }

    #[test]
    fn mutated_bodies_are_refused_or_are_what_their_events_are() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), body);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_bodies_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("http", &seeds(), body);
    }
}
