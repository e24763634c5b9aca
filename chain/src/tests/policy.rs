//! A trust policy, good and with one inconsistency at a time.

use super::{TestKey, at, origin};
use crate::hash::Hash;
use crate::keys::KeySpec;
use crate::limits::MAX_POLICY_BYTES;
use crate::origin::Origin;
use crate::policy::{
    Acknowledged, AcknowledgedCode, Compromised, Ended, Found, FoundSilence, KeyPolicy, LastGood,
    LockMode, LockSpan, LogPolicy, PolicyDocument, PolicyError, Position, S3Store, SilenceSpan,
    Store, TrustPolicy, Trusted, span_at,
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

/// Of thousands of logs, keys, findings and prefixes: lookups that went along a list took minutes.
#[test]
fn a_policy_of_the_largest_size_is_read_in_seconds() {
    let origin = |n: usize| Origin::parse(&format!("acme.example/{n}")).unwrap();
    let mut document = document();
    let log = document.logs[0].clone();
    let first = document.keys[0].clone();
    let key = |_| KeyPolicy {
        spec: KeySpec::EccNistEdwards25519,
        spki: TestKey::generate(KeySpec::EccNistEdwards25519).public,
        ..first.clone()
    };
    document.keys.extend((0..4_000).map(key));
    let keys: Vec<_> = document.keys.iter().map(|key| key.spki.clone()).collect();
    let log = |n: usize| LogPolicy {
        origin: origin(n),
        prefix: format!("l/{n}"),
        verifier_keys: vec![VerifierKey::new(origin(n), keys[n % keys.len()].clone())],
        ..log.clone()
    };
    document.logs = (0..43_500).map(log).collect();
    let silence = |n: usize| Acknowledged {
        code: AcknowledgedCode::SilenceExceeded,
        log: Some(origin(n)),
        reason: "an outage".to_owned(),
        date: at(9),
        found: Found::Silence(FoundSilence {
            from: at(1),
            until: at(8),
        }),
    };
    document.acknowledged = (0..5_000).map(silence).collect();
    let good = |n: usize| LastGood {
        origin: origin(n),
        segment: 0,
        size: 3,
        root: Hash::from_bytes([0; 32]),
    };
    document.keys[0].compromised = Some(Compromised {
        at: at(5),
        last_good: (0..20_000).map(good).collect(),
    });
    document.declared_prefixes = (0..20_000).map(|n| format!("d/{n}/")).collect();
    let json = serde_json::to_vec(&document).unwrap();
    assert!(
        (14 << 20..MAX_POLICY_BYTES).contains(&json.len()),
        "{}",
        json.len()
    );
    let begun = std::time::Instant::now();
    let policy = TrustPolicy::parse(&json).unwrap();
    for (n, log) in policy.document().logs.iter().enumerate() {
        let key = &log.verifier_keys[0];
        assert!(policy.log(&log.origin).is_some() && policy.key(key).is_some());
        assert!(policy.log_above(&log.segment_key(7)).is_some() && !policy.declares(&log.prefix));
        let throughout = policy.trusted(key) == Trusted::Throughout;
        assert_eq!(
            throughout,
            n % keys.len() != 0,
            "the first key is compromised"
        );
    }
    assert_eq!(policy.check_spans_at(at(0)), Ok(Vec::new()));
    // A second where it is quiet. What is quadratic takes minutes here.
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn objects_are_read_from_objects_and_null_from_nothing() {
    let good = serde_json::to_value(document()).unwrap();
    let key = &good["keys"][0];
    let span = ["from", "mode", "retention_days"].map(|name| good["lock"][0][name].clone());
    let refused = |pointer: &str, value: serde_json::Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        let text = serde_json::to_vec(&document).unwrap();
        let read = TrustPolicy::parse(&text);
        assert!(
            matches!(read, Err(PolicyError::Malformed { .. })),
            "{pointer}: {read:?}"
        );
    };
    refused(
        "",
        serde_json::json!([1, good["lock"], good["logs"], good["keys"]]),
    );
    refused("/lock/0", serde_json::json!(span));
    refused("/lock/0/mode", serde_json::json!({ "COMPLIANCE": null }));
    refused("/logs/0/max_silence/0", serde_json::json!([span[0], 3600]));
    refused(
        "/keys/0",
        serde_json::json!([key["spec"], key["spki"], key["valid_from"]]),
    );
    refused("/keys/0/spec", serde_json::json!({ "ECC_NIST_P256": null }));
    refused(
        "/store",
        serde_json::json!([["acme-audit", "eu-central-1", "123456789012"]]),
    );
    refused(
        "/store/s3",
        serde_json::json!(["acme-audit", "eu-central-1", "123456789012"]),
    );
    for optional in ["/store", "/keys/0/arn", "/declared_prefixes"] {
        refused(optional, serde_json::Value::Null);
    }
    for absent in [
        "acknowledged",
        "ended",
        "lock",
        "retired_at",
        "lost_at",
        "compromised",
    ] {
        let mut document = good.clone();
        let part = match absent {
            "acknowledged" => &mut document,
            "ended" | "lock" => &mut document["logs"][0],
            _ => &mut document["keys"][0],
        };
        part[absent] = serde_json::Value::Null;
        let read = TrustPolicy::parse(&serde_json::to_vec(&document).unwrap());
        assert!(
            matches!(read, Err(PolicyError::Malformed { .. })),
            "{absent}: {read:?}"
        );
    }
}

#[test]
fn a_retention_that_was_too_short_is_refused_until_all_of_it_has_expired() {
    let mut document = document();
    // 365 days until second 100; then 730. Silence for half a year and a second until second 50.
    let short = SilenceSpan {
        from: at(0),
        seconds: 183 * 86_400,
    };
    document.logs[0].max_silence.insert(0, short);
    document.logs[0].max_silence[1].from = at(50);
    let policy = TrustPolicy::check(document).unwrap();
    let expired = 50 + 365 * 86_400;
    let refused = policy.check_spans_at(at(expired)).unwrap_err();
    assert!(
        matches!(refused, PolicyError::Inconsistent { place, .. } if place == "logs[0].max_silence")
    );
    let past = policy.check_spans_at(at(expired + 1)).unwrap();
    assert_eq!(
        (past.len(), past[0].until, past[0].retention_days),
        (1, at(50), 365)
    );
}

fn acknowledged(entry: &serde_json::Value) -> Result<TrustPolicy, PolicyError> {
    let mut document = serde_json::to_value(document()).unwrap();
    document["acknowledged"] = serde_json::json!([entry]);
    TrustPolicy::parse(&serde_json::to_vec(&document).unwrap())
}

#[test]
fn an_acknowledged_finding_says_what_was_found_by_its_code() {
    let time = "2027-01-15T08:00:00Z";
    let root = Hash::from_bytes([1; 32]).to_base64();
    let entry = |code: &str, field: &str, found: serde_json::Value| {
        let mut entry =
            serde_json::json!({ "code": code, "log": origin(), "reason": "outage", "date": time });
        entry[field] = found;
        entry
    };
    let silence = serde_json::json!({ "from": time, "until": "2027-01-16T08:00:00Z" });
    let before = serde_json::json!({ "size": 40, "root": root, "stored": time });
    let missing = serde_json::json!({
        "first": 3, "last": 5, "before": before, "after": { "size": 61, "root": root },
        "pin": { "segment": 4, "size": 50, "root": root },
    });
    let version = serde_json::json!({ "object": "x", "version_id": "1", "retain_until": time });
    let segment = serde_json::json!({ "number": 7, "sealed": time, "stored": time });
    for code in crate::policy::AcknowledgedCode::ALL {
        let shapes = [
            ("silence", &silence),
            ("missing", &missing),
            ("version", &version),
            ("segment", &segment),
        ];
        let accepted = shapes.map(|(field, found)| {
            let policy = acknowledged(&entry(code.as_str(), field, found.clone()));
            if let Ok(policy) = &policy {
                let text = policy.format();
                assert_eq!(TrustPolicy::parse(text.as_bytes()).as_ref(), Ok(policy));
            }
            policy.is_ok()
        });
        let expected = match code.as_str() {
            "silence-exceeded" => [true, false, false, false],
            "segment-missing" => [false, true, false, false],
            "sealed-after-stored" | "stored-order" | "key-outside-span" => {
                [false, false, false, true]
            }
            _ => [false, false, true, false],
        };
        assert_eq!(accepted, expected, "{code}");
    }
    for code in [
        "prev-mismatch",
        "key-unknown",
        "head-forked",
        "end-mismatch",
        "log-empty",
        "bucket-lock",
    ] {
        let refused = acknowledged(&entry(code, "version", version.clone()));
        assert!(
            matches!(refused, Err(PolicyError::Malformed { .. })),
            "{code}"
        );
    }
    let mut nowhere = entry("lock-missing", "version", version.clone());
    nowhere.as_object_mut().unwrap().remove("log");
    assert!(acknowledged(&nowhere).is_err());
    nowhere["code"] = "object-unaccounted".into();
    assert!(acknowledged(&nowhere).is_ok());
    let mut both = entry("silence-exceeded", "silence", silence.clone());
    both["version"] = version;
    assert!(acknowledged(&both).is_err());
}

#[test]
fn an_acknowledged_finding_that_cannot_be_is_named_by_its_place() {
    let time = "2027-01-15T08:00:00Z";
    let root = Hash::from_bytes([1; 32]).to_base64();
    let before = serde_json::json!({ "size": 40, "root": root, "stored": time });
    let missing = |edit: fn(&mut serde_json::Value)| {
        let mut found = serde_json::json!({ "first": 3, "last": 5, "before": before });
        edit(&mut found);
        serde_json::json!({
            "code": "segment-missing", "log": origin(), "reason": "lost", "date": time, "missing": found,
        })
    };
    // As the report about a folder prints it.
    let not_stored = missing(|found| {
        found["before"].as_object_mut().unwrap().remove("stored");
    });
    assert!(acknowledged(&not_stored).is_ok());
    let silence = serde_json::json!({ "from": time, "until": time });
    let quiet = serde_json::json!({
        "code": "silence-exceeded", "log": origin(), "reason": "outage", "date": time, "silence": silence,
    });
    let mut elsewhere = quiet.clone();
    elsewhere["log"] = "acme.example/other".into();
    let mut silent = quiet.clone();
    silent["reason"] = " ".into();
    for (expected, entry) in [
        ("silence.until", quiet),
        ("log", elsewhere),
        ("reason", silent),
        ("missing.last", missing(|found| found["last"] = 2.into())),
        ("missing.before", missing(|found| found["first"] = 0.into())),
        (
            "missing.before",
            missing(|found| {
                found.as_object_mut().unwrap().remove("before");
            }),
        ),
        (
            "missing.pin.segment",
            missing(|found| {
                let (size, root) = (
                    found["before"]["size"].clone(),
                    found["before"]["root"].clone(),
                );
                found["pin"] = serde_json::json!({ "segment": 6, "size": size, "root": root });
            }),
        ),
    ] {
        match acknowledged(&entry) {
            Err(PolicyError::Inconsistent { place, .. }) => {
                assert_eq!(place, format!("acknowledged[0].{expected}"));
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}
