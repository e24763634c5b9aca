//! `auditlog_trust_policy`: what was declared, as the one document that a verifier needs.
//!
//! It calls nothing and uses only the times in its arguments: the same configuration gives the same bytes.

use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    Acknowledged, KeyPolicy, LockMode, LockSpan, LogPolicy, POLICY_VERSION, PolicyDocument,
    PolicyError, S3Store, SilenceSpan, Store, TrustPolicy, is_prefix,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use tf_provider::{
    Attribute, AttributePath, Context, DataSource, Diagnostic, Field, Fields, FromValue, Nested,
    Number, Object, Result, Schema, Type, Value, model,
};

use crate::account::{Account, check_account};
use crate::aws::Period;
use crate::retention::{check_one_period, period_attributes};

/// The data source.
#[derive(Debug, Clone, Copy)]
pub struct TrustPolicySource;

/// The format number of every log that this version can seal.
const FORMAT: u64 = 1;

model! {
    /// Arguments and result.
    #[derive(Debug, Clone)]
    pub struct TrustPolicyModel {
        bucket: Option<String>,
        region: Option<String>,
        account_id: Option<String>,
        object_lock: Span,
        max_silence_seconds: u64,
        logs: Vec<LogModel>,
        keys: Vec<KeyModel>,
        declared_prefixes: Option<Vec<String>>,
        acknowledged: Option<Vec<String>>,
        json: Field<String>,
        sha256: Field<String>,
    }

    /// What was declared about the lock, and since when.
    #[derive(Debug, Clone)]
    pub struct Span {
        mode: String,
        days: Option<u32>,
        years: Option<u32>,
        from: String,
    }

    /// One log.
    #[derive(Debug, Clone)]
    pub struct LogModel {
        origin: String,
        prefix: Option<String>,
        began: Option<String>,
        max_silence_seconds: Option<u64>,
    }

    /// One key.
    #[derive(Debug, Clone)]
    pub struct KeyModel {
        public_key: String,
        arn: Option<String>,
        valid_from: String,
        retired_at: Option<String>,
    }
}

impl DataSource for TrustPolicySource {
    const NAME: &'static str = "auditlog_trust_policy";
    type Data = Account;
    type Model = TrustPolicyModel;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("The trust policy: what was declared, as the one document that `auditlog-verify` needs.")
            .attribute("bucket", optional("Name of the bucket. Without it, the logs are in a folder."))
            .attribute("region", optional("Region of the bucket."))
            .attribute("account_id", optional("Account that owns the bucket, twelve digits.").validate(|account: String| check_account(&account)))
            .attribute(
                "object_lock",
                Attribute::required(Nested::single(span_fields())).description("Declared lock, with exactly one of `days` and `years`."),
            )
            .attribute(
                "max_silence_seconds",
                Attribute::required(Type::Number)
                    .description("Seconds that a log may go without a new segment before its silence is a finding. The retention must be at least twice as long.")
                    .validate(|seconds: Number| check_silence(&seconds)),
            )
            .attribute("logs", Attribute::required(Nested::list(log_fields())).description("Logs, at least one."))
            .attribute(
                "keys",
                Attribute::required(Nested::list(key_fields())).description("Keys that may sign the logs, at least one."),
            )
            .attribute(
                "declared_prefixes",
                Attribute::optional(Type::list(Type::String))
                    .description("Prefixes, each ending in `/`, under which the bucket may contain anything else."),
            )
            .attribute(
                "acknowledged",
                Attribute::optional(Type::list(Type::String))
                    .description("Findings that a person has explained, each as the JSON object that the verifier prints.")
            )
            .attribute("json", Attribute::computed(Type::String).description("Trust policy as JSON. Write it to a file unchanged."))
            .attribute("sha256", Attribute::computed(Type::String).description("SHA-256 of `json`, in hex."))
    }

    fn validate(&self, config: &Object) -> Result {
        check_one_period(config)?;
        let given = |name: &str| !config.value(name).is_null();
        for missing in ["region", "account_id"] {
            if given("bucket") && !given(missing) {
                let detail =
                    format!("A bucket also needs its region and its account: set {missing:?}.");
                return Err(Diagnostic::error("Incomplete bucket", detail)
                    .at(missing)
                    .into());
            }
            if given(missing) && !given("bucket") {
                let detail = format!("{missing:?} describes a bucket, but no bucket is set.");
                return Err(Diagnostic::error("Incomplete bucket", detail)
                    .at("bucket")
                    .into());
            }
        }
        check_silences(known_retention(config), &known_silences(config))
    }

    async fn read(
        &self,
        _: &Context<Account>,
        config: TrustPolicyModel,
    ) -> Result<TrustPolicyModel> {
        let document = document(&config)?;
        let retention = document.lock.first().map(|span| span.retention_days);
        check_silences(retention, &silences(&config))?;
        let policy = TrustPolicy::check(document).map_err(|error| inconsistent(&error))?;
        let json = policy.format();
        Ok(TrustPolicyModel {
            sha256: TrustPolicy::digest(json.as_bytes()).to_hex().into(),
            json: json.into(),
            ..config
        })
    }
}

