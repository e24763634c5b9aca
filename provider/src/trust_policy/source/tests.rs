//! What a configuration declares, and where it is wrong.

use std::fs;
use std::path::Path;

use auditlog_chain::policy::{KeyPolicy, LogPolicy, PolicyDocument, Store, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, FromValue as _, Object, ToValue as _, Value};

use super::declared::declared;
use super::model::{KeyModel, LogModel, TrustPolicyModel};
use super::{TrustPolicySource, check_spans_at, trust_policy};
use crate::trust::document::Rendered;
use crate::trust::keys::{CompromisedModel, TrustModel};
use crate::trust::model::{EndedModel, LockSpanModel, SilenceSpanModel};
use tf_provider::DataSource as _;

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
const BEGAN: &str = "2026-01-02T03:04:05Z";

fn span(from: &str, days: u32) -> LockSpanModel {
    LockSpanModel {
        from: from.to_owned(),
        mode: "COMPLIANCE".to_owned(),
        days,
    }
}

fn config() -> TrustPolicyModel {
    TrustPolicyModel {
        bucket: Some("trail".to_owned()),
        region: Some("eu-central-1".to_owned()),
        account_id: Some("123456789012".to_owned()),
        lock_spans: vec![span(BEGAN, 2_192)],
        max_silence: Some("1h".to_owned()),
        logs: vec![LogModel {
            origin: "acme.example/audit/payments".to_owned(),
            ..LogModel::default()
        }],
        keys: Some(vec![KeyModel {
            public_key: PEM.to_owned(),
            arn: None,
            valid_from: BEGAN.to_owned(),
            retired_at: None,
            lost_at: None,
            compromised: None,
        }]),
        ..TrustPolicyModel::default()
    }
}

fn rendered(config: &TrustPolicyModel) -> Result<Rendered, Diagnostic> {
    Ok(trust_policy(&declared(config)?)?)
}

/// Path and text of what is wrong.
fn refused(config: &TrustPolicyModel) -> String {
    let shown = rendered(config).unwrap_err();
    format!("{} | {}", shown.path, shown.detail)
}

#[test]
fn rendered_policy_reads_back_with_what_was_declared() {
    let Rendered { json, sha256, .. } = rendered(&config()).unwrap();
    let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
    assert_eq!(sha256, TrustPolicy::digest(json.as_bytes()).to_hex());
    let document = policy.document();
    assert_eq!(document.lock[0].retention_days, 2_192);
    assert_eq!(document.logs[0].prefix, "payments");
    assert_eq!(document.logs[0].began, document.lock[0].from);
    assert_eq!(document.logs[0].verifier_keys.len(), 1);
    assert_eq!(document.logs[0].max_silence[0].seconds, 3_600);
    assert_eq!(json, rendered(&config()).unwrap().json);
}

#[test]
fn log_without_a_silence_may_be_silent_for_25_hours() {
    let silent = TrustPolicyModel {
        max_silence: None,
        ..config()
    };
    let policy = rendered(&silent).unwrap().policy;
    assert_eq!(policy.document().logs[0].max_silence[0].seconds, 90_000);
}

#[test]
fn log_with_keys_of_its_own_is_not_signed_by_the_others() {
    let document = rendered(&config()).unwrap().policy;
    let first = &document.document().keys[0];
    let mut two = config();
    two.logs.push(LogModel {
        origin: "acme.example/audit/logins".to_owned(),
        signing_key: Some(TrustModel::new("alias/logins", [(1, &other_key())])),
        ..LogModel::default()
    });
    let policy = rendered(&two).unwrap().policy;
    let document = policy.document();
    assert_eq!(document.keys, [first.clone(), other_key()]);
    let signs = |log: usize| document.logs[log].verifier_keys[0].public_key();
    assert_eq!((signs(0), signs(1)), (&first.spki, &other_key().spki));
}

fn other_key() -> KeyPolicy {
    let key = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let spki: auditlog_chain::keys::PublicKey = serde_json::from_value(key.into()).unwrap();
    KeyPolicy {
        spec: spki.spec(),
        spki,
        arn: None,
        valid_from: Timestamp::EPOCH,
        retired_at: None,
        lost_at: None,
        compromised: None,
    }
}

