//! States of earlier schema versions.

use auditlog_chain::keys::{KeySpec, PublicKey};
use auditlog_chain::policy::KeyPolicy;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Object, Result, Value};

use super::history::History;
use crate::aws::Place;

/// Version 0: one key, whose `spec` was named otherwise, perhaps without an alias.
pub(crate) fn from_version_0(mut state: Object) -> Result<Object> {
    let spec = state.remove("spec").unwrap_or_default();
    let alias: Option<String> = state.get("alias")?;
    let alias = alias.unwrap_or_default();
    if let Some(history) = only_version(&state, &spec)? {
        state.set("versions", history.models());
        state.set("trust", history.trust(&alias));
    }
    let arn: Option<String> = state.get("arn")?;
    let region = arn.as_deref().and_then(|arn| Place::of_arn(arn).region);
    state.set("region", region.map(str::to_owned));
    state.set("alias", alias);
    state.set("on_destroy", super::destroy::RETAIN);
    state.set("key_spec", spec);
    Ok(state)
}

/// The history of a key that was never rotated; `None` where the state has no public key, because it was imported while
/// disabled. The next read fills it in.
fn only_version(state: &Object, spec: &Value) -> Result<Option<History>> {
    let text = |name: &str| state.get::<Option<String>>(name);
    let Value::String(spec) = spec else {
        return Ok(None);
    };
    let found = (
        text("key_id")?,
        text("public_key_pem")?.and_then(|pem| PublicKey::from_pem(&pem).ok()),
        text("creation_date")?.and_then(|date| Timestamp::parse_rfc3339(&date)),
        KeySpec::parse(spec),
    );
    let (Some(key_id), Some(spki), Some(valid_from), Some(spec)) = found else {
        return Ok(None);
    };
    let declared = KeyPolicy {
        spec,
        spki,
        arn: text("arn")?,
        valid_from,
        retired_at: None,
        lost_at: None,
        compromised: None,
    };
    Ok(Some(History::of_one(&key_id, declared)))
}