/// A silence that a log may keep, in seconds, and the argument that it comes from.
type Silence = (u64, AttributePath);

fn silences(config: &TrustPolicyModel) -> Vec<Silence> {
    let logs = config.logs.iter().enumerate();
    logs.map(|(at, log)| match log.max_silence_seconds {
        Some(own) => (own, silence_of_log(at)),
        None => (config.max_silence_seconds, AttributePath::from(MAX_SILENCE)),
    })
    .collect()
}

/// The same before everything is known: what depends on a resource is not known when a configuration is validated.
fn known_silences(config: &Object) -> Vec<Silence> {
    let mut found = Vec::new();
    let Value::List(logs) = config.value("logs") else {
        return found;
    };
    for (at, log) in logs.iter().enumerate() {
        let Value::Object(log) = log else { continue };
        if let Some(own) = known::<u64>(log, MAX_SILENCE) {
            found.push((own, silence_of_log(at)));
        } else if log.value(MAX_SILENCE).is_null()
            && let Some(all) = known::<u64>(config, MAX_SILENCE)
        {
            found.push((all, AttributePath::from(MAX_SILENCE)));
        }
    }
    found
}

fn known_retention(config: &Object) -> Option<u32> {
    let Value::Object(lock) = config.value("object_lock") else {
        return None;
    };
    let days = known(lock, "days").map(Period::Days);
    let period = days.or_else(|| known(lock, "years").map(Period::Years));
    period.map(Period::days)
}

/// A value that is known and of the right type; the attribute's own validators report the others.
fn known<T: FromValue>(object: &Object, name: &str) -> Option<T> {
    object.get::<Field<T>>(name).ok()?.into_known()
}

const MAX_SILENCE: &str = "max_silence_seconds";

fn silence_of_log(at: usize) -> AttributePath {
    AttributePath::from("logs").index(at).attribute(MAX_SILENCE)
}

/// Checks that the lock keeps objects for at least twice as long as each log may be silent.
fn check_silences(retention_days: Option<u32>, silences: &[Silence]) -> Result {
    let Some(days) = retention_days else {
        return Ok(());
    };
    let kept = u64::from(days).saturating_mul(86_400);
    let mut too_long = silences.iter();
    let Some((seconds, path)) = too_long.find(|(seconds, _)| seconds.saturating_mul(2) > kept)
    else {
        return Ok(());
    };
    let detail = format!(
        "{seconds} seconds of silence need a retention of at least {} seconds, twice as long, and the lock lasts {kept} \
         ({days} days). Otherwise nobody could distinguish segments that were removed from expired ones.",
        seconds.saturating_mul(2),
    );
    Err(nested("Retention too short", &detail, path).into())
}

fn span_fields() -> Fields {
    period_attributes(Fields::new()).attribute(
        "from",
        time("Time of the declaration, RFC 3339: the bucket's `creation_date`."),
    )
}

fn log_fields() -> Fields {
    Fields::new()
        .attribute(
            "origin",
            Attribute::required(Type::String)
                .description("Unique name of the log, a URL without a scheme such as `acme.example/audit/payments`.")
                .validate(|origin: String| parse_origin(&origin).map(drop)),
        )
        .attribute(
            "prefix",
            optional("Prefix of its segments in the bucket. Default: the last part of the origin.")
                .validate(|prefix: String| check_prefix(&prefix)),
        )
        .attribute(
            "began",
            optional("Time at which it began, RFC 3339. Default: `object_lock.from`.")
                .validate(|text: String| parse_time(&text).map(drop)),
        )
        .attribute(
            "max_silence_seconds",
            Attribute::optional(Type::Number)
                .description("Seconds that this log may go without a new segment, in place of the default for all logs.")
                .validate(|seconds: Number| check_silence(&seconds)),
        )
}

