//! Webhooks that are signed as Svix and Standard Webhooks do it: an HMAC over the id of the message, a time and the body.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

use auditlog_chain::builder::{Batch as BatchName, Source};
use auditlog_chain::timestamp::Timestamp;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How far the time of a message may be from the clock, in seconds. Stops a request that somebody has kept from being sent again later.
const TOLERANCE_SECONDS: u64 = 300;

/// Most signatures of a message: one for each secret that is in use. Stops a header that is compared without end.
const MAX_SIGNATURES: usize = 16;

/// Bytes of an HMAC with SHA-256.
const SIGNATURE_BYTES: usize = 32;

/// What a secret begins with.
const SECRET: &str = "whsec_";

/// Shortest key that is accepted, in bytes. Svix makes keys of 24.
const MIN_KEY_BYTES: usize = 16;

/// Who signs webhooks.
#[derive(Clone)]
pub struct Webhook {
    /// The sender's name in the log.
    pub source: Source,
    /// What routes call its messages.
    pub tag: Option<String>,
    /// The key of the signature.
    pub key: Vec<u8>,
}

/// The key in a secret as Svix shows it: `whsec_` and base64. `None` where it is not one, or too short.
pub fn webhook_key(secret: &[u8]) -> Option<Vec<u8>> {
    let encoded = secret.strip_prefix(SECRET.as_bytes())?;
    let key = STANDARD.decode(encoded).ok()?;
    (key.len() >= MIN_KEY_BYTES).then_some(key)
}

/// Why a request is not a webhook of a configured sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// A header is missing, or appears twice.
    #[error("a webhook needs the headers svix-id, svix-timestamp and svix-signature")]
    Headers,
    /// The id is not one that can name a batch.
    #[error(
        "svix-id is 1 to 255 characters of printable ASCII without a full stop, quote and backslash"
    )]
    Id,
    /// The time is not a number, or too far from the clock.
    #[error(
        "svix-timestamp differs from the clock of this machine by more than {TOLERANCE_SECONDS} seconds"
    )]
    Time,
    /// No configured secret gives one of the signatures.
    #[error("svix-signature is not that of a configured secret over id, timestamp and body")]
    Signature,
}

/// What a request says of itself, before its body is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The id of the message, which its sender keeps when it sends the message again.
    pub id: BatchName,
    time: String,
    signatures: Vec<Vec<u8>>,
}

impl Claim {
    /// Reads the headers, by a function that gives the only value of a name.
    ///
    /// # Errors
    ///
    /// Where they are not those of a webhook of about this time.
    pub fn of<'h>(
        header: impl Fn(&str) -> Option<&'h str>,
        now: Timestamp,
    ) -> Result<Self, NotSigned> {
        let names = match header("svix-id") {
            Some(_) => ["svix-id", "svix-timestamp", "svix-signature"],
            None => ["webhook-id", "webhook-timestamp", "webhook-signature"],
        };
        let [Some(id), Some(time), Some(signature)] = names.map(header) else {
            return Err(NotSigned::Headers);
        };
        // With a full stop in it, an id could take over what is signed as the time.
        let id = Some(id).filter(|id| !id.contains('.'));
        let id = id.and_then(BatchName::parse).ok_or(NotSigned::Id)?;
        if !is_near(time, now) {
            return Err(NotSigned::Time);
        }
        let signatures = signature.split(' ').take(MAX_SIGNATURES);
        let decoded = signatures.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        let signatures: Vec<Vec<u8>> = decoded.filter(|one| one.len() == SIGNATURE_BYTES).collect();
        // A malformed signature is refused before room is taken for the body.
        if signatures.is_empty() {
            return Err(NotSigned::Signature);
        }
        Ok(Self {
            id,
            time: time.to_owned(),
            signatures,
        })
    }

    /// Whose secret the message is signed with. All are compared: the time says nothing about which one was close.
    ///
    /// # Errors
    ///
    /// Where none of them is.
    pub fn signed_by<'w>(
        &self,
        webhooks: &'w [Webhook],
        body: &[u8],
    ) -> Result<&'w Webhook, NotSigned> {
        let signs = |webhook: &Webhook| {
            let tag = self.signature_by(&webhook.key, body);
            let equal = |one: &&Vec<u8>| verify_slices_are_equal(tag.as_ref(), one).is_ok();
            self.signatures.iter().filter(equal).count() > 0
        };
        let mut signer = None;
        for webhook in webhooks {
            if signs(webhook) {
                signer = Some(webhook);
            }
        }
        signer.ok_or(NotSigned::Signature)
    }

    fn signature_by(&self, key: &[u8], body: &[u8]) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let mut context = hmac::Context::with_key(&key);
        for part in [self.id.as_str(), ".", &self.time, "."] {
            context.update(part.as_bytes());
        }
        context.update(body);
        context.sign()
    }
}

