//! The trust policy of a bucket: what was declared, for sealers and verifiers.

use auditlog_chain::keys::PublicKey;
use auditlog_chain::policy::{KeyPolicy, S3Store};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Field, Result};

use super::access::deliveries;
use super::history::{History, LogHistory};
use super::model::{BucketModel, LogModel};
use super::path::path_of;
use crate::trust::document::{
    Declared, DeclaredLog, FORMAT, Placed, Rendered, TOO_SHORT, check_retention, check_spans_at,
    keys_of_trust, trust_policy,
};
use crate::trust::values::{Misfit, parse_origin, placed};

/// The trust policy; none for a bucket without logs, in an account that is not known, or with a key that is made by the same
/// apply. All but what is not known is checked there too, so that a plan refuses what the apply would refuse.
///
/// # Errors
/// What is wrong with the declaration, at the attribute.
pub(super) fn document(
    model: &BucketModel,
    history: &History,
    now: Timestamp,
) -> Result<Option<Rendered>> {
    check_silences(model, history)?;
    let Some(declared) = declared(model, history)? else {
        return Ok(None);
    };
    let rendered = trust_policy(&declared).map_err(Diagnostic::from)?;
    check_spans_at(&declared, &rendered.policy, now).map_err(Diagnostic::from)?;
    Ok(is_complete(model).then_some(rendered))
}

/// Whether everything in the document is known, and nothing takes the place of what is known only later.
fn is_complete(model: &BucketModel) -> bool {
    let mut logs = model.logs.iter().flatten();
    model.account_id.known().is_some() && logs.all(|(_, log)| !log.signing_key.is_unknown())
}

/// In place of an account that is not known.
const SOME_ACCOUNT: &str = "000000000000";

/// In place of a key that the same apply makes: the base point of Ed25519, which any key may be.
const SOME_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAWGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=\n-----END PUBLIC KEY-----\n";

fn some_key(path: &AttributePath) -> Result<Vec<Placed<KeyPolicy>>, Misfit> {
    let key = PublicKey::from_pem(SOME_KEY).map_err(|error| format!("{error}."));
    let spki = placed(key, path.clone())?;
    let key = KeyPolicy {
        spec: spki.spec(),
        spki,
        arn: None,
        valid_from: Timestamp::EPOCH,
        retired_at: None,
        lost_at: None,
        compromised: None,
    };
    Ok(vec![Placed::new(key, path.clone())])
}

/// Retention against silence, which a plan knows before it knows the keys.
fn check_silences(model: &BucketModel, history: &History) -> Result {
    for (name, log) in model.logs.iter().flatten() {
        let days = history.lock_of(name).last().map(|span| span.retention_days);
        let silence = history.logs.get(name);
        let silence = silence.and_then(|log| log.max_silence.last());
        let checked = check_retention(days.as_slice(), silence.map(|span| span.seconds).as_slice());
        checked.map_err(|detail| {
            Diagnostic::from(Misfit {
                summary: TOO_SHORT,
                path: path_of(name).attribute("max_silence"),
                detail: format!("{detail} It is {:?} here.", log.max_silence),
            })
        })?;
    }
    Ok(())
}

fn declared(model: &BucketModel, history: &History) -> Result<Option<Declared>> {
    let (Some(logs), Some(region)) = (
        model.logs.as_ref().filter(|logs| !logs.is_empty()),
        model.region.known(),
    ) else {
        return Ok(None);
    };
    let account = model
        .account_id
        .known()
        .map_or(SOME_ACCOUNT, String::as_str);
    let logs = logs
        .iter()
        .map(|(name, log)| declared_log(name, log, history.logs.get(name)));
    let logs: Result<Vec<_>, Misfit> = logs.collect();
    Ok(Some(Declared {
        store: Some(S3Store {
            bucket: model.name()?.to_owned(),
            region: region.clone(),
            account: account.to_owned(),
        }),
        lock: Placed::new(history.lock.clone(), AttributePath::from("object_lock")),
        logs: logs.map_err(Diagnostic::from)?,
        keys: Vec::new(),
        acknowledged: model.acknowledged.clone().unwrap_or_default(),
        declared_prefixes: declared_prefixes(model),
    }))
}

fn declared_log(
    name: &str,
    log: &LogModel,
    history: Option<&LogHistory>,
) -> Result<DeclaredLog, Misfit> {
    let path = path_of(name);
    let at = |attribute: &str| path.clone().attribute(attribute);
    let undeclared = || Misfit::invalid(path.clone(), "Nothing was declared about this log.");
    let history = history.ok_or_else(undeclared)?;
    let origin = log.origin.known().cloned().unwrap_or_default();
    let ended = log.ended.as_ref().map(|ended| ended.policy(&at("ended")));
    let own = history.lock.clone();
    Ok(DeclaredLog {
        origin: placed(parse_origin(&origin), at("origin"))?,
        prefix: log.prefix.known().cloned().unwrap_or_default(),
        format: FORMAT,
        began: history.began,
        max_silence: Placed::new(history.max_silence.clone(), at("max_silence")),
        lock: own.map(|spans| Placed::new(spans, at("object_lock"))),
        keys: keys_of(log, &at("signing_key"))?,
        ended: ended.transpose()?,
        path,
    })
}

fn keys_of(log: &LogModel, path: &AttributePath) -> Result<Vec<Placed<KeyPolicy>>, Misfit> {
    match &log.signing_key {
        Field::Known(trust) => keys_of_trust(trust, path),
        Field::Unknown => some_key(path),
        Field::Null => {
            let detail = "A log needs a key that may sign it.";
            Err(Misfit::invalid(path.clone(), detail))
        }
    }
}

/// Those of the configuration, and those that services deliver to.
fn declared_prefixes(model: &BucketModel) -> Vec<String> {
    let mut prefixes = model.declared_prefixes.clone().unwrap_or_default();
    for delivery in model.log_delivery.iter().flat_map(deliveries) {
        let prefix = delivery.declared_prefix();
        if !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
    }
    prefixes
}