fn key_fields() -> Fields {
    Fields::new()
        .attribute(
            "public_key",
            Attribute::required(Type::String)
                .description("Public key as PEM: `public_key_pem` of an `auditlog_signing_key`.")
                .validate(|pem: String| parse_key(&pem).map(drop)),
        )
        .attribute("arn", optional("ARN of the key in KMS."))
        .attribute(
            "valid_from",
            time("Time from which the key may sign, RFC 3339: its `creation_date`."),
        )
        .attribute(
            "retired_at",
            optional("Time from which the key must not sign any more, RFC 3339.")
                .validate(|text: String| parse_time(&text).map(drop)),
        )
}

fn optional(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

fn time(description: &str) -> Attribute {
    Attribute::required(Type::String)
        .description(description)
        .validate(|text: String| parse_time(&text).map(drop))
}

fn check_silence(seconds: &Number) -> Result<(), String> {
    match seconds.as_i64() {
        Some(1..) => Ok(()),
        Some(_) | None => Err(format!(
            "{seconds} is not a whole number of seconds between 1 and {}.",
            i64::MAX
        )),
    }
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if is_prefix(prefix) {
        return Ok(());
    }
    Err(format!(
        "{prefix:?} is not a prefix: parts of letters, digits and -_.=@~, with a single / between them."
    ))
}

fn parse_origin(origin: &str) -> Result<Origin, String> {
    Origin::parse(origin).ok_or_else(|| {
        format!("{origin:?} is not an origin: 1 to 255 printable ASCII characters without space, quote, backslash and plus.")
    })
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        format!("{text:?} is not an RFC 3339 time, such as \"2026-01-31T12:00:00Z\".")
    })
}

fn parse_key(pem: &str) -> Result<PublicKey, String> {
    PublicKey::from_pem(pem).map_err(|error| format!("It is {error}."))
}

/// Puts the place to what a parser said.
fn placed<T>(parsed: Result<T, String>, path: &AttributePath) -> Result<T> {
    parsed.map_err(|detail| nested("Invalid value", &detail, path).into())
}

fn document(config: &TrustPolicyModel) -> Result<PolicyDocument> {
    let lock = lock_span(config)?;
    let mut keys = Vec::new();
    for (at, key) in config.keys.iter().enumerate() {
        keys.push(key_policy(key, &AttributePath::from("keys").index(at))?);
    }
    let mut logs = Vec::new();
    for (at, log) in config.logs.iter().enumerate() {
        logs.push(log_policy(
            log,
            (lock.from, config.max_silence_seconds),
            &keys,
            &AttributePath::from("logs").index(at),
        )?);
    }
    let store = config.bucket.clone().map(|bucket| {
        Store::S3(S3Store {
            bucket,
            region: config.region.clone().unwrap_or_default(),
            account: config.account_id.clone().unwrap_or_default(),
        })
    });
    Ok(PolicyDocument {
        trust_policy: POLICY_VERSION,
        store,
        lock: vec![lock],
        logs,
        keys,
        acknowledged: acknowledged(config)?,
        declared_prefixes: config.declared_prefixes.clone().unwrap_or_default(),
    })
}

fn acknowledged(config: &TrustPolicyModel) -> Result<Vec<Acknowledged>> {
    let entries = config.acknowledged.iter().flatten().enumerate();
    let parse = |(at, text): (usize, &String)| {
        let parsed = serde_json::from_str(text).map_err(|error| format!("{error}."));
        placed(parsed, &AttributePath::from("acknowledged").index(at))
    };
    entries.map(parse).collect()
}

fn lock_span(config: &TrustPolicyModel) -> Result<LockSpan> {
    let span = &config.object_lock;
    let path = AttributePath::from("object_lock");
    let period = match (span.days, span.years) {
        (Some(days), None) => Ok(Period::Days(days)),
        (None, Some(years)) => Ok(Period::Years(years)),
        (None, None) | (Some(_), Some(_)) => Err("Set exactly one of days and years.".to_owned()),
    };
    Ok(LockSpan {
        from: placed(parse_time(&span.from), &path.clone().attribute("from"))?,
        mode: placed(
            LockMode::parse(&span.mode)
                .ok_or_else(|| format!("{:?} is not a lock mode.", span.mode)),
            &path.clone().attribute("mode"),
        )?,
        retention_days: placed(period.map(Period::days), &path)?,
    })
}

