//! `auditlog_trust_policy_archive`: the trust policy under a lock, one object for each version of it.
//!
//! The key of an object has the SHA-256 of its bytes, and an object is only written where its key is not taken: nothing is ever
//! written over, and a policy that comes back finds its object.

mod import;
mod lock;
mod model;
mod plan;
mod replaced;
mod schema;

use std::time::SystemTime;

use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Diagnostics, Object, Plan, Resource, Result, Schema};

use crate::account::Account;
use crate::aws::{Archived, Clients, Put, Retention, lengthen, put_archived, read_archived};
use crate::error::Error;
use import::Sought;
use lock::{declared_lock, is_locked, retention};
pub use model::ArchiveModel;
use replaced::replaced;

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct TrustPolicyArchiveResource;

impl Resource for TrustPolicyArchiveResource {
    const NAME: &'static str = "auditlog_trust_policy_archive";
    type Data = Account;
    type Model = ArchiveModel;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, config: &Object) -> Result {
        let mut found = Diagnostics::new();
        found.take(plan::check_declared(config));
        found.take(plan::check_acknowledged(config));
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        if let Some(clients) = cx.data().known() {
            plan::place(plan, clients.region());
        }
        plan::plan(plan);
        if let Some(warning) = plan::irreversible(plan, now()) {
            cx.warn(warning);
        }
        Ok(())
    }

    async fn plan_destroy(&self, cx: &Context<Account>, state: ArchiveModel) -> Result {
        cx.warn(stays(&state));
        Ok(())
    }

    async fn create(&self, cx: &Context<Account>, planned: ArchiveModel) -> Result<ArchiveModel> {
        plan::check_acknowledged(cx.config())?;
        let clients = clients_of(cx, &planned)?;
        store(&clients, planned).await
    }

    async fn read(
        &self,
        cx: &Context<Account>,
        state: ArchiveModel,
    ) -> Result<Option<ArchiveModel>> {
        let clients = clients_of(cx, &state)?;
        let found = read_archived(&clients, &state.place()).await;
        let found = found
            .map_err(|error| error.diagnostic("The archived policy cannot be read", "bucket"))?;
        Ok(found.map(|found| state.with(found, clients.region())))
    }

    async fn update(
        &self,
        cx: &Context<Account>,
        _: ArchiveModel,
        planned: ArchiveModel,
    ) -> Result<ArchiveModel> {
        plan::check_acknowledged(cx.config())?;
        let clients = clients_of(cx, &planned)?;
        store(&clients, planned).await
    }

    async fn delete(&self, _: &Context<Account>, _: ArchiveModel) -> Result {
        // it is locked, and outlives what declared it on purpose
        Ok(())
    }

    async fn import(&self, cx: &Context<Account>, id: String) -> Result<ArchiveModel> {
        let sought = Sought::parse(&id)?;
        sought.read(&cx.data().clients_in(sought.region)?).await
    }
}

/// The clients of the bucket's region.
fn clients_of(cx: &Context<Account>, archive: &ArchiveModel) -> Result<Clients> {
    let region = archive.region.known();
    cx.data().clients_in(region.map(String::as_str))
}

fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now()).unwrap_or(Timestamp::MAX)
}

/// What a destroy leaves behind.
fn stays(state: &ArchiveModel) -> Diagnostic {
    let place = state.place();
    let until = state
        .retain_until
        .known()
        .map_or("its retention ends", String::as_str);
    let detail = format!(
        "s3://{}/{} is locked until {until}. Terraform forgets it; it stays in the bucket, and so do those of earlier policies.",
        place.bucket, place.key
    );
    Diagnostic::warning("The archived trust policy is not deleted", detail)
}

/// Writes the policy where it is not there yet, and locks it for as long as is declared.
async fn store(clients: &Clients, planned: ArchiveModel) -> Result<ArchiveModel> {
    let lock = declared_lock(&planned)?;
    let wanted = retention(lock, now());
    let failed =
        |error: Error| error.diagnostic("The trust policy was not archived", "trust_policy");
    let stored = put_or_find(clients, &planned, wanted)
        .await
        .map_err(failed)?;
    let Some(found) = stored else {
        let detail = format!(
            "S3 has no object {:?} after it was written.",
            planned.place().key
        );
        return Err(
            Diagnostic::error("The trust policy was not archived", detail)
                .at("trust_policy")
                .into(),
        );
    };
    if found.sha256 != TrustPolicy::digest(planned.trust_policy.as_bytes()) {
        return Err(replaced(&planned, &found, now()).into());
    }
    if is_locked(&found, lock) {
        return Ok(planned.with(found, clients.region()));
    }
    let until = found
        .retain_until
        .map_or(wanted.until, |until| until.max(wanted.until));
    let mode = found.mode.as_deref().and_then(LockMode::parse);
    let longer = Retention {
        mode: wanted.mode.max(mode.unwrap_or(wanted.mode)),
        until,
    };
    lengthen(
        clients,
        &planned.place(),
        found.version_id.as_deref(),
        longer,
    )
    .await
    .map_err(failed)?;
    let locked = Archived {
        mode: Some(longer.mode.as_str().to_owned()),
        retain_until: Some(longer.until),
        ..found
    };
    Ok(planned.with(locked, clients.region()))
}

async fn put_or_find(
    clients: &Clients,
    planned: &ArchiveModel,
    wanted: Retention,
) -> Result<Option<Archived>, Error> {
    let place = planned.place();
    if let Some(found) = read_archived(clients, &place).await? {
        return Ok(Some(found));
    }
    match put_archived(clients, &place, planned.trust_policy.as_bytes(), wanted).await? {
        Put::New | Put::Taken => read_archived(clients, &place).await,
    }
}
