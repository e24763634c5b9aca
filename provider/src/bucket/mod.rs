//! `auditlog_bucket`: an S3 bucket that is versioned, locked, closed and encrypted, or is not there at all, and its logs.

mod access;
mod began;
mod changes;
mod create;
mod desired;
mod destroy;
mod document;
mod encryption;
mod ended;
mod given;
mod history;
mod identity;
mod imported;
mod kept;
mod lock;
mod logs;
mod losses;
mod memory;
mod model;
mod name;
mod own_tags;
mod partial;
mod path;
mod place;
mod plan;
mod ratchet;
mod reach;
mod schema;
mod state;
mod storage;
mod strength;
mod upgrade;

use tf_provider::{
    Context, Diagnostic, Diagnostics, Field, IdentityAttribute, IdentitySchema, Object, Plan,
    Resource, Result, Schema, ToValue, Type, Value,
};

use crate::account::Account;
use crate::aws::{
    Age, CREATION_TAG, Clients, Place as Home, converge_bucket, read_bucket, read_strength,
};
use crate::lockout::Lockout;
use crate::region::split_id;
use create::{created, followed_date};
use desired::{desired, settings};
use encryption::check_key;
use history::History;
use imported::known_history;
use memory::{
    applied_encryption, declared, keep_clock, keep_others_tags, now, others_tags, settled,
};
pub use model::BucketModel;
use name::check_bucket_name;
use place::Place;
use schema::schema;
use state::{named, seen, with_strength};

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct BucketResource;

impl Resource for BucketResource {
    const NAME: &'static str = "auditlog_bucket";
    type Data = Account;
    type Model = BucketModel;

    fn schema(&self) -> Schema {
        schema()
    }