fn key_policy(key: &KeyModel, path: &AttributePath) -> Result<KeyPolicy> {
    let spki = placed(
        parse_key(&key.public_key),
        &path.clone().attribute("public_key"),
    )?;
    let retired_at = key.retired_at.as_deref().map(parse_time).transpose();
    Ok(KeyPolicy {
        spec: spki.spec(),
        spki,
        arn: key.arn.clone(),
        valid_from: placed(
            parse_time(&key.valid_from),
            &path.clone().attribute("valid_from"),
        )?,
        retired_at: placed(retired_at, &path.clone().attribute("retired_at"))?,
        lost_at: None,
        compromised: None,
    })
}

fn log_policy(
    log: &LogModel,
    (from, silence): (Timestamp, u64),
    keys: &[KeyPolicy],
    path: &AttributePath,
) -> Result<LogPolicy> {
    let origin = placed(parse_origin(&log.origin), &path.clone().attribute("origin"))?;
    let began = log.began.as_deref().map(parse_time).transpose();
    Ok(LogPolicy {
        prefix: log
            .prefix
            .clone()
            .unwrap_or_else(|| origin.last_part().to_owned()),
        format: FORMAT,
        began: placed(began, &path.clone().attribute("began"))?.unwrap_or(from),
        max_silence: vec![SilenceSpan {
            from,
            seconds: log.max_silence_seconds.unwrap_or(silence),
        }],
        lock: None,
        verifier_keys: keys
            .iter()
            .map(|key| VerifierKey::new(origin.clone(), key.spki.clone()))
            .collect(),
        ended: None,
        origin,
    })
}

/// A diagnostic for a value inside an attribute. Terraform finds the line of an attribute, but of nothing inside it, so
/// the text has the whole path.
fn nested(summary: &str, detail: &str, path: &AttributePath) -> Diagnostic {
    let top = path.to_string();
    let top = top.split(['.', '[']).next().unwrap_or_default();
    let diagnostic = Diagnostic::error(summary, format!("At {path}: {detail}"));
    if top.is_empty() {
        diagnostic
    } else {
        diagnostic.at(top)
    }
}

/// What the format's own check found, at the attribute that it came from.
fn inconsistent(error: &PolicyError) -> Diagnostic {
    let path = match error {
        PolicyError::Inconsistent { place, .. } => attribute_of(place),
        PolicyError::TooLarge { .. }
        | PolicyError::Unsupported { .. }
        | PolicyError::UnsupportedStore { .. }
        | PolicyError::TerraformJson
        | PolicyError::Malformed { .. } => AttributePath::root(),
    };
    nested(
        "The trust policy is not consistent",
        &format!("{error}."),
        &path,
    )
}

