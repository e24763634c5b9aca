//! `auditlog_bucket`: an S3 bucket that is versioned, locked, closed and encrypted, or is not there at all.

use std::time::SystemTime;

use auditlog_chain::policy::LockMode;
use tf_provider::{
    Attribute, Context, Diagnostic, Field, Fields, Nested, Number, Object, Plan, Resource, Result,
    Schema, Type, model,
};

use crate::account::{Account, clients};
use crate::aws::{
    Age, BucketParts, BucketSettings, Clients, DefaultRetention, Encryption, OWNERSHIP, Period,
    Place, Tags, VERSIONING, bucket_creation_date, converge_bucket, create_bucket, delete_bucket,
    format_tls_only_policy, partition, policies_agree, read_bucket,
};
use crate::bucket_name::check_bucket_name;
use crate::bucket_plan::{check_one_period, plan_constants, weakenings};
use crate::range::check_range;
use crate::tags;

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct BucketResource;

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct BucketModel {
        bucket: String,
        // absent from the state alone, where the bucket has no default retention
        object_lock: Option<ObjectLock>,
        encryption: Option<EncryptionModel>,
        tags: Option<Tags>,
        tags_all: Field<Tags>,
        id: Field<String>,
        arn: Field<String>,
        region: Field<String>,
        account_id: Field<String>,
        creation_date: Field<String>,
        versioning: Field<String>,
        object_lock_enabled: Field<bool>,
        public_access_block: Field<PublicAccessBlock>,
        object_ownership: Field<String>,
        sse_algorithm: Field<String>,
        policy: Field<String>,
    }

    /// The lock that an object gets which names none.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ObjectLock {
        mode: String,
        days: Option<u32>,
        years: Option<u32>,
    }

    /// SSE-KMS in place of SSE-S3.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EncryptionModel {
        kms_key_arn: String,
        bucket_key_enabled: bool,
    }

    /// The four blocks of public access.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PublicAccessBlock {
        block_public_acls: bool,
        ignore_public_acls: bool,
        block_public_policy: bool,
        restrict_public_buckets: bool,
    }
}

