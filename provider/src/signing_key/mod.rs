//! `auditlog_signing_key`: a KMS key that signs the checkpoints of logs.

use auditlog_chain::keys::{KeySpec, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tf_provider::{
    Attribute, Context, Diagnostic, Field, Number, Plan, Resource, Result, Schema, Type, Value,
    model,
};

use crate::account::{Account, clients};
use crate::aws::{
    Clients, KEY_USAGE, KeyParts, KeySettings, Place, Tags, change_key, create_key, delete_key,
    read_key, read_new_key,
};
use crate::range::check_range;
use crate::tags;

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct SigningKeyResource;

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct SigningKey {
        spec: String,
        alias: Option<String>,
        description: String,
        enabled: bool,
        deletion_window_in_days: u32,
        tags: Option<Tags>,
        tags_all: Field<Tags>,
        id: Field<String>,
        key_id: Field<String>,
        arn: Field<String>,
        usage: Field<String>,
        creation_date: Field<String>,
        public_key_pem: Field<String>,
        public_key_spki: Field<String>,
    }
}

/// Ed25519: the one signature type (C2SP 0x01) that every tool for signed notes verifies; signing twice gives the same
/// bytes; KMS has it in every region.
const DEFAULT_SPEC: KeySpec = KeySpec::EccNistEdwards25519;
/// The longest, and the default: a deletion by mistake should be noticed in time.
const MAX_WINDOW_DAYS: u32 = 30;
const MIN_WINDOW_DAYS: u32 = 7;
const MAX_DESCRIPTION_CHARS: usize = 8192;

impl Resource for SigningKeyResource {
    const NAME: &'static str = "auditlog_signing_key";
    type Data = Account;
    type Model = SigningKey;

    fn schema(&self) -> Schema {
        let schema = Schema::new()
            .description("A KMS key that signs the checkpoints of logs.")
            .attribute(
                "spec",
                Attribute::optional(Type::String)
                    .default(DEFAULT_SPEC.as_str())
                    .one_of(KeySpec::ALL.map(KeySpec::as_str))
                    .requires_replace()
                    .description("Spec of the key, as KMS names it. Another spec makes another key."),
            )
            .attribute(
                "alias",
                Attribute::optional(Type::String)
                    .validate(|alias: String| check_alias(&alias))
                    .description("Alias of the key, with its `alias/`."),
            )
            .attribute(
                "description",
                Attribute::optional(Type::String).default("").validate(|text: String| check_description(&text)).description("Free text."),
            )
            .attribute(
                "enabled",
                Attribute::optional(Type::Bool).default(true).description("Whether the key may be used."),
            )
            .attribute(
                "deletion_window_in_days",
                Attribute::optional(Type::Number)
                    .default(MAX_WINDOW_DAYS)
                    .validate(|days: Number| check_range(&days, MIN_WINDOW_DAYS..=MAX_WINDOW_DAYS, "days"))
                    .description("How long KMS waits before it deletes the key after a destroy, 7 to 30 days."),
            );
        computed(tags::add_to(schema))
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        tags::plan(plan, cx.data())?;
        plan.planned.set("usage", KEY_USAGE);
        // KMS does not return the public key of a disabled key; it does once the key is enabled.
        let unread = plan
            .prior
            .as_ref()
            .is_some_and(|prior| prior.value("public_key_pem").is_null());
        if unread && plan.planned.get::<Field<bool>>("enabled")? == Field::Known(true) {
            plan.planned.set("public_key_pem", Value::Unknown);
            plan.planned.set("public_key_spki", Value::Unknown);
        }
        Ok(())
    }

    async fn create(&self, cx: &Context<Account>, planned: SigningKey) -> Result<SigningKey> {
        let clients = clients(cx)?;
        let wanted = settings(clients, &planned)?;
        let id = create_key(clients, &wanted)
            .await
            .map_err(|error| error.diagnostic("The key was not created", "spec"))?;
        // KMS would make a second key if it were asked again: this one must be in the state, whatever happens.
        let half_made = SigningKey {
            id: id.clone().into(),
            key_id: id.clone().into(),
            alias: None,
            ..planned.clone()
        };
        cx.keep(&half_made);
        // The public key is read before the key is disabled, if it should be.
        let found = read_new_key(clients, &id).await.map_err(|error| {
            error.diagnostic("The key was created, but cannot be read", "key_id")
        })?;
        cx.keep(&seen(&half_made, clients, found.clone()));
        change_key(clients, &found, &wanted, None)
            .await
            .map_err(|error| {
                error.diagnostic(
                    "The key was created, but not finished",
                    error.attribute("key_id"),
                )
            })?;
        Ok(settled(planned, clients, found))
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
        Ok(found.map(|found| seen(&state, clients, found)))
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
            prior.alias.as_deref(),
        )
        .await;
        let now = read_key(clients, id).await;
        if let (Err(error), Ok(Some(now))) = (&changed, &now) {
            tracing::debug!(%error, "keeping what was changed");
            cx.keep(&seen(&prior, clients, now.clone()));
        }
        changed.map_err(failed)?;
        let now = now.map_err(failed)?.ok_or_else(|| gone(id))?;
        Ok(settled(planned, clients, now))
    }

    async fn delete(&self, cx: &Context<Account>, state: SigningKey) -> Result {
        let clients = clients(cx)?;
        let id = key_id(&state)?;
        check_place(clients, &state)?;
        delete_key(
            clients,
            id,
            state.alias.as_deref(),
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
            alias: imported_alias(&id, &found.aliases),
            deletion_window_in_days: MAX_WINDOW_DAYS,
            ..SigningKey::default()
        };
        Ok(seen(&sought, clients, found))
    }
}