fn is_near(time: &str, now: Timestamp) -> bool {
    let is_plain = time.len() <= 12 && time.bytes().all(|byte| byte.is_ascii_digit());
    let time: Option<i64> = time.parse().ok().filter(|_| is_plain);
    let now = i64::try_from(now.as_seconds()).unwrap_or(i64::MAX);
    time.is_some_and(|time| time.abs_diff(now) <= TOLERANCE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Svix's own documentation and tests.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: &str = "1614265330";
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn webhook(source: &str, secret: &str) -> Webhook {
        Webhook {
            source: Source::parse(source).unwrap(),
            tag: None,
            key: webhook_key(secret.as_bytes()).unwrap(),
        }
    }

    fn webhooks() -> Vec<Webhook> {
        vec![
            webhook("old", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            webhook("hoop", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ]
    }

    fn at(seconds: i64) -> Timestamp {
        let signed = Timestamp::from_micros(1_614_265_330_000_000).unwrap();
        signed.saturating_add_seconds(seconds)
    }

    /// Who signed a request with these headers, in this order: id, time and signature.
    fn signer(prefix: &str, headers: [&str; 3], now: i64) -> Result<String, NotSigned> {
        let names = ["id", "timestamp", "signature"].map(|name| format!("{prefix}-{name}"));
        let header = |name: &str| {
            let at = names.iter().position(|known| known == name)?;
            headers.get(at).copied()
        };
        let claim = Claim::of(header, at(now))?;
        let webhooks = webhooks();
        let signer = claim.signed_by(&webhooks, BODY)?;
        Ok(format!("{} {}", signer.source.as_str(), claim.id.as_str()))
    }

    #[test]
    fn published_example_is_accepted_under_both_names_of_the_headers() {
        let expected = format!("hoop {ID}");
        for prefix in ["svix", "webhook"] {
            for now in [0, 300, -300] {
                let found = signer(prefix, [ID, TIME, SIGNATURE], now);
                assert_eq!(found, Ok(expected.clone()), "{prefix} {now}");
            }
        }
        // One of several signatures is enough, while a secret is replaced.
        let several = format!(
            "v1,AAAA v1a,x v2,{SIGNATURE} {SIGNATURE} v1,{}",
            "A".repeat(43) + "="
        );
        assert_eq!(signer("svix", [ID, TIME, &several], 0), Ok(expected));
    }

    #[test]
    fn what_was_not_signed_now_and_for_these_bytes_is_refused() {
        for (headers, now, expected) in [
            ([ID, TIME, SIGNATURE], 301, NotSigned::Time),
            ([ID, TIME, SIGNATURE], -301, NotSigned::Time),
            ([ID, "1614265331", SIGNATURE], 0, NotSigned::Signature),
            ([ID, "+1614265330", SIGNATURE], 0, NotSigned::Time),
            ([ID, "", SIGNATURE], 0, NotSigned::Time),
            (["msg_other", TIME, SIGNATURE], 0, NotSigned::Signature),
            (["", TIME, SIGNATURE], 0, NotSigned::Id),
            (["a.b", TIME, SIGNATURE], 0, NotSigned::Id),
            (["a\"b", TIME, SIGNATURE], 0, NotSigned::Id),
            ([ID, TIME, ""], 0, NotSigned::Signature),
            ([ID, TIME, "v1,"], 0, NotSigned::Signature),
            ([ID, TIME, &SIGNATURE[3..]], 0, NotSigned::Signature),
        ] {
            assert_eq!(signer("svix", headers, now), Err(expected), "{headers:?}");
        }
        for malformed in ["", "v1,", "v1,aa==", "v1,AAAA v2,x"] {
            let header = |name: &str| match name {
                "svix-id" => Some(ID),
                "svix-timestamp" => Some(TIME),
                "svix-signature" => Some(malformed),
                _ => None,
            };
            let claim = Claim::of(header, at(0));
            assert_eq!(claim, Err(NotSigned::Signature), "{malformed}");
        }
        let none = Claim::of(|_| None, at(0));
        assert_eq!(none, Err(NotSigned::Headers));
        // The headers of the two kinds are not mixed.
        let mixed = |name: &str| match name {
            "svix-id" => Some(ID),
            "webhook-timestamp" => Some(TIME),
            "webhook-signature" => Some(SIGNATURE),
            _ => None,
        };
        assert_eq!(Claim::of(mixed, at(0)), Err(NotSigned::Headers));
    }

    #[test]
    fn every_changed_byte_of_the_body_breaks_the_signature() {
        let header = |name: &str| match name {
            "svix-id" => Some(ID),
            "svix-timestamp" => Some(TIME),
            "svix-signature" => Some(SIGNATURE),
            _ => None,
        };
        let (claim, webhooks) = (Claim::of(header, at(0)).unwrap(), webhooks());
        assert!(claim.signed_by(&webhooks, BODY).is_ok());
        for at in 0..BODY.len() {
            let mut changed = BODY.to_vec();
            changed[at] ^= 1;
            assert!(claim.signed_by(&webhooks, &changed).is_err(), "{at}");
        }
    }

    #[test]
    fn secret_is_that_of_svix() {
        assert!(webhook_key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_some());
        for wrong in [
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_",
            "whsec_AAAA",
            "whsec_not base64 at all ............",
            "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert!(webhook_key(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