pub(crate) const SSE_S3: &str = "AES256";
pub(crate) const SSE_KMS: &str = "aws:kms";

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
        cx.keep(&half_made(&planned));
        let finished = async {
            converge_bucket(clients, &name, &settings, Age::New).await?;
            bucket_creation_date(clients, &name).await
        };
        match finished.await {
            Ok(date) => Ok(settled(planned, clients, date.into())),
            Err(error) => {
                keep_what_is_there(cx, clients, &half_made(&planned)).await;
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
                    .diagnostic("The bucket was not changed, or in part", "bucket")
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
        let sought = BucketModel {
            bucket: id,
            ..BucketModel::default()
        };
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

/// Mode, days and years, as the bucket and the trust policy have them.
pub(crate) fn period_attributes(fields: Fields) -> Fields {
    fields
        .attribute(
            "mode",
            Attribute::required(Type::String)
                .description("`GOVERNANCE` (can be bypassed with a special permission) or `COMPLIANCE` (by nobody).")
                .one_of(["GOVERNANCE", "COMPLIANCE"]),
        )
        .attribute("days", period("Days, 1 to 36500.", Period::MAX_DAYS, "days"))
        .attribute("years", period("Years of 365 days, 1 to 100.", Period::MAX_YEARS, "years"))
}

fn period(description: &str, most: u32, unit: &'static str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .validate(move |number: Number| check_range(&number, 1..=most, unit))
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
        .attribute("region", once("Region that the bucket lies in."))
        .attribute("account_id", once("Account that the bucket was made in."))
        .attribute("creation_date", once("When the bucket was made, RFC 3339."))
        .attribute("versioning", text("Always `Enabled`."))
        .attribute("object_lock_enabled", switch().description("Always true."))
        .attribute(
            "object_ownership",
            text("Always `BucketOwnerEnforced`: ACLs count for nothing."),
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

pub(crate) fn parse_lock(lock: &ObjectLock) -> Option<DefaultRetention> {
    Some(DefaultRetention {
        mode: LockMode::parse(&lock.mode)?,
        period: lock
            .days
            .map(Period::Days)
            .or(lock.years.map(Period::Years))?,
    })
}

fn settings(clients: &Clients, planned: &BucketModel) -> Result<BucketSettings> {
    let retention = planned
        .object_lock
        .as_ref()
        .and_then(parse_lock)
        .ok_or_else(|| {
            Diagnostic::error(
                "No retention",
                "A mode and one of days and years have to be known by now.",
            )
            .at("object_lock")
        })?;
    let encryption = planned
        .encryption
        .as_ref()
        .map_or(Encryption::SseS3, |kms| Encryption::SseKms {
            key_arn: Some(kms.kms_key_arn.clone()),
            bucket_key: kms.bucket_key_enabled,
        });
    Ok(BucketSettings {
        retention,
        encryption,
        policy: format_tls_only_policy(partition(clients.region()), &planned.bucket),
        tags: tags::wanted(clients.default_tags(), planned.tags.as_ref()),
    })
}

/// The state of a bucket of which only the name is sure.
fn half_made(planned: &BucketModel) -> BucketModel {
    BucketModel {
        bucket: planned.bucket.clone(),
        id: Field::Known(planned.bucket.clone()),
        ..BucketModel::default()
    }
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

/// The state after everything was done as planned.
fn settled(planned: BucketModel, clients: &Clients, creation_date: Field<String>) -> BucketModel {
    let wanted = tags::wanted(clients.default_tags(), planned.tags.as_ref());
    let partition = partition(clients.region());
    let keep =
        |field: Field<String>, value: String| Field::Known(field.into_known().unwrap_or(value));
    BucketModel {
        tags_all: Field::Known(wanted),
        id: Field::Known(planned.bucket.clone()),
        arn: keep(
            planned.arn,
            format!("arn:{partition}:s3:::{}", planned.bucket),
        ),
        region: keep(planned.region, clients.region().to_owned()),
        account_id: match planned.account_id {
            Field::Unknown => clients.account_id().map(str::to_owned).into(),
            known @ (Field::Null | Field::Known(_)) => known,
        },
        creation_date: match planned.creation_date {
            Field::Known(date) => Field::Known(date),
            Field::Null | Field::Unknown => creation_date,
        },
        versioning: Field::Known(VERSIONING.to_owned()),
        object_lock_enabled: Field::Known(true),
        public_access_block: Field::Known(crate::aws::PublicAccessBlock::ALL.into()),
        object_ownership: Field::Known(OWNERSHIP.to_owned()),
        sse_algorithm: Field::Known(
            if planned.encryption.is_some() {
                SSE_KMS
            } else {
                SSE_S3
            }
            .to_owned(),
        ),
        policy: Field::Known(format_tls_only_policy(partition, &planned.bucket)),
        bucket: planned.bucket,
        object_lock: planned.object_lock,
        encryption: planned.encryption,
        tags: planned.tags,
    }
}

/// The state of a bucket as it was found.
fn seen(
    known: &BucketModel,
    clients: &Clients,
    parts: BucketParts,
    creation_date: String,
) -> BucketModel {
    let partition = partition(&parts.region);
    let ours = format_tls_only_policy(partition, &known.bucket);
    let (tags, tags_all) = tags::split(
        &parts.tags,
        clients.default_tags(),
        known.tags.as_ref(),
        &known.tags_all,
    );
    let (encryption, algorithm) = match parts.encryption {
        Encryption::SseS3 => (None, SSE_S3.to_owned()),
        Encryption::SseKms {
            key_arn,
            bucket_key,
        } => {
            let kms = key_arn.map(|arn| EncryptionModel {
                kms_key_arn: arn,
                bucket_key_enabled: bucket_key,
            });
            (kms, SSE_KMS.to_owned())
        }
        Encryption::Other(algorithm) => (None, algorithm),
    };
    BucketModel {
        bucket: known.bucket.clone(),
        object_lock: parts.retention.map(ObjectLock::from),
        encryption,
        tags,
        tags_all,
        id: Field::Known(known.bucket.clone()),
        arn: Field::Known(format!("arn:{partition}:s3:::{}", known.bucket)),
        region: Field::Known(parts.region),
        // an account that is not asked for any more is still the one
        account_id: clients
            .account_id()
            .map(str::to_owned)
            .or(known.account_id.known().cloned())
            .into(),
        creation_date: Field::Known(creation_date),
        versioning: Field::Known(parts.versioning),
        object_lock_enabled: Field::Known(parts.object_lock),
        public_access_block: Field::Known(parts.public_access_block.into()),
        object_ownership: Field::Known(parts.ownership),
        sse_algorithm: Field::Known(algorithm),
        // S3 may return our policy in another order; only another meaning is drift
        policy: parts
            .policy
            .map(|found| {
                if policies_agree(&found, &ours) {
                    ours
                } else {
                    found
                }
            })
            .into(),
    }
}

impl From<DefaultRetention> for ObjectLock {
    fn from(retention: DefaultRetention) -> Self {
        let (days, years) = match retention.period {
            Period::Days(days) => (Some(days), None),
            Period::Years(years) => (None, Some(years)),
        };
        Self {
            mode: retention.mode.as_str().to_owned(),
            days,
            years,
        }
    }
}

impl From<crate::aws::PublicAccessBlock> for PublicAccessBlock {
    fn from(block: crate::aws::PublicAccessBlock) -> Self {
        Self {
            block_public_acls: block.block_public_acls,
            ignore_public_acls: block.ignore_public_acls,
            block_public_policy: block.block_public_policy,
            restrict_public_buckets: block.restrict_public_buckets,
        }
    }
}
