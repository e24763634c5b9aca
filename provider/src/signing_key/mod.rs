//! `auditlog_signing_key`: a KMS key that signs the checkpoints of logs, with all its versions.

mod history;
mod model;
mod schema;
mod state;
mod upgrade;

use auditlog_chain::keys::KeySpec;
use tf_provider::{Context, Diagnostic, Field, Object, Plan, Resource, Result, Schema, Value};

use crate::account::{Account, clients};
use crate::aws::{
    Clients, KEY_USAGE, KeySettings, Place, change_key, create_key, delete_key, read_key,
    read_new_key,
};
use crate::tags;
use history::History;
pub use model::SigningKey;
use model::VersionModel;
use schema::MAX_WINDOW_DAYS;
use state::{seen, settled};

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct SigningKeyResource;

impl Resource for SigningKeyResource {
    const NAME: &'static str = "auditlog_signing_key";
    type Data = Account;
    type Model = SigningKey;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        tags::plan(plan, cx.data())?;
        plan.planned.set("usage", KEY_USAGE);
        plan_trust(plan)
    }

    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        match version {
            0 => upgrade::from_version_0(state),
            other => {
                let detail = format!("This provider has no upgrade from schema version {other}.");
                Err(Diagnostic::error("State of an unsupported version", detail).into())
            }
        }
    }

    async fn create(&self, cx: &Context<Account>, planned: SigningKey) -> Result<SigningKey> {
        let clients = clients(cx)?;
        let wanted = settings(clients, &planned)?;
        let id = create_key(clients, &wanted)
            .await
            .map_err(|error| error.diagnostic("The key was not created", "key_spec"))?;
        // KMS would make a second key if it were asked again: this one must be in the state, whatever happens.
        let half_made = SigningKey {
            id: id.clone().into(),
            key_id: id.clone().into(),
            ..planned.clone()
        };
        cx.keep(&half_made);
        // The public key is read before the key is disabled, if it should be.
        let found = read_new_key(clients, &id).await.map_err(|error| {
            error.diagnostic("The key was created, but cannot be read", "key_id")
        })?;
        cx.keep(&seen(&half_made, clients, found.clone())?);
        change_key(clients, &found, &wanted, None)
            .await
            .map_err(|error| {
                error.diagnostic(
                    "The key was created, but not finished",
                    error.attribute("key_id"),
                )
            })?;
        settled(planned, clients, found)
    }

    async fn read(&self, cx: &Context<Account>, state: SigningKey) -> Result<Option<SigningKey>> {
        let clients = clients(cx)?;
        let Some(id) = state.key_id.known() else {
            return Ok(None);
        };
        check_place(clients, &state)?;
        let found = read_key(clients, id)
            .await
            .map_err(|error| error.diagnostic("The key cannot be read", "key_id"))?;
        found.map(|found| seen(&state, clients, found)).transpose()
    }

    async fn update(
        &self,
        cx: &Context<Account>,
        prior: SigningKey,
        planned: SigningKey,
    ) -> Result<SigningKey> {
        let clients = clients(cx)?;
        let id = key_id(&prior)?;
        check_place(clients, &prior)?;
        let failed = |error: crate::error::Error| {
            error.diagnostic(
                "The key was not changed, or only in part",
                error.attribute("key_id"),
            )
        };
        let found = read_key(clients, id)
            .await
            .map_err(failed)?
            .ok_or_else(|| gone(id))?;
        let changed = change_key(
            clients,
            &found,
            &settings(clients, &planned)?,
            Some(prior.alias.as_str()),
        )
        .await;
        let now = read_key(clients, id).await;
        if let (Err(error), Ok(Some(now))) = (&changed, &now) {
            tracing::debug!(%error, "keeping what was changed");
            cx.keep(&seen(&prior, clients, now.clone())?);
        }
        changed.map_err(failed)?;
        let now = now.map_err(failed)?.ok_or_else(|| gone(id))?;
        settled(planned, clients, now)
    }

    async fn delete(&self, cx: &Context<Account>, state: SigningKey) -> Result {
        let clients = clients(cx)?;
        let id = key_id(&state)?;
        check_place(clients, &state)?;
        delete_key(
            clients,
            id,
            Some(state.alias.as_str()),
            state.deletion_window_in_days,
        )
        .await
        .map_err(|error| {
            error
                .diagnostic("The key's deletion was not scheduled", "key_id")
                .into()
        })
    }

    async fn import(&self, cx: &Context<Account>, id: String) -> Result<SigningKey> {
        let clients = clients(cx)?;
        clients
            .check_place(&format!("the key {id}"), Place::of_arn(&id))
            .map_err(|error| error.diagnostic("The key cannot be imported", "arn"))?;
        let found = read_key(clients, &id)
            .await
            .map_err(|error| error.diagnostic("The key cannot be imported", "key_id"))?;
        let Some(found) = found else {
            let detail = format!("There is no key {id:?} to import, or it waits for its deletion.");
            return Err(Diagnostic::error("No such key", detail).into());
        };
        if found.public_key.is_none() {
            cx.warn(Diagnostic::warning(
                "The public key is not known",
                "KMS does not return it while the key is disabled. public_key_pem and public_key_spki stay null until \
                 the key is enabled.",
            ));
        }
        let sought = SigningKey {
            alias: imported_alias(&id, &found.aliases).unwrap_or_default(),
            deletion_window_in_days: MAX_WINDOW_DAYS,
            ..SigningKey::default()
        };
        seen(&sought, clients, found)
    }
}