#[test]
fn acknowledged_findings_are_taken_as_the_verifier_prints_them() {
    let mut config = config();
    let entry = r#"{"code":"silence-exceeded","log":"acme.example/audit/payments","reason":"outage","date":"2026-01-03T00:00:00Z",
        "silence":{"from":"2026-01-02T04:00:00Z","until":"2026-01-02T09:00:00Z"}}"#;
    config.acknowledged = Some(vec![entry.to_owned()]);
    let policy = rendered(&config).unwrap().policy;
    assert_eq!(policy.document().acknowledged.len(), 1);
    config.acknowledged = Some(vec![entry.replace("silence-exceeded", "key-unknown")]);
    let shown = refused(&config);
    let expected = "acknowledged | At acknowledged[0]: `key-unknown` is not the code";
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn inconsistency_is_shown_at_the_argument() {
    type Change = fn(&mut TrustPolicyModel);
    let cases: [(Change, &str); 13] = [
        (
            |config| config.region = Some("eu central".to_owned()),
            "region | At region: must be 1 to 64",
        ),
        (
            |config| config.bucket = Some("x".to_owned()),
            "bucket | At bucket: must be 3 to 255",
        ),
        (
            |config| config.account_id = Some("1".to_owned()),
            "account_id | At account_id: must be twelve digits",
        ),
        (
            |config| {
                config.keys.as_mut().unwrap()[0].retired_at =
                    Some("2025-01-01T00:00:00Z".to_owned());
            },
            "keys | At keys[0].retired_at: is before valid_from",
        ),
        (
            |config| {
                let mut other = config.keys.as_ref().unwrap()[0].clone();
                other.valid_from = "2026-02-02T00:00:00Z".to_owned();
                config.logs[0].keys = Some(vec![other]);
            },
            "logs | At logs[0].keys[0]: The key at keys[0] is the same one, but something else is declared of it there.",
        ),
        (
            |config| config.keys.as_mut().unwrap()[0].public_key = "ssh-ed25519 AAAA".to_owned(),
            "keys | At keys[0].public_key: It is ",
        ),
        (
            |config| config.keys = None,
            "logs | At logs[0]: a log without a key can never be verified",
        ),
        (
            |config| config.lock_spans.push(span(BEGAN, 3_000)),
            "lock_spans | At lock_spans: the spans must be ordered by `from`",
        ),
        (
            |config| config.lock_spans[0].days = 36_501,
            "lock_spans | At lock_spans[0].days: must be from 1 to 36500",
        ),
        (
            |config| config.logs[0].prefix = Some("a//b".to_owned()),
            "logs | At logs[0].prefix: must be parts",
        ),
        (
            |config| config.declared_prefixes = Some(vec!["payments/x/".to_owned()]),
            "declared_prefixes | At declared_prefixes[0]: is inside of a log",
        ),
        (
            |config| {
                config.logs[0].ended = Some(EndedModel {
                    segment: 1,
                    size: 4,
                    root: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
                    sealed: BEGAN.to_owned(),
                    stored: None,
                    successor: None,
                });
            },
            "logs | At logs[0].ended.stored: is needed where the policy has a store",
        ),
        (
            |config| {
                config.logs[0].ended = Some(EndedModel {
                    segment: 1,
                    size: 4,
                    root: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
                    sealed: BEGAN.to_owned(),
                    stored: Some(BEGAN.to_owned()),
                    successor: Some(config.logs[0].origin.clone()),
                });
            },
            "logs | At logs[0].ended.successor: A log that has ended cannot be its own successor",
        ),
    ];
    for (change, expected) in cases {
        let mut wrong = config();
        change(&mut wrong);
        let shown = refused(&wrong);
        assert!(shown.starts_with(expected), "{shown}\n{expected}");
    }
}

#[test]
fn silence_of_more_than_half_the_retention_is_shown_at_its_argument() {
    let short = |silence: &str| TrustPolicyModel {
        lock_spans: vec![span(BEGAN, 2)],
        max_silence: Some(silence.to_owned()),
        ..config()
    };
    assert!(rendered(&short("1d")).is_ok());
    let shown = refused(&short("25h"));
    let expected = "max_silence | At max_silence: 25h of silence need a retention of at least 50h";
    assert!(shown.starts_with(expected), "{shown}");
    let mut own = short("1h");
    own.logs[0].max_silence = Some("86401s".to_owned());
    let shown = refused(&own);
    let expected = "logs | At logs[0].max_silence: 86401s of silence";
    assert!(shown.starts_with(expected), "{shown}");
    own.logs[0].max_silence_spans = Some(vec![
        SilenceSpanModel {
            from: BEGAN.to_owned(),
            max_silence: "10d".to_owned(),
        },
        SilenceSpanModel {
            from: "2026-02-01T00:00:00Z".to_owned(),
            max_silence: "1h".to_owned(),
        },
    ]);
    // The first span has an end; whether it is still in force, only a clock says.
    let declared = declared(&own).unwrap();
    let policy = trust_policy(&declared).unwrap().policy;
    let at =
        |text: &str| check_spans_at(&declared, &policy, Timestamp::parse_rfc3339(text).unwrap());
    let misfit = at("2026-02-03T00:00:00Z").unwrap_err();
    assert_eq!(misfit.path.to_string(), "logs[0].max_silence_spans");
    let times = format!(
        "The lock of {BEGAN} and the silence of {BEGAN} both hold until 2026-02-01T00:00:00Z, and what was stored by then counts until \
         2026-02-03T00:00:00Z. In `max_silence_spans`, give at most 1d until the first of these times."
    );
    let why = "10d of silence need a retention of at least 20d";
    assert!(
        misfit.detail.starts_with(why) && misfit.detail.ends_with(&times),
        "{}",
        misfit.detail
    );
    assert_eq!(at("2026-02-03T00:00:01Z"), Ok(()));
}