fn computed(schema: Schema) -> Schema {
    let once = |text: &str| {
        Attribute::computed(Type::String)
            .use_state_for_unknown()
            .description(text)
    };
    schema
        .attribute("id", once("The same as `key_id`."))
        .attribute("key_id", once("KMS's id of the key."))
        .attribute("arn", once("ARN of the key."))
        .attribute("usage", once("Always `SIGN_VERIFY`."))
        .attribute("creation_date", once("When the key was made, RFC 3339."))
        .attribute(
            "public_key_pem",
            once("The public key as PEM (`SubjectPublicKeyInfo`)."),
        )
        .attribute("public_key_spki", once("The same in base64 of its DER."))
}

fn check_alias(alias: &str) -> Result<(), String> {
    let Some(name) = alias.strip_prefix("alias/") else {
        return Err(format!(
            "{alias:?} does not begin with \"alias/\": write \"alias/{alias}\"."
        ));
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    if name.is_empty() || alias.len() > 256 || !name.chars().all(allowed) {
        return Err(format!(
            "{alias:?} is not an alias: \"alias/\" and a name of letters, digits, slashes, underscores and hyphens, at most 256 characters."
        ));
    }
    if name.starts_with("aws/") {
        return Err(format!(
            "{alias:?} begins with \"alias/aws/\", which AWS reserves."
        ));
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), String> {
    let chars = text.chars().count();
    if chars <= MAX_DESCRIPTION_CHARS {
        return Ok(());
    }
    Err(format!(
        "It has {chars} characters; KMS takes {MAX_DESCRIPTION_CHARS} at most."
    ))
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
    let spec = KeySpec::parse(&planned.spec).ok_or_else(|| {
        Diagnostic::error(
            "Unknown spec",
            format!("There is no spec {:?}.", planned.spec),
        )
        .at("spec")
    })?;
    Ok(KeySettings {
        spec,
        alias: planned.alias.clone(),
        description: planned.description.clone(),
        enabled: planned.enabled,
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

fn public_key(known: &SigningKey, found: Option<&PublicKey>) -> (Field<String>, Field<String>) {
    match found {
        Some(key) => (key.to_pem().into(), STANDARD.encode(key.spki_der()).into()),
        // disabled: KMS does not tell it, but it has not changed
        None => (known.public_key_pem.clone(), known.public_key_spki.clone()),
    }
}

fn known_or_null(field: Field<String>) -> Field<String> {
    if field.is_unknown() {
        Field::Null
    } else {
        field
    }
}

/// The state after everything was done as planned.
fn settled(planned: SigningKey, clients: &Clients, found: KeyParts) -> SigningKey {
    let tags_all = tags::wanted(clients.default_tags(), planned.tags.as_ref());
    let (pem, spki) = public_key(&planned, found.public_key.as_ref());
    SigningKey {
        tags_all: tags_all.into(),
        id: found.key_id.clone().into(),
        key_id: found.key_id.into(),
        arn: found.arn.into(),
        usage: found.usage.into(),
        creation_date: found.creation_date.into(),
        public_key_pem: known_or_null(pem),
        public_key_spki: known_or_null(spki),
        ..planned
    }
}

/// The state of a key as it was found.
fn seen(known: &SigningKey, clients: &Clients, found: KeyParts) -> SigningKey {
    let (tags, tags_all) = tags::split(
        &found.tags,
        clients.default_tags(),
        known.tags.as_ref(),
        &known.tags_all,
    );
    let (pem, spki) = public_key(known, found.public_key.as_ref());
    SigningKey {
        spec: found.spec.as_str().to_owned(),
        alias: known
            .alias
            .clone()
            .filter(|alias| found.aliases.contains(alias)),
        description: found.description,
        enabled: found.enabled,
        deletion_window_in_days: known.deletion_window_in_days,
        tags,
        tags_all,
        id: found.key_id.clone().into(),
        key_id: found.key_id.into(),
        arn: found.arn.into(),
        usage: found.usage.into(),
        creation_date: found.creation_date.into(),
        public_key_pem: pem,
        public_key_spki: spki,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_key_that_a_disabled_key_does_not_tell_stays_known() {
        let known = SigningKey {
            public_key_pem: "pem".to_owned().into(),
            public_key_spki: "spki".to_owned().into(),
            ..SigningKey::default()
        };
        let (pem, spki) = public_key(&known, None);
        assert_eq!((pem, spki), (known.public_key_pem, known.public_key_spki));
    }

    #[test]
    fn alias_needs_its_prefix() {
        assert_eq!(check_alias("alias/acme/audit-1"), Ok(()));
        for wrong in ["audit", "alias/", "alias/a b", "alias/aws/audit"] {
            assert!(check_alias(wrong).is_err(), "{wrong}");
        }
    }

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
