//! What a fuzzer does with the bytes of a connection: messages are found wherever they are cut, and each is stored with all of its bytes.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::{StoredBatch, StoredPayload};
use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_chain::line::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::framing::{Framing, Rest};
use super::parse::parse;
use super::relp::next_frame;
use super::render::push;

/// Reads bytes as those of a TCP connection, and as frames of RELP. Whether a message has its parts.
pub fn stream(input: &[u8]) -> bool {
    relp(input);
    let found = framed(input);
    let parsed = found.iter().filter(|raw| is_stored(raw));
    parsed.count() > 0
}

fn framed(input: &[u8]) -> Vec<Vec<u8>> {
    let at_once = messages(input, input.len().max(1));
    let in_steps = messages(input, 1);
    assert_eq!(
        at_once, in_steps,
        "the messages depend on how the bytes arrive"
    );
    at_once
}

fn messages(input: &[u8], step: usize) -> Vec<Vec<u8>> {
    let (mut framing, mut pending) = (Framing::default(), Vec::new());
    let mut found = Vec::new();
    for part in input.chunks(step) {
        pending.extend_from_slice(part);
        loop {
            match framing.next(&pending) {
                Ok(Some((message, taken))) => {
                    found.push(message.to_vec());
                    pending.drain(..taken);
                }
                Ok(None) => break,
                Err(_) => return found,
            }
        }
    }
    if let Some(Rest::Line(rest) | Rest::Cut(rest)) = framing.rest(&pending) {
        found.push(rest.to_vec());
    }
    found
}

/// Whether the message has parts. All of its bytes are stored in any case.
fn is_stored(raw: &[u8]) -> bool {
    let message = parse(raw);
    let mut batch = StoredBatch::default();
    match push(&mut batch, raw, message.as_ref(), MAX_EVENT_BYTES) {
        Ok(()) => {}
        Err(error) => unreachable!("{error}: {raw:?}"),
    }
    let kept = batch.iter().next().map(|payload| kept(&payload));
    assert_eq!(kept.as_deref(), Some(raw), "each byte is kept");
    message.is_some()
}

fn kept(payload: &StoredPayload<'_>) -> Vec<u8> {
    let text = |json: &str| serde_json::from_str::<String>(json).unwrap_or_default();
    let binary = |text: &str| STANDARD.decode(text).unwrap_or_default();
    match payload.as_payload() {
        Payload::Text(json) => text(json).into_bytes(),
        Payload::Base64(json) => binary(&text(json)),
        Payload::Event(json) => {
            let event: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
            match event.get("raw") {
                Some(serde_json::Value::String(raw)) => raw.clone().into_bytes(),
                Some(raw) => {
                    let base64 = raw.get("base64").and_then(serde_json::Value::as_str);
                    binary(base64.unwrap_or_default())
                }
                None => Vec::new(),
            }
        }
    }
}

fn relp(input: &[u8]) {
    let mut rest = input;
    while let Ok(Some((frame, length))) = next_frame(rest) {
        assert!(frame.data.len() < length, "a frame is longer than its data");
        let Some(after) = rest.get(length..) else {
            unreachable!("a frame is longer than what there is");
        };
        is_stored(frame.data);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    fn seeds() -> Vec<Vec<u8>> {
        let new =
            "<34>1 2003-10-11T22:14:15.003Z web su 7 ID47 [a@1 id=\"x\\\"\"][b c=\"\"] \u{feff}m";
        let old = "<13>Oct 11 22:14:15 web sshd[7]: hello";
        [
            format!("{new}\n{old}\r\n<1>x"),
            format!("{} {new}{} {old}\n", new.len(), old.len()),
            format!(
                "2 syslog {} {new}\n3 syslog {} {old}\n",
                new.len(),
                old.len()
            ),
            "1 open 14 relp_version=0\n2 syslog 4 <1>x\n3 close 0\n<1>x".to_owned(),
            "<1>Oct  1 2026 22:14:15.5 h %A-6-1: \u{e9}\n".to_owned(),
        ]
        .map(String::into_bytes)
        .into()
    }

    #[test]
    fn mutated_input_of_syslog_is_stored_with_each_byte_of_it() {
        let seeds: Vec<Vec<u8>> = seeds();
        let Mutated { accepted, rounds } = try_mutated(&seeds, stream);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_syslog_is_accepted_and_can_be_left_in_a_folder() {
        let accepts = |input: &[u8]| {
            let is_relp = matches!(next_frame(input), Ok(Some(_)));
            stream(input) || is_relp
        };
        leave_seeds("syslog", &seeds(), accepts);
    }
}
