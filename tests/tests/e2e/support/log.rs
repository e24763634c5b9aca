//! A log for the tests of `auditlog-verify`: made here and now, so that no sealer has a part in it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use auditlog_chain::builder::StoredPayload;
use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, S3Store, SilenceSpan, Store,
    TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_tests::REGION;

use super::signed::SignedLog;

pub(crate) const ORIGIN: &str = "acme.example/audit/payments";
pub(crate) const BUCKET: &str = "acme-audit";
pub(crate) const RETENTION_DAYS: u32 = 2;

/// The objects of a log, and the policy for them.
pub(crate) struct Log {
    /// Key and bytes of each segment.
    pub(crate) segments: Vec<(String, Vec<u8>)>,
    pub(crate) policy: PolicyDocument,
    signed: SignedLog,
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now())
        .expect("a clock within the years that can be written")
}

impl Log {
    /// A log of this many segments, each sealed now.
    pub(crate) fn new(segments: usize) -> Self {
        Self::sealed_at(&vec![now(); segments])
    }

    /// A log whose segments were sealed at these times.
    pub(crate) fn sealed_at(times: &[Timestamp]) -> Self {
        let began = times.first().copied().unwrap_or_else(now);
        let signed = SignedLog::new(ORIGIN);
        let mut log = Self {
            segments: Vec::new(),
            policy: policy(signed.key(), began.saturating_add_seconds(-60)),
            signed,
        };
        for time in times {
            log.seal(*time);
        }
        log
    }

    /// Adds a segment of two entries, in segment 0 of none.
    pub(crate) fn seal(&mut self, time: Timestamp) {
        let events = [r#"{"user":"ada"}"#, "[1]"];
        let events = events.map(|event| StoredPayload::event(event.as_bytes()).expect("an event"));
        let is_first = self.segments.is_empty();
        self.seal_events(if is_first { &[] } else { &events }, time);
    }

    /// Adds a segment of these entries.
    pub(crate) fn seal_events(&mut self, events: &[StoredPayload], time: Timestamp) {
        let object = self.signed.segment(None, events, time);
        self.segments
            .push((segment_key(self.segments.len()), object));
    }

    /// The key that signs.
    pub(crate) fn key(&self) -> &VerifierKey {
        self.signed.key()
    }

    /// Makes another key sign from the next segment on, and authorises it.
    pub(crate) fn rotate(&mut self) {
        self.signed.rotate();
        let key = self.signed.key();
        self.policy.logs[0].verifier_keys.push(key.clone());
        let valid_from = self.policy.keys[0].valid_from;
        self.policy.keys.push(key_policy(key, valid_from));
    }

    /// Forges the next segment after a past of `size` lines of which the last was sealed at `sealed_before`.
    pub(crate) fn forge(&mut self, size: u64, sealed_before: Timestamp, time: Timestamp) {
        let number = self.segments.len();
        self.signed.claim(number as u64, size, sealed_before);
        self.seal(time);
    }

    /// Writes the log as a folder in place of the bucket's root.
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
        store: Some(Store::S3(S3Store {
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            account: "000000000000".to_owned(),
        })),
        lock: vec![LockSpan {
            from: began,
            mode: LockMode::Governance,
            retention_days: RETENTION_DAYS,
        }],
        logs: vec![LogPolicy {
            origin: key.origin().clone(),
            prefix: "logs/payments".to_owned(),
            format: 1,
            began,
            max_silence: vec![SilenceSpan {
                from: began,
                seconds: 86_400,
            }],
            lock: None,
            verifier_keys: vec![key.clone()],
            ended: None,
        }],
        keys: vec![key_policy(key, began)],
        acknowledged: Vec::new(),
        declared_prefixes: vec!["archive/".to_owned()],
    }
}

fn segment_key(number: usize) -> String {
    format!("logs/payments/{number:012}.jsonl.zst")
}

fn key_policy(key: &VerifierKey, valid_from: Timestamp) -> KeyPolicy {
    KeyPolicy {
        spec: key.public_key().spec(),
        spki: key.public_key().clone(),
        arn: None,
        valid_from,
        retired_at: None,
        lost_at: None,
        compromised: None,
    }
}
