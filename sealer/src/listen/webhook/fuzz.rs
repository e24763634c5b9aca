//! What a fuzzer does with the headers of a webhook and its body: they are refused, or the signature is that over these bytes.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

use auditlog_chain::builder::Source;
use auditlog_chain::timestamp::Timestamp;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Claim, MAX_SIGNATURES, MIN_KEY_BYTES, Webhook, webhook_key};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Microseconds of the time in the seeds.
const NOW: i64 = 1_614_265_330_000_000;

/// Reads three lines as id, time and signatures, and what follows as the body. Whether the headers are those of a webhook.
pub(crate) fn request(input: &[u8]) -> bool {
    secret(input);
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let (Some(id), Some(time), Some(signatures)) = (text(), text(), text()) else {
        return false;
    };
    let header = |name: &str| match name {
        "svix-id" => Some(id),
        "svix-timestamp" => Some(time),
        "svix-signature" => Some(signatures),
        _ => None,
    };
    let now = Timestamp::from_micros(NOW).unwrap_or(Timestamp::EPOCH);
    let Ok(claim) = Claim::of(header, now) else {
        return false;
    };
    assert_eq!(claim.id.as_str(), id);
    let body = parts.next().unwrap_or_default();
    let webhook = webhook();
    let expected = expected(&webhook.key, &[id, time], body);
    let mut given = signatures.split(' ').take(MAX_SIGNATURES);
    let is_signed = given.any(|one| one == expected);
    assert_eq!(claim.signed_by(&[webhook], body).is_ok(), is_signed);
    true
}

/// A key is as long as it must be, and is the one whose secret this is.
fn secret(input: &[u8]) {
    if let Some(key) = webhook_key(input) {
        assert!(key.len() >= MIN_KEY_BYTES);
        let again = format!("whsec_{}", STANDARD.encode(key));
        assert_eq!(again.as_bytes(), input);
    }
}

fn webhook() -> Webhook {
    let (Some(source), Some(key)) = (Source::parse("hoop"), webhook_key(SECRET.as_bytes())) else {
        unreachable!("the secret is a good one")
    };
    Webhook {
        source,
        tag: None,
        key,
    }
}

/// The signature, by another way: over all bytes at once, and compared as text.
fn expected(key: &[u8], names: &[&str], body: &[u8]) -> String {
    let mut signed = Vec::new();
    for name in names {
        signed.extend_from_slice(name.as_bytes());
        signed.push(b'.');
    }
    signed.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &signed);
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutated::{Mutated, leave_seeds, try_mutated};

    /// The example of Svix's own documentation, alone and among signatures with other secrets, and a message of another id.
    fn seeds() -> Vec<Vec<u8>> {
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let message = |id: &str, signatures: &str| {
            let message = format!("{id}\n1614265330\n{signatures}\n{{\"test\": 2432232314}}");
            message.into_bytes()
        };
        vec![
            message(id, signature),
            message(id, &format!("v1a,x {other} {signature}")),
            message("msg-2", signature),
        ]
    }

    #[test]
    fn mutated_headers_of_webhooks_are_refused_or_signed_as_they_say() {
        let Mutated { accepted, rounds } = try_mutated(&seeds(), request);
        assert!(
            accepted > rounds / 100,
            "{accepted} of {rounds} were accepted"
        );
    }

    #[test]
    fn every_seed_of_webhooks_is_accepted_and_can_be_left_in_a_folder() {
        leave_seeds("webhook", &seeds(), request);
    }
}
