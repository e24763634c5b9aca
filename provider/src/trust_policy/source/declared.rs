//! From the arguments to what they declare.

use auditlog_chain::policy::{KeyPolicy, S3Store, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::AttributePath;

use super::model::{KeyModel, LogModel, TrustPolicyModel};
use crate::trust::document::{Declared, DeclaredLog, FORMAT, Placed, keys_of_trust};
use crate::trust::keys::TrustModel;
use crate::trust::model::{LockSpanModel, SilenceSpanModel, parse_silence};
use crate::trust::values::{Misfit, optional, parse_origin, parse_pem, parse_time, placed};

/// Default of `max_silence`: an empty segment each day, and an hour more.
pub(super) const DEFAULT_SILENCE: &str = "25h";

/// What the arguments declare.
///
/// # Errors
///
/// Names the first value that is not of the right form.
pub(super) fn declared(config: &TrustPolicyModel) -> Result<Declared, Misfit> {
    let path = AttributePath::from("lock_spans");
    let lock = Placed::new(LockSpanModel::spans(&config.lock_spans, &path)?, path);
    let root = AttributePath::root();
    let keys = keys(config.signing_key.as_ref(), config.keys.as_deref(), &root)?;
    let began = lock
        .value
        .first()
        .map_or(Timestamp::EPOCH, |span| span.from);
    let shared = Shared {
        began,
        max_silence: config.max_silence.as_deref().unwrap_or(DEFAULT_SILENCE),
        keys: &keys,
    };
    let logs = config.logs.iter().enumerate().map(|(at, log)| {
        let path = AttributePath::from("logs").index(at);
        declared_log(log, &shared, &path)
    });
    Ok(Declared {
        store: store(config),
        logs: logs.collect::<Result<_, _>>()?,
        lock,
        keys,
        acknowledged: config.acknowledged.clone().unwrap_or_default(),
        declared_prefixes: config.declared_prefixes.clone().unwrap_or_default(),
    })
}

fn store(config: &TrustPolicyModel) -> Option<S3Store> {
    Some(S3Store {
        bucket: config.bucket.clone()?,
        region: config.region.clone().unwrap_or_default(),
        account: config.account_id.clone().unwrap_or_default(),
    })
}

/// What holds for each log that says nothing else.
struct Shared<'a> {
    began: Timestamp,
    max_silence: &'a str,
    keys: &'a [Placed<KeyPolicy>],
}

fn declared_log(
    log: &LogModel,
    shared: &Shared<'_>,
    path: &AttributePath,
) -> Result<DeclaredLog, Misfit> {
    let at = |name: &str| path.clone().attribute(name);
    let origin = placed(parse_origin(&log.origin), at("origin"))?;
    let began = optional(log.began.as_deref(), parse_time, at("began"))?.unwrap_or(shared.began);
    let own = keys(log.signing_key.as_ref(), log.keys.as_deref(), path)?;
    let has_keys = log.signing_key.is_some() || log.keys.is_some();
    let ended = log.ended.as_ref();
    Ok(DeclaredLog {
        path: path.clone(),
        prefix: log
            .prefix
            .clone()
            .unwrap_or_else(|| origin.last_part().to_owned()),
        format: log.format.unwrap_or(FORMAT),
        max_silence: silence(log, (began, shared.max_silence), path)?,
        began,
        lock: log
            .lock_spans
            .as_deref()
            .map(|spans| lock(spans, at("lock_spans")))
            .transpose()?,
        keys: if has_keys { own } else { shared.keys.to_vec() },
        ended: ended.map(|ended| ended.policy(&at("ended"))).transpose()?,
        origin,
    })
}

fn lock(
    spans: &[LockSpanModel],
    path: AttributePath,
) -> Result<Placed<Vec<auditlog_chain::policy::LockSpan>>, Misfit> {
    Ok(Placed::new(LockSpanModel::spans(spans, &path)?, path))
}

fn silence(
    log: &LogModel,
    (began, shared): (Timestamp, &str),
    path: &AttributePath,
) -> Result<Placed<Vec<SilenceSpan>>, Misfit> {
    if let Some(spans) = &log.max_silence_spans {
        let path = path.clone().attribute("max_silence_spans");
        return Ok(Placed::new(SilenceSpanModel::spans(spans, &path)?, path));
    }
    let own = path.clone().attribute("max_silence");
    let (text, path) = match &log.max_silence {
        Some(text) => (text.as_str(), own),
        None => (shared, AttributePath::from("max_silence")),
    };
    let seconds = placed(parse_silence(text), path.clone())?;
    let span = SilenceSpan {
        from: began,
        seconds,
    };
    Ok(Placed::new(vec![span], path))
}

/// The keys at a place: those of a signing key, and the others.
fn keys(
    signing_key: Option<&TrustModel>,
    others: Option<&[KeyModel]>,
    path: &AttributePath,
) -> Result<Vec<Placed<KeyPolicy>>, Misfit> {
    let at = |name: &str| path.clone().attribute(name);
    let mut keys = signing_key
        .map(|trust| keys_of_trust(trust, &at("signing_key")))
        .transpose()?
        .unwrap_or_default();
    for (number, key) in others.unwrap_or_default().iter().enumerate() {
        let path = at("keys").index(number);
        keys.push(Placed::new(key_policy(key, &path)?, path));
    }
    Ok(keys)
}

fn key_policy(key: &KeyModel, path: &AttributePath) -> Result<KeyPolicy, Misfit> {
    let at = |name: &str| path.clone().attribute(name);
    let spki = placed(parse_pem(&key.public_key), at("public_key"))?;
    let compromised = key.compromised.as_ref();
    Ok(KeyPolicy {
        spec: spki.spec(),
        spki,
        arn: key.arn.clone(),
        valid_from: placed(parse_time(&key.valid_from), at("valid_from"))?,
        retired_at: optional(key.retired_at.as_deref(), parse_time, at("retired_at"))?,
        lost_at: optional(key.lost_at.as_deref(), parse_time, at("lost_at"))?,
        compromised: compromised
            .map(|compromised| compromised.policy(&at("compromised")))
            .transpose()?,
    })
}
