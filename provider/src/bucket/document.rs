//! The trust policy of a bucket: what was declared, for sealers and verifiers.

use auditlog_chain::policy::S3Store;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Result};

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
/// apply.
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
    Ok(Some(rendered))
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
    let (Some(logs), Some(account), Some(region)) = (
        model.logs.as_ref().filter(|logs| !logs.is_empty()),
        model.account_id.known(),
        model.region.known(),
    ) else {
        return Ok(None);
    };
    if logs.values().any(|log| log.signing_key.is_unknown()) {
        return Ok(None);
    }
    let logs = logs
        .iter()
        .map(|(name, log)| declared_log(name, log, history.logs.get(name)));
    let logs: Result<Vec<_>, Misfit> = logs.collect();
    Ok(Some(Declared {
        store: Some(S3Store {
            bucket: model.name()?.to_owned(),
            region: region.clone(),
            account: account.clone(),
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
    let missing = || Misfit::invalid(at("signing_key"), "A log needs a key that may sign it.");
    let trust = log.signing_key.known().ok_or_else(missing)?;
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
        keys: keys_of_trust(trust, &at("signing_key"))?,
        ended: ended.transpose()?,
        path,
    })
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
