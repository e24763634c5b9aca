//! A trust policy, good and with one inconsistency at a time.

use super::{TestKey, at, origin};
use crate::hash::Hash;
use crate::keys::KeySpec;
use crate::origin::Origin;
use crate::policy::{
    Compromised, Ended, KeyPolicy, LastGood, LockMode, LockSpan, LogPolicy, PolicyDocument,
    PolicyError, Position, S3Store, SilenceSpan, Store, TrustPolicy, Trusted, span_at,
};
use crate::verifier_key::VerifierKey;

/// A verifier key of the log that the policy does not name.
pub(crate) fn second_key() -> VerifierKey {
    TestKey::generate(KeySpec::EccNistP256).verifier_key(&origin())
}

pub(crate) fn document() -> PolicyDocument {
    let key = TestKey::generate(KeySpec::EccNistP256);
    let span = LockSpan {
        from: at(0),
        mode: LockMode::Compliance,
        retention_days: 365,
    };
    PolicyDocument {
        trust_policy: 1,
        store: Some(Store::S3(S3Store {
            bucket: "acme-audit".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        })),
        lock: vec![
            span,
            LockSpan {
                from: at(100),
                retention_days: 730,
                ..span
            },
        ],
        logs: vec![LogPolicy {
            origin: origin(),
            prefix: "logs/payments".to_owned(),
            format: 1,
            began: at(0),
            max_silence: vec![SilenceSpan {
                from: at(0),
                seconds: 3600,
            }],
            lock: None,
            verifier_keys: vec![key.verifier_key(&origin())],
            ended: None,
        }],
        keys: vec![KeyPolicy {
            spec: KeySpec::EccNistP256,
            spki: key.public,
            arn: Some("arn:aws:kms:eu-central-1:123456789012:key/1".to_owned()),
            valid_from: at(0),
            retired_at: None,
            lost_at: None,
            compromised: None,
        }],
        acknowledged: Vec::new(),
        declared_prefixes: vec!["archive/".to_owned()],
    }
}

#[test]
fn a_policy_reads_back_and_answers() {
    let mut document = document();
    let root = Hash::from_bytes([1; 32]);
    document.logs[0].ended = Some(Ended {
        segment: 9,
        size: 50,
        root,
        sealed: at(7),
        stored: Some(at(8)),
        successor: None,
    });
    document.keys[0].compromised = Some(Compromised {
        at: at(5),
        last_good: vec![LastGood {
            origin: origin(),
            segment: 3,
            size: 20,
            root,
        }],
    });
    let policy = TrustPolicy::check(document).unwrap();
    let text = policy.format();
    assert_eq!(TrustPolicy::parse(text.as_bytes()).unwrap(), policy);

    let log = policy.log(&origin()).unwrap();
    assert_eq!(log.segment_key(42), "logs/payments/000000000042.jsonl.zst");
    assert_eq!(
        log.segment_of_key("logs/payments/000000000042.jsonl.zst"),
        Some(42)
    );
    for other in [
        "42.jsonl.zst",
        "+00000000042.jsonl.zst",
        "000000000042.jsonl",
        "x/000000000042.jsonl.zst",
    ] {
        assert_eq!(
            log.segment_of_key(&format!("logs/payments/{other}")),
            None,
            "{other}"
        );
    }
    assert!(log.contains_key("logs/payments/x") && !log.contains_key("logs/payments2/x"));
    let days = |time| span_at(policy.lock_of(log), time).unwrap().retention_days;
    assert_eq!((days(at(-1)), days(at(99)), days(at(100))), (365, 365, 730));
    assert_eq!(policy.log_at("logs/payments"), Some(log));
    assert_eq!(policy.log_above("logs/payments/x/y"), Some(log));
    assert_eq!(policy.log_above("logs/payments2"), None);
    assert!(policy.declares("archive/") && policy.declares("archive/x"));
    assert!(!policy.declares("archive") && !policy.declares("archives/x"));
    let key = policy.key(&log.verifier_keys[0]).unwrap();
    assert_eq!(key.valid_from, at(0));
    let last = Position {
        segment: 3,
        size: 20,
        root,
    };
    let trusted = policy.trusted(&log.verifier_keys[0]);
    assert_eq!(trusted, Trusted::UpTo(last));
}