    fn validate(&self, config: &Object) -> Result {
        let mut found = Diagnostics::new();
        found.take(lock::check(config));
        found.take(logs::check(config));
        found.take(storage::check_logging(config));
        found.take(access::check_delivery(config));
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        let mut wrong = Diagnostics::new();
        wrong.take(plan::plan(cx, plan));
        let region = plan
            .prior
            .as_ref()
            .and_then(|prior| prior.get("region").ok());
        if cx.data().known().is_none() {
            return if wrong.is_empty() { Ok(()) } else { Err(wrong) };
        }
        let clients = clients_of(cx, region.as_ref())?;
        let sides = (plan.prior.as_ref(), &plan.planned);
        wrong.take(storage::check_target(&clients, sides.0, sides.1).await);
        wrong.take(encryption::check_planned(cx, &clients, sides).await);
        wrong.take(kept::check(cx, plan, &clients).await);
        wrong.take(check_segments(cx, &clients, sides).await);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    async fn plan_destroy(&self, cx: &Context<Account>, state: BucketModel) -> Result {
        destroy::announce(cx, &state);
        Ok(())
    }

    async fn create(&self, cx: &Context<Account>, planned: BucketModel) -> Result<BucketModel> {
        let clients = &clients_of(cx, planned.region.known())?;
        let planned = named_by_prefix(planned);
        check_again(cx, clients, None, &planned)?;
        let after = object(&planned);
        storage::check_target(clients, None, &after).await?;
        check_segments(cx, clients, (None, &after)).await?;
        create::create(cx, clients, planned).await
    }

    async fn read(&self, cx: &Context<Account>, state: BucketModel) -> Result<Option<BucketModel>> {
        let clients = &clients_of(cx, state.region.known())?;
        check_place(clients, &state)?;
        let name = state.name()?;
        let parts = read_bucket(clients, name)
            .await
            .map_err(|error| error.diagnostic("The bucket cannot be read", "bucket"))?;
        let Some(parts) = parts else { return Ok(None) };
        let creation_date = followed_date(cx, clients, &state, &parts).await?;
        let now = now();
        keep_clock(cx, now);
        keep_others_tags(cx, &parts.others_tags);
        let history = known_history(cx, &state, &parts, now);
        let nothing = History::default();
        let declared = (history.as_ref().unwrap_or(&nothing), now);
        let drift = own_tags::drift(&parts.marks, created(cx).as_deref(), declared);
        let mut found = seen(&state, clients, parts, (history.as_ref(), now));
        found.creation_date = Field::Known(creation_date);
        found.drift = Field::Known(drift);
        Ok(Some(found))
    }

    async fn update(
        &self,
        cx: &Context<Account>,
        prior: BucketModel,
        planned: BucketModel,
    ) -> Result<BucketModel> {
        let clients = &clients_of(cx, prior.region.known())?;
        check_place(clients, &prior)?;
        // others may have changed it since the plan
        let found = found_now(clients, &prior).await?;
        check_again(cx, clients, Some(&found), &planned)?;
        let (before, after) = (object(&prior), object(&planned));
        kept::check_logs(cx, (&before, &after), (clients, prior.name()?)).await?;
        storage::check_target(clients, Some(&before), &after).await?;
        check_segments(cx, clients, (Some(&before), &after)).await?;
        let before = declared(cx).unwrap_or_else(|| History::of(&prior));
        let now = now();
        let desired = desired(planned, &before, Place { clients, now })?;
        let mut settings = settings(&desired, now, others_tags(cx))?;
        let created = created(cx).filter(|tag| !tag.is_empty());
        let created = created.map(|tag| (CREATION_TAG.to_owned(), tag));
        settings.marks.extend(created);
        if desired.model.encryption != prior.encryption {
            check_key(cx, clients, &settings).await?;
        }
        let name = desired.model.name()?;
        match converge_bucket(clients, name, &settings, Age::Known).await {
            Ok(sse_c) => Ok(settled(cx, desired, sse_c)),
            Err(error) => {
                keep_what_is_there(cx, clients, &prior).await;
                Err(error
                    .diagnostic("The bucket was not changed, or only in part", "bucket")
                    .into())
            }
        }
    }

    async fn delete(&self, cx: &Context<Account>, state: BucketModel) -> Result {
        let clients = &clients_of(cx, state.region.known())?;
        check_place(clients, &state)?;
        destroy::destroy(clients, &state).await
    }

    async fn import(&self, cx: &Context<Account>, id: String) -> Result<BucketModel> {
        let (name, region) = split_id(&id);
        self.imported(cx, name, region).await
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let text = |description| IdentityAttribute::optional(Type::String).description(description);
        Some(
            IdentitySchema::new()
                .attribute(
                    "bucket",
                    IdentityAttribute::required(Type::String).description("Name of the bucket."),
                )
                .attribute("account_id", text("Account that owns the bucket."))
                .attribute("region", text("Region of the bucket.")),
        )
    }

    async fn import_by_identity(
        &self,
        cx: &Context<Account>,
        identity: Object,
    ) -> Result<BucketModel> {
        let name: String = identity.get("bucket")?;
        let region: Option<String> = identity.get("region")?;
        let account: Option<String> = identity.get("account_id")?;
        let mut sought = named(&name);
        sought.account_id = account.into();
        check_place(&clients_of(cx, region.as_ref())?, &sought)?;
        self.imported(cx, &name, region.as_deref()).await
    }

    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        match version {
            0 => Ok(upgrade::from_version_0(state)),
            _ => Err(Diagnostic::error(
                "State of an unsupported version",
                format!("auditlog_bucket has no upgrade from schema version {version}."),
            )
            .into()),
        }
    }
}

impl BucketResource {
    async fn imported(
        &self,
        cx: &Context<Account>,
        name: &str,
        region: Option<&str>,
    ) -> Result<BucketModel> {
        check_bucket_name(name).map_err(|wrong| {
            let detail =
                format!("An auditlog_bucket is imported by its name, or by NAME@REGION. {wrong}");
            Diagnostic::error("Not a bucket's name", detail)
        })?;
        let mut sought = named(name);
        sought.region = region.map(str::to_owned).into();
        self.read(cx, sought).await?.ok_or_else(|| {
            let detail = format!("The bucket {name:?} does not exist, so it cannot be imported.");
            Diagnostic::error("No such bucket", detail).into()
        })
    }
}

/// What a model says, as the checks of a plan read it.
fn object(model: &BucketModel) -> Object {
    let Value::Object(object) = model.to_value() else {
        return Object::new();
    };
    object
}

/// The clients of a bucket's region.
fn clients_of(cx: &Context<Account>, region: Option<&String>) -> Result<Clients> {
    cx.data().clients_in(region.map(String::as_str))
}

