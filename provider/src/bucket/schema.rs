//! The schema of `auditlog_bucket`.

use tf_provider::{Attribute, Fields, Nested, Schema, Type};

use super::destroy;
use super::name::check_bucket_name;
use super::storage::{logging_attribute, storage_attribute};
use crate::retention::period_attributes;
use crate::tags;

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description(
            "An S3 bucket for audit logs: Object Lock, versioning, no public access, TLS only.",
        )
        .attribute(
            "bucket",
            Attribute::required(Type::String)
                .description("Name of the bucket. Another name makes another bucket.")
                .requires_replace()
                .validate(|name: String| check_bucket_name(&name)),
        )
        .attribute(
            "object_lock",
            Attribute::required(Nested::single(period_attributes(Fields::new()))).description(
                "The lock that an object gets which names none. Exactly one of `days` and `years`.",
            ),
        )
        .attribute(
            "encryption",
            Attribute::optional(Nested::single(encryption_fields())).description(
                "Encryption with a KMS key. Without it: SSE-S3, with keys that S3 keeps.",
            ),
        );
    let schema = schema
        .attribute("storage", storage_attribute())
        .attribute("logging", logging_attribute())
        .attribute("on_destroy", destroy::attribute());
    computed(tags::add_to(schema))
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
        .attribute("creation_date", once("When the bucket was created, RFC 3339. It follows a bucket that was deleted and created again."))
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
            "sse_c",
            text(
                "Whether S3 refuses objects that are encrypted with a key of the writer's own (SSE-C): always `blocked`, or \
                 `unsupported` where the endpoint does not know the setting.",
            ),
        )
        .attribute(
            "lifecycle_rules",
            Attribute::computed(Type::list(Type::String)).description(
                "Lifecycle rules of the bucket, each as one line. Apply removes rules of others.",
            ),
        )
        .attribute(
            "event_hold",
            text(
                "Default event hold that somebody has set on the bucket, such as `30 days`. The provider shows it and leaves it \
                 alone.",
            ),
        )
        .attribute(
            "foreign",
            Attribute::computed(Type::list(Type::String)).description(
                "Replication, notifications and inventory that others have set up, each as one line. The provider shows them \
                 and leaves them alone.",
            ),
        )
        .attribute(
            "policy",
            text("The bucket policy as JSON: TLS 1.2 or newer, nothing else is let in."),
        )
        .attribute(
            "public_access_block",
            Attribute::computed(Nested::single(
                Fields::new()
                    .attribute("block_public_acls", switch().description("Whether ACLs that would make anything public are refused."))
                    .attribute("ignore_public_acls", switch().description("Whether public ACLs have no effect."))
                    .attribute("block_public_policy", switch().description("Whether bucket policies that would make the bucket public are refused."))
                    .attribute("restrict_public_buckets", switch().description("Whether a public policy lets in only the account and AWS services.")),
            ))
            .description("Always all four on: nobody can make the bucket public."),
        )
}