/// One inconsistency: what it is called, and how to bring it about.
type Spoil = (&'static str, fn(&mut PolicyDocument));

fn bucket(document: &mut PolicyDocument) -> &mut S3Store {
    let Some(Store::S3(store)) = &mut document.store else {
        unreachable!("the policy names a bucket")
    };
    store
}

#[test]
fn every_inconsistency_is_named_by_its_place() {
    let spoilt: [Spoil; 28] = [
        ("store.s3.bucket", |d| bucket(d).bucket.clear()),
        ("store.s3.bucket", |d| bucket(d).bucket.push('/')),
        ("store.s3.region", |d| bucket(d).region.clear()),
        ("store.s3.region", |d| bucket(d).region.push('\n')),
        // Without an owner, a request goes to whoever has a bucket of that name.
        ("store.s3.account", |d| bucket(d).account.clear()),
        ("store.s3.account", |d| bucket(d).account.push('0')),
        ("lock", |d| d.lock.clear()),
        ("lock", |d| d.lock.reverse()),
        ("lock[1].retention_days", |d| {
            d.lock[1].retention_days = 36_501;
        }),
        ("logs[0].max_silence[0].seconds", |d| {
            d.logs[0].max_silence[0].seconds = 0;
        }),
        ("logs[0].max_silence[0].seconds", |d| {
            d.logs[0].max_silence[0].seconds = 1 << 63;
        }),
        ("logs[0].max_silence", |d| d.logs[0].max_silence.clear()),
        // Just above half of the retention.
        ("logs[0].max_silence", |d| {
            d.logs[0].max_silence[0].seconds = 365 * 86_400 + 1;
        }),
        ("logs[0].lock", |d| d.logs[0].lock = Some(Vec::new())),
        ("logs[0].max_silence", |d| {
            let mut own = d.lock[0];
            own.retention_days = 1;
            d.logs[0].max_silence[0].seconds = 43_201;
            d.logs[0].lock = Some(vec![own]);
        }),
        // In a bucket, the end of a log is known by the bucket's clock.
        ("logs[0].ended.stored", |d| {
            d.logs[0].ended = Some(Ended {
                segment: 1,
                size: 5,
                root: Hash::from_bytes([1; 32]),
                sealed: at(5),
                stored: None,
                successor: None,
            });
        }),
        ("logs", |d| d.logs.clear()),
        ("logs[1].origin", |d| d.logs.push(d.logs[0].clone())),
        ("logs[0].verifier_keys", |d| d.logs[0].verifier_keys.clear()),
        ("logs[0].verifier_keys[0]", |d| d.keys.clear()),
        ("logs[0].verifier_keys[0]", |d| {
            d.logs[0].origin = Origin::parse("other").unwrap();
        }),
        ("logs[0].prefix", |d| d.logs[0].prefix = "/logs".to_owned()),
        ("logs[0].prefix", |d| {
            d.logs[0].prefix = "logs/../other".to_owned();
        }),
        ("keys[0].spec", |d| d.keys[0].spec = KeySpec::EccNistP384),
        ("keys[1].spki", |d| d.keys.push(d.keys[0].clone())),
        ("keys[0].retired_at", |d| {
            d.keys[0].retired_at = Some(at(-1));
        }),
        ("declared_prefixes[0]", |d| {
            d.declared_prefixes[0] = "archive".to_owned();
        }),
        ("logs[0].prefix", |d| {
            d.declared_prefixes[0] = "logs/".to_owned();
        }),
    ];
    for (expected, spoil) in spoilt {
        let mut document = document();
        spoil(&mut document);
        match TrustPolicy::check(document) {
            Err(PolicyError::Inconsistent { place, .. }) => assert_eq!(place, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn logs_whose_prefixes_overlap_are_refused() {
    let mut document = document();
    let other = Origin::parse("acme.example/other").unwrap();
    let mut log = document.logs[0].clone();
    let key = crate::verifier_key::VerifierKey::new(other.clone(), document.keys[0].spki.clone());
    (log.origin, log.prefix, log.verifier_keys) = (other, "logs".to_owned(), vec![key]);
    document.logs.push(log);
    assert!(matches!(
        TrustPolicy::check(document),
        Err(PolicyError::Inconsistent { .. })
    ));
}

#[test]
fn another_version_is_unsupported_and_not_wrong() {
    let text = TrustPolicy::check(document()).unwrap().format();
    let newer = text.replacen(
        "\"trust_policy\": 1",
        "\"trust_policy\": 2, \"new\": true",
        1,
    );
    assert_eq!(
        TrustPolicy::parse(newer.as_bytes()),
        Err(PolicyError::Unsupported { found: 2 })
    );
    let unknown = text.replacen(
        "\"trust_policy\": 1",
        "\"trust_policy\": 1, \"new\": true",
        1,
    );
    assert!(matches!(
        TrustPolicy::parse(unknown.as_bytes()),
        Err(PolicyError::Malformed { .. })
    ));
    assert!(matches!(
        TrustPolicy::parse(b"{"),
        Err(PolicyError::Malformed { .. })
    ));
}