/// Compares what a declaration says of segments with the segments, in a bucket that is there.
async fn check_segments(
    cx: &Context<Account>,
    clients: &Clients,
    sides: (Option<&Object>, &Object),
) -> Result {
    let same = |prior: &&Object| prior.value("bucket") == sides.1.value("bucket");
    let prior = sides.0.filter(same);
    let bucket = prior.and_then(|prior| prior.value("bucket").as_str());
    let place = bucket.map(|bucket| (clients, bucket));
    let mut wrong = Diagnostics::new();
    wrong.take(ended::check(cx, (prior, sides.1), place).await);
    wrong.take(began::check(cx, (prior, sides.1), place, now()).await);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Gives a bucket of which only the beginning of the name is configured the rest of it.
fn named_by_prefix(mut planned: BucketModel) -> BucketModel {
    if let (None, Some(prefix)) = (planned.bucket.known(), &planned.bucket_prefix) {
        planned.bucket = Field::Known(name::unique(prefix));
    }
    planned
}

/// The state with the lock and the encryption that the bucket has now.
async fn found_now(clients: &Clients, prior: &BucketModel) -> Result<BucketModel> {
    let found = read_strength(clients, prior.name()?).await;
    let (retention, encryption) = found.map_err(|error| {
        error.diagnostic("The bucket cannot be read before it is changed", "bucket")
    })?;
    Ok(with_strength(prior, retention, encryption))
}

/// The checks of the plan once more, before the first write: what they met then may not have been known.
fn check_again(
    cx: &Context<Account>,
    clients: &Clients,
    prior: Option<&BucketModel>,
    planned: &BucketModel,
) -> Result {
    lock::check(cx.config())?;
    logs::check(cx.config())?;
    storage::check_logging(cx.config())?;
    let before = prior.map(|prior| declared(cx).unwrap_or_else(|| History::of(prior)));
    let history = before.unwrap_or_default();
    given::check(cx.config(), &history, Some(now()))?;
    began::check_past(cx.config(), now())?;
    name::check_begins(planned.bucket.known(), planned.bucket_prefix.as_deref())?;
    let encryption = applied_encryption(cx);
    if let Some(prior) = prior {
        let place = Place {
            clients,
            now: now(),
        };
        let before = ratchet::Before {
            state: &object(prior),
            history: &history,
            encryption: encryption.as_deref(),
            reading: reading_once_applied((prior, &history), planned, place)?,
        };
        if let Some(refused) = ratchet::judge(&before, &object(planned)).refused {
            return Err(refused.into());
        }
    }
    let by_list = access::lockout_by_list(planned, clients)?;
    let found = by_list.or(access::lockout_by_statement(planned, clients)?);
    found.map_or(Ok(()), |found: Lockout| Err(found.refused().into()))
}

/// What the policy that is about to be put does to the rights of those who read a log.
fn reading_once_applied(
    (prior, history): (&BucketModel, &History),
    planned: &BucketModel,
    place: Place<'_>,
) -> Result<ratchet::Reading> {
    let desired = desired(planned.clone(), history, place)?;
    let policy = access::bucket_policy(&desired.model, &desired.history, place)?;
    Ok(access::reading((prior, history), &policy, place))
}

/// S3 answers 403 for a bucket of another account, as for a permission that is missing. Of the region it says itself.
fn check_place(clients: &Clients, state: &BucketModel) -> Result {
    let place = Home {
        account: state.account_id.known().map(String::as_str),
        region: None,
    };
    let name = state.name()?;
    clients
        .check_place(&format!("the bucket {name:?}"), place)
        .map_err(|error| {
            error
                .diagnostic("The bucket is not in the provider's account", "account_id")
                .into()
        })
}

/// After a failure: what is there now becomes the state, so that the next plan starts from the truth. If it cannot be
/// read either, what was kept before stays.
async fn keep_what_is_there(cx: &Context<Account>, clients: &Clients, known: &BucketModel) {
    let Ok(name) = known.name() else { return };
    if let Ok(Some(parts)) = read_bucket(clients, name).await {
        let history = declared(cx);
        cx.keep(&seen(known, clients, parts, (history.as_ref(), now())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_a_version_that_nobody_wrote_is_refused() {
        let refused = BucketResource.upgrade(7, Object::new()).unwrap_err();
        let refused = refused.iter().next().unwrap();
        assert_eq!(refused.summary, "State of an unsupported version");
        assert_eq!(
            refused.detail,
            "auditlog_bucket has no upgrade from schema version 7."
        );
    }
}
