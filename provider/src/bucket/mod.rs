//! `auditlog_bucket`: an S3 bucket that is versioned, locked, closed and encrypted, or is not there at all.

mod create;
mod desired;
mod destroy;
mod model;
mod name;
mod plan;
mod schema;
mod state;
mod storage;

use tf_provider::{Context, Diagnostic, Object, Plan, Resource, Result, Schema};

use crate::account::{Account, clients};
use crate::aws::{
    Age, BucketSettings, Clients, Encryption, Place, check_encryption_key, converge_bucket,
    read_bucket,
};
use crate::retention::check_one_period;
use crate::tags;
use create::followed_date;
use desired::desired;
use model::BucketModel;
use name::check_bucket_name;
use plan::{plan_constants, weakenings};
use schema::schema;
use state::{named, seen, settled};
use storage::{check_logging, plan_storage};

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
        check_one_period(config)?;
        check_logging(config)
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        tags::plan(plan, cx.data())?;
        plan_constants(plan, cx.data().known());
        let warnings = plan_storage(plan)?;
        for warning in weakenings(plan).into_iter().chain(warnings) {
            cx.warn(warning);
        }
        Ok(())
    }

    async fn plan_destroy(&self, cx: &Context<Account>, state: BucketModel) -> Result {
        destroy::announce(cx, &state);
        Ok(())
    }

    async fn create(&self, cx: &Context<Account>, planned: BucketModel) -> Result<BucketModel> {
        let clients = clients(cx)?;
        create::create(cx, clients, planned).await
    }

    async fn read(&self, cx: &Context<Account>, state: BucketModel) -> Result<Option<BucketModel>> {
        let clients = clients(cx)?;
        check_place(clients, &state)?;
        let parts = read_bucket(clients, &state.bucket)
            .await
            .map_err(|error| error.diagnostic("The bucket cannot be read", "bucket"))?;
        let Some(parts) = parts else { return Ok(None) };
        let creation_date = followed_date(cx, clients, &state, &parts).await?;
        Ok(Some(seen(&state, clients, parts, creation_date)))
    }

    async fn update(
        &self,
        cx: &Context<Account>,
        prior: BucketModel,
        planned: BucketModel,
    ) -> Result<BucketModel> {
        let clients = clients(cx)?;
        check_place(clients, &prior)?;
        let settings = desired(clients, &planned)?;
        if planned.encryption != prior.encryption {
            check_key(cx, clients, &settings).await?;
        }
        match converge_bucket(clients, &planned.bucket, &settings, Age::Known).await {
            Ok(sse_c) => Ok(settled(planned, clients, sse_c, prior.creation_date)),
            Err(error) => {
                keep_what_is_there(cx, clients, &prior).await;
                Err(error
                    .diagnostic("The bucket was not changed, or only in part", "bucket")
                    .into())
            }
        }
    }

    async fn delete(&self, cx: &Context<Account>, state: BucketModel) -> Result {
        let clients = clients(cx)?;
        check_place(clients, &state)?;
        destroy::destroy(clients, &state).await
    }

    async fn import(&self, cx: &Context<Account>, id: String) -> Result<BucketModel> {
        check_bucket_name(&id).map_err(|wrong| {
            Diagnostic::error(
                "Not a bucket's name",
                format!("An auditlog_bucket is imported by its name. {wrong}"),
            )
        })?;
        let sought = named(&id);
        self.read(cx, sought.clone()).await?.ok_or_else(|| {
            Diagnostic::error(
                "No such bucket",
                format!("There is no bucket {:?} to import.", sought.bucket),
            )
            .into()
        })
    }
}

/// Checks the key of the encryption before anything is put: S3 accepts a key that it cannot use.
async fn check_key(cx: &Context<Account>, clients: &Clients, wanted: &BucketSettings) -> Result {
    let Encryption::SseKms {
        key_arn: Some(arn), ..
    } = &wanted.encryption
    else {
        return Ok(());
    };
    match check_encryption_key(clients, arn).await {
        Ok(()) => Ok(()),
        // who may not look at the key of another account may use it all the same
        Err(error) if error.is_denied() => {
            let detail = format!(
                "{error}. Check that the key is symmetric, enabled, and in the bucket's region: S3 does not."
            );
            cx.warn(Diagnostic::warning("The KMS key was not checked", detail).at("encryption"));
            Ok(())
        }
        Err(error) => Err(error
            .diagnostic("The KMS key cannot be used", "encryption")
            .into()),
    }
}

/// S3 answers 403 for a bucket of another account, as for a permission that is missing. Of the region it says itself.
fn check_place(clients: &Clients, state: &BucketModel) -> Result {
    let place = Place {
        account: state.account_id.known().map(String::as_str),
        region: None,
    };
    clients
        .check_place(&format!("the bucket {:?}", state.bucket), place)
        .map_err(|error| {
            error
                .diagnostic("The bucket is not in the provider's account", "account_id")
                .into()
        })
}

/// After a failure: what is there now becomes the state, so that the next plan starts from the truth. If it cannot be
/// read either, what was kept before stays.
async fn keep_what_is_there(cx: &Context<Account>, clients: &Clients, known: &BucketModel) {
    if let Ok(Some(parts)) = read_bucket(clients, &known.bucket).await {
        let mut state = seen(known, clients, parts, String::new());
        state.creation_date = known.creation_date.clone();
        cx.keep(&state);
    }
}