fn key_id(state: &SigningKey) -> Result<&str> {
    state.key_id.known().map(String::as_str).ok_or_else(|| {
        Diagnostic::error("The key's id is not known", "The state has no key_id.")
            .at("key_id")
            .into()
    })
}

/// KMS says of a key elsewhere that there is none, which would mean here: make another.
fn check_place(clients: &Clients, state: &SigningKey) -> Result {
    let Some(arn) = state.arn.known() else {
        return Ok(());
    };
    clients
        .check_place(&format!("the key {arn}"), Place::of_arn(arn))
        .map_err(|error| {
            error
                .diagnostic("The key is not where the provider looks", "arn")
                .into()
        })
}

fn gone(id: &str) -> Diagnostic {
    let detail = format!("The key {id} is gone, or waits for its deletion. Plan again.");
    Diagnostic::error("No such key", detail).at("key_id")
}

fn settings(clients: &Clients, planned: &SigningKey) -> Result<KeySettings> {
    let spec = KeySpec::parse(&planned.key_spec).ok_or_else(|| {
        Diagnostic::error(
            "Unknown key_spec",
            format!("There is no spec {:?}.", planned.key_spec),
        )
        .at("key_spec")
    })?;
    Ok(KeySettings {
        spec,
        alias: Some(planned.alias.clone()),
        description: planned.description.clone(),
        enabled: true,
        tags: tags::wanted(clients.default_tags(), planned.tags.as_ref()),
    })
}

/// The alias that was asked for; or the only one that the key has.
fn imported_alias(id: &str, aliases: &[String]) -> Option<String> {
    let asked = id
        .rsplit_once(":alias/")
        .map(|(_, name)| format!("alias/{name}"));
    let asked = asked.or_else(|| id.starts_with("alias/").then(|| id.to_owned()));
    match (asked, aliases) {
        (Some(asked), _) => Some(asked),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

/// Plans what the key exports, as far as its versions are known.
fn plan_trust(plan: &mut Plan) -> Result {
    type Versions = std::collections::BTreeMap<String, VersionModel>;
    let versions = plan.planned.get::<Field<Versions>>("versions")?;
    let alias = plan.planned.get::<Field<String>>("alias")?;
    let trust = match (versions, alias) {
        (Field::Known(versions), Field::Known(alias)) => {
            let history = History::parse(&versions).map_err(|misfit| state::damaged(&misfit))?;
            tf_provider::ToValue::to_value(&history.trust(&alias))
        }
        (Field::Null, _) => {
            plan.planned.set("versions", Value::Unknown);
            Value::Unknown
        }
        (_, _) => Value::Unknown,
    };
    plan.planned.set("trust", trust);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_alias_is_the_one_asked_for_or_the_only_one() {
        let two = ["alias/a".to_owned(), "alias/b".to_owned()];
        let arn = "arn:aws:kms:eu-central-1:1:alias/x/y";
        assert_eq!(imported_alias("alias/b", &two).as_deref(), Some("alias/b"));
        assert_eq!(imported_alias(arn, &two).as_deref(), Some("alias/x/y"));
        assert_eq!(imported_alias("1234", &two), None);
        assert_eq!(
            imported_alias("1234", &two[..1]).as_deref(),
            Some("alias/a")
        );
    }
}