/// What is known when a configuration is validated.
fn validated(change: impl FnOnce(&mut Object)) -> String {
    let Value::Object(mut object) = config().to_value() else {
        unreachable!()
    };
    object.set("lock_spans", vec![span(BEGAN, 2)]);
    change(&mut object);
    match TrustPolicySource.validate(&object) {
        Ok(()) => "fine".to_owned(),
        Err(errors) => errors.iter().next().unwrap().detail.clone(),
    }
}

#[test]
fn what_is_known_is_checked_before_the_rest_is() {
    assert_eq!(validated(|_| {}), "fine");
    let too_long = validated(|config| config.set("max_silence", "25h"));
    assert!(
        too_long.starts_with("At max_silence: 25h of silence"),
        "{too_long}"
    );
    let default = validated(|config| config.set("max_silence", Value::Null));
    assert!(
        default.starts_with("At max_silence: 25h of silence"),
        "{default}"
    );
    assert_eq!(
        validated(|config| config.set("max_silence", Value::Unknown)),
        "fine"
    );
    assert_eq!(
        validated(|config| {
            config.set("max_silence", "25h");
            config.set("lock_spans", Value::Unknown);
        }),
        "fine"
    );
}

/// The configuration that declares a policy.
fn configuration(document: &PolicyDocument) -> TrustPolicyModel {
    let store = document.store.as_ref().map(Store::s3);
    TrustPolicyModel {
        bucket: store.map(|store| store.bucket.clone()),
        region: store.map(|store| store.region.clone()),
        account_id: store.map(|store| store.account.clone()),
        lock_spans: document.lock.iter().map(LockSpanModel::from).collect(),
        keys: Some(document.keys.iter().map(key_model).collect()),
        logs: document
            .logs
            .iter()
            .map(|log| log_model(log, &document.keys))
            .collect(),
        declared_prefixes: Some(document.declared_prefixes.clone()),
        acknowledged: Some(
            document
                .acknowledged
                .iter()
                .map(|entry| serde_json::to_string(entry).unwrap())
                .collect(),
        ),
        ..TrustPolicyModel::default()
    }
}

fn log_model(log: &LogPolicy, keys: &[KeyPolicy]) -> LogModel {
    let of_log = log.verifier_keys.iter().filter_map(|verifier_key| {
        let same = |key: &&KeyPolicy| key.spki == *verifier_key.public_key();
        keys.iter().find(same).map(key_model)
    });
    LogModel {
        origin: log.origin.to_string(),
        prefix: Some(log.prefix.clone()),
        format: Some(log.format),
        began: Some(log.began.to_rfc3339()),
        max_silence: None,
        max_silence_spans: Some(log.max_silence.iter().map(SilenceSpanModel::from).collect()),
        lock_spans: log
            .lock
            .as_ref()
            .map(|spans| spans.iter().map(LockSpanModel::from).collect()),
        signing_key: None,
        keys: Some(of_log.collect()),
        ended: log.ended.as_ref().map(EndedModel::from),
    }
}

fn key_model(key: &KeyPolicy) -> KeyModel {
    KeyModel {
        public_key: key.spki.to_pem(),
        arn: key.arn.clone(),
        valid_from: key.valid_from.to_rfc3339(),
        retired_at: key.retired_at.map(Timestamp::to_rfc3339),
        lost_at: key.lost_at.map(Timestamp::to_rfc3339),
        compromised: key.compromised.as_ref().map(CompromisedModel::from),
    }
}

#[test]
fn everything_that_a_policy_of_the_vectors_says_can_be_declared() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let mut declared_policies = 0;
    for vector in fs::read_dir(vectors).unwrap() {
        let file = vector.unwrap().path().join("policy.json");
        let Ok(json) = fs::read(&file) else { continue };
        // Some vectors are about policies that are wrong.
        let Ok(policy) = TrustPolicy::parse(&json) else {
            continue;
        };
        let config = configuration(policy.document()).to_value();
        let config = TrustPolicyModel::from_value(config, &AttributePath::root()).unwrap();
        let rendered =
            rendered(&config).unwrap_or_else(|shown| panic!("{}: {shown:?}", file.display()));
        assert_eq!(
            rendered.policy.document(),
            policy.document(),
            "{}",
            file.display()
        );
        declared_policies += 1;
    }
    assert!(declared_policies > 100, "{declared_policies} policies");
}
