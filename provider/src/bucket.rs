//! `auditlog_bucket`: an S3 bucket that is versioned, locked, closed and encrypted, or is not there at all.

use std::time::SystemTime;

use tf_provider::{
    Attribute, Context, Diagnostic, Field, Fields, Nested, Object, Plan, Resource, Result, Schema,
    Type,
};

use crate::account::{Account, clients};
use crate::aws::{
    Age, Clients, Place, bucket_creation_date, converge_bucket, create_bucket, delete_bucket,
    read_bucket,
};
use crate::bucket_model::{BucketModel, named, seen, settings, settled};
use crate::bucket_name::check_bucket_name;
use crate::bucket_plan::{plan_constants, weakenings};
use crate::retention::{check_one_period, period_attributes};
use crate::tags;

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct BucketResource;

impl Resource for BucketResource {
    const NAME: &'static str = "auditlog_bucket";
    type Data = Account;
    type Model = BucketModel;

    fn schema(&self) -> Schema {
        let schema = Schema::new()
            .description("An S3 bucket for audit logs: Object Lock, versioning, no public access, TLS only.")
            .attribute(
                "bucket",
                Attribute::required(Type::String)
                    .description("Name of the bucket. Another name makes another bucket.")
                    .requires_replace()
                    .validate(|name: String| check_bucket_name(&name)),
            )
            .attribute(
                "object_lock",
                Attribute::required(Nested::single(period_attributes(Fields::new())))
                    .description("The lock that an object gets which names none. Exactly one of `days` and `years`."),
            )
            .attribute(
                "encryption",
                Attribute::optional(Nested::single(encryption_fields()))
                    .description("Encryption with a KMS key. Without it: SSE-S3, with keys that S3 keeps."),
            );
        computed(tags::add_to(schema))
    }

    fn validate(&self, config: &Object) -> Result {
        check_one_period(config)
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        tags::plan(plan, cx.data());
        plan_constants(plan, cx.data().known());
        for warning in weakenings(plan) {
            cx.warn(warning);
        }
        Ok(())
    }

    async fn create(&self, cx: &Context<Account>, planned: BucketModel) -> Result<BucketModel> {
        let clients = clients(cx)?;
        let settings = settings(clients, &planned)?;
        let name = planned.bucket.clone();
        create_bucket(clients, &name)
            .await
            .map_err(|error| error.diagnostic("The bucket was not created", "bucket"))?;
        // The bucket exists: from here on it must be in the state, whatever happens. A run that ends here leaves it
        // tainted; it is empty, so the next apply can replace it, and `terraform untaint` finishes it in place.
        cx.keep(&named(&name));
        let finished = async {
            converge_bucket(clients, &name, &settings, Age::New).await?;
            bucket_creation_date(clients, &name).await
        };
        match finished.await {
            Ok(date) => Ok(settled(planned, clients, date.into())),
            Err(error) => {
                keep_what_is_there(cx, clients, &named(&name)).await;
                Err(error
                    .diagnostic("The bucket was created, but not finished", "bucket")
                    .into())
            }
        }
    }

    async fn read(&self, cx: &Context<Account>, state: BucketModel) -> Result<Option<BucketModel>> {
        let clients = clients(cx)?;
        check_place(clients, &state)?;
        let parts = read_bucket(clients, &state.bucket)
            .await
            .map_err(|error| error.diagnostic("The bucket cannot be read", "bucket"))?;
        let Some(parts) = parts else { return Ok(None) };
        let creation_date = match &state.creation_date {
            // read once: S3 may move it when the policy changes
            Field::Known(date) => date.clone(),
            Field::Null | Field::Unknown => bucket_creation_date(clients, &state.bucket)
                .await
                .map_err(|error| {
                    error.diagnostic("The bucket's creation date cannot be read", "creation_date")
                })?,
        };
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
        let settings = settings(clients, &planned)?;
        match converge_bucket(clients, &planned.bucket, &settings, Age::Known).await {
            Ok(()) => Ok(settled(planned, clients, prior.creation_date)),
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
        delete_bucket(clients, &state.bucket, SystemTime::now())
            .await
            .map_err(|error| {
                error
                    .diagnostic("The bucket was not deleted", "bucket")
                    .into()
            })
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

fn encryption_fields() -> Fields {
    Fields::new()
        .attribute(
            "kms_key_arn",
            Attribute::required(Type::String)
                .description("ARN of a symmetric KMS key. Whoever deletes that key makes the logs unreadable.")
                .validate(|arn: String| {
                    if arn.starts_with("arn:") && arn.contains(":kms:") && arn.contains(":key/") {
                        return Ok(());
                    }
                    Err(format!("{arn:?} is not the ARN of a KMS key (`arn:aws:kms:…:key/…`)."))
                }),
        )
        .attribute(
            "bucket_key_enabled",
            Attribute::optional(Type::Bool)
                .default(true)
                .description("Whether S3 derives a key for the bucket, which saves calls to KMS. On by default."),
        )
}

fn computed(schema: Schema) -> Schema {
    let once = |text: &str| {
        Attribute::computed(Type::String)
            .use_state_for_unknown()
            .description(text)
    };
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    let switch = || Attribute::computed(Type::Bool);
    schema
        .attribute("id", once("The bucket's name."))
        .attribute("arn", once("ARN of the bucket."))
        .attribute("region", once("Region of the bucket."))
        .attribute("account_id", once("Account that the bucket was made in."))
        .attribute("creation_date", once("When the bucket was made, RFC 3339."))
        .attribute("versioning", text("Always `Enabled`."))
        .attribute("object_lock_enabled", switch().description("Always true."))
        .attribute(
            "object_ownership",
            text("Always `BucketOwnerEnforced`: ACLs have no effect."),
        )
        .attribute(
            "sse_algorithm",
            text("`AES256`, or `aws:kms` with `encryption`."),
        )
        .attribute(
            "policy",
            text("The bucket policy as JSON: TLS 1.2 or newer, nothing else is let in."),
        )
        .attribute(
            "public_access_block",
            Attribute::computed(Nested::single(
                Fields::new()
                    .attribute("block_public_acls", switch())
                    .attribute("ignore_public_acls", switch())
                    .attribute("block_public_policy", switch())
                    .attribute("restrict_public_buckets", switch()),
            ))
            .description("Always all four on: nobody can make the bucket public."),
        )
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
