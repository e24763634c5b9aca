//! A log for the tests of `auditlog-verify`: made here and now, so that no sealer has a part in it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use auditlog_chain::builder::{SegmentBuilder, StoredPayload};
use auditlog_chain::keys::{PublicKey, VerifierKey};
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    BucketPolicy, KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, TrustPolicy,
};
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::REGION;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

pub(crate) const ORIGIN: &str = "acme.example/audit/payments";
pub(crate) const BUCKET: &str = "acme-audit";
pub(crate) const RETENTION_DAYS: u32 = 2;

/// The objects of a log, and the policy for them.
pub(crate) struct Log {
    /// Key and bytes of each segment.
    pub(crate) segments: Vec<(String, Vec<u8>)>,
    pub(crate) policy: PolicyDocument,
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now())
        .expect("a clock within the years that can be written")
}

impl Log {
    /// A log of this many segments, each sealed now.
    pub(crate) fn new(segments: usize) -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let spki = pair.public_key().as_der().expect("its SPKI");
        let public = PublicKey::from_spki_der(spki.as_ref()).expect("a public key");
        let origin = Origin::parse(ORIGIN).expect("an origin");
        let key = VerifierKey::new(origin.clone(), public.clone());
        let began = now();
        let mut log = Self {
            segments: Vec::new(),
            policy: policy(&key, began.saturating_add_seconds(-60)),
        };
        let mut head = Head::of_new_log(origin);
        for number in 0..segments {
            let first = KeyChange {
                verifier_key: key.clone(),
                previous: None,
            };
            let change = (number == 0).then_some(first);
            let mut builder = SegmentBuilder::open(head, now(), change).expect("a segment");
            for event in [r#"{"user":"ada"}"#, "[1]"].iter().take(2 * number.min(1)) {
                let payload = StoredPayload::event(event.as_bytes()).expect("an event");
                builder.append(None, &payload, now()).expect("room");
            }
            let closed = builder.close(now()).expect("a close line");
            let message = key.message(&closed.checkpoint(), closed.sealed());
            let signature = key.note_signature(pair.sign(&message).as_ref(), closed.sealed());
            head = closed.head().clone();
            let name = format!("logs/payments/{number:012}.jsonl.zst");
            let object = closed.finish(vec![signature]).expect("an object");
            log.segments.push((name, object));
        }
        log
    }

    /// Writes the log as a folder that stands for the bucket's root.
    pub(crate) fn write(&self, root: &Path) {
        for (key, bytes) in &self.segments {
            let path = root.join(key);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
    }

    /// Writes the policy.
    pub(crate) fn write_policy(&self, path: &Path) {
        let policy = TrustPolicy::check(self.policy.clone()).expect("a policy");
        fs::write(path, policy.format()).expect("a file");
    }
}

fn policy(key: &VerifierKey, began: Timestamp) -> PolicyDocument {
    PolicyDocument {
        trust_policy: 1,
        bucket: Some(BucketPolicy {
            name: BUCKET.to_owned(),
            region: REGION.to_owned(),
            account: "000000000000".to_owned(),
        }),
        lock: vec![LockSpan {
            from: began,
            mode: LockMode::Governance,
            retention_days: RETENTION_DAYS,
            max_silence_seconds: 86_400,
        }],
        logs: vec![LogPolicy {
            origin: key.origin().clone(),
            prefix: "logs/payments".to_owned(),
            format: 1,
            began,
            verifier_keys: vec![key.clone()],
            ended: None,
        }],
        keys: vec![KeyPolicy {
            spec: key.public_key().spec(),
            spki: key.public_key().clone(),
            arn: None,
            valid_from: began,
            retired_at: None,
            lost_at: None,
            compromised: None,
        }],
        declared_prefixes: vec!["archive/".to_owned()],
    }
}