/// The argument that a place in the document was filled from, such as `keys[0].public_key` for `keys[0].spki`.
fn attribute_of(place: &str) -> AttributePath {
    // The store is one value of the document, and three arguments.
    match place {
        "store.s3.bucket" => return AttributePath::from("bucket"),
        "store.s3.region" => return AttributePath::from("region"),
        "store.s3.account" => return AttributePath::from("account_id"),
        _ => {}
    }
    let mut path = AttributePath::root();
    for part in place.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse().ok()),
            None => (part, None),
        };
        path = match name {
            "lock" => return AttributePath::from("object_lock"),
            "max_silence" => return path.attribute("max_silence_seconds"),
            // rendered from `keys`, not an argument
            "verifier_keys" | "spec" => return path,
            "spki" => path.attribute("public_key"),
            name => path.attribute(name),
        };
        if let Some(index) = index {
            path = path.index(index);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn config() -> TrustPolicyModel {
        TrustPolicyModel {
            bucket: Some("trail".to_owned()),
            region: Some("eu-central-1".to_owned()),
            account_id: Some("123456789012".to_owned()),
            object_lock: Span {
                mode: "COMPLIANCE".to_owned(),
                days: None,
                years: Some(7),
                from: "2026-01-02T03:04:05Z".to_owned(),
            },
            max_silence_seconds: 3600,
            logs: vec![LogModel {
                origin: "acme.example/audit/payments".to_owned(),
                prefix: None,
                began: None,
                max_silence_seconds: None,
            }],
            keys: vec![KeyModel {
                public_key: PEM.to_owned(),
                arn: None,
                valid_from: "2026-01-02T03:04:05Z".to_owned(),
                retired_at: None,
            }],
            declared_prefixes: None,
            acknowledged: None,
            json: Field::Null,
            sha256: Field::Null,
        }
    }

    #[test]
    fn rendered_policy_reads_back_with_what_was_declared() {
        let json = TrustPolicy::check(document(&config()).unwrap())
            .unwrap()
            .format();
        let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
        let document = policy.document();
        assert_eq!(document.lock[0].retention_days, 7 * 365);
        assert_eq!(document.logs[0].prefix, "payments");
        assert_eq!(document.logs[0].began, document.lock[0].from);
        assert_eq!(document.logs[0].verifier_keys.len(), 1);
        assert_eq!(
            json,
            TrustPolicy::check(self::document(&config()).unwrap())
                .unwrap()
                .format()
        );
    }

    #[test]
    fn acknowledged_findings_are_taken_as_the_verifier_prints_them() {
        let mut config = config();
        let entry = r#"{"code":"silence-exceeded","log":"acme.example/audit/payments","reason":"outage","date":"2026-01-03T00:00:00Z",
            "silence":{"from":"2026-01-02T04:00:00Z","until":"2026-01-02T09:00:00Z"}}"#;
        config.acknowledged = Some(vec![entry.to_owned()]);
        let policy = TrustPolicy::check(document(&config).unwrap()).unwrap();
        assert_eq!(policy.document().acknowledged.len(), 1);
        config.acknowledged = Some(vec![entry.replace("silence-exceeded", "key-unknown")]);
        let errors = document(&config).unwrap_err();
        let shown = errors.iter().next().unwrap();
        assert!(
            shown
                .detail
                .starts_with("At acknowledged[0]: `key-unknown` is not the code"),
            "{shown:?}"
        );
    }

    #[test]
    fn inconsistency_is_shown_at_the_argument() {
        let mut twice = config();
        twice.keys.push(twice.keys[0].clone());
        let error = TrustPolicy::check(document(&twice).unwrap()).unwrap_err();
        let shown = inconsistent(&error);
        assert_eq!(shown.path.to_string(), "keys");
        assert!(
            shown.detail.starts_with("At keys[1].public_key: "),
            "{shown:?}"
        );
        let mut nowhere = config();
        nowhere.region = Some("eu central".to_owned());
        let error = TrustPolicy::check(document(&nowhere).unwrap()).unwrap_err();
        assert_eq!(inconsistent(&error).path.to_string(), "region");
        assert_eq!(attribute_of("store.s3.bucket").to_string(), "bucket");
        assert_eq!(attribute_of("store.s3.account").to_string(), "account_id");
        assert_eq!(attribute_of("logs[2].prefix").to_string(), "logs[2].prefix");
        assert_eq!(
            attribute_of("logs[0].verifier_keys[1]").to_string(),
            "logs[0]"
        );
        assert_eq!(
            attribute_of("lock[0].retention_days").to_string(),
            "object_lock"
        );
        assert_eq!(
            attribute_of("declared_prefixes[1]").to_string(),
            "declared_prefixes[1]"
        );
    }

    #[test]
    fn silence_of_more_than_half_the_retention_is_shown_at_its_argument() {
        let mut short = config();
        short.object_lock.years = None;
        short.object_lock.days = Some(2);
        let shown = |config: &TrustPolicyModel| {
            let errors = check_silences(Some(2), &silences(config)).unwrap_err();
            let shown = errors.iter().next().unwrap();
            (shown.path.to_string(), shown.detail.clone())
        };
        assert!(check_silences(Some(2), &silences(&short)).is_ok());
        short.max_silence_seconds = 86_401;
        let (path, detail) = shown(&short);
        assert_eq!(path, "max_silence_seconds");
        assert!(
            detail.contains("a retention of at least 172802 seconds"),
            "{detail}"
        );
        short.logs[0].max_silence_seconds = Some(90_000);
        let (path, detail) = shown(&short);
        assert_eq!(path, "logs");
        assert!(
            detail.starts_with("At logs[0].max_silence_seconds: 90000 "),
            "{detail}"
        );
        // The format has the same rule.
        assert!(TrustPolicy::check(document(&short).unwrap()).is_err());
    }

    #[test]
    fn wrong_key_is_shown_at_its_place() {
        let mut wrong = config();
        wrong.keys[0].public_key = "ssh-ed25519 AAAA".to_owned();
        let errors = document(&wrong).unwrap_err();
        let shown = errors.iter().next().unwrap();
        assert!(
            shown.detail.starts_with("At keys[0].public_key: "),
            "{shown:?}"
        );
    }
}
