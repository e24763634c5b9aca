//! The schema of `auditlog_trust_policy_archive`.

use auditlog_chain::policy::TrustPolicy;
use tf_provider::{Attribute, Fields, Nested, Schema, Type};

use crate::region;
use crate::trust::model::mode_attribute;
use crate::trust::values::check_prefix;

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description("Trust policy as an object under a lock, one for each version of the policy. Nothing is written over or deleted.")
        .attribute(
            "bucket",
            Attribute::required(Type::String)
                .description("Name of a bucket with Object Lock. Another name makes a new resource; the objects in the old bucket stay.")
                .requires_replace(),
        )
        .attribute(
            "region",
            region::attribute("It must be that of the bucket. Another region makes a new resource.").requires_replace(),
        )
        .attribute(
            "prefix",
            Attribute::required(Type::String)
                .description("Prefix of the objects, ending in `/`, such as `trust-policies/`. In the bucket of the logs, it must be one of the policy's `declared_prefixes`. A change writes the policy under the new prefix; objects under the old one stay.")
                .validate(|prefix: String| check_folder(&prefix)),
        )
        .attribute(
            "trust_policy",
            Attribute::required(Type::String)
                .description("Trust policy as JSON: `trust_policy` of an `auditlog_bucket`, or `json` of an `auditlog_trust_policy`. A change writes a new object; those of earlier policies stay.")
                .validate(|json: String| check_policy(&json)),
        )
        .attribute(
            "object_lock",
            Attribute::optional(Nested::single(lock_fields()))
                .description("Lock of each object, counted from when it is stored. Default: the strongest mode and the longest retention that the policy declares. A change to a stronger lock is also made on the object that is there; a weaker one holds for later objects."),
        );
    computed(schema)
}

fn lock_fields() -> Fields {
    Fields::new()
        .attribute("mode", mode_attribute())
        .attribute(
        "days",
        Attribute::required(Type::Number)
            .description("Days for which an object is locked, 1 to 36500.")
            .range("days", 1..=36_500),
    )
    .attribute(
        "acknowledge_irreversible",
        Attribute::optional(Type::String).description(
            "Acknowledgement of COMPLIANCE, which nobody can end early: the mode and the days, such as `COMPLIANCE 2192 days`. Required \
             with COMPLIANCE. Default: none.",
        ),
    )
}

fn computed(schema: Schema) -> Schema {
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    schema
        .attribute(
            "key",
            text("Key of the object: the prefix, the SHA-256 of the policy, and `.json`."),
        )
        .attribute("sha256", text("SHA-256 of the object's bytes, in hex."))
        .attribute(
            "version_id",
            text("Id of the object's version that a reader gets."),
        )
        .attribute(
            "stored",
            text("Time at which the object was stored, RFC 3339."),
        )
        .attribute("mode", text("Object Lock mode of the object."))
        .attribute(
            "retain_until",
            text("Time until which the object is locked, RFC 3339."),
        )
}

fn check_folder(prefix: &str) -> Result<(), String> {
    match prefix.strip_suffix('/') {
        Some(folder) => check_prefix(folder),
        None => Err(format!("{prefix:?} does not end in \"/\".")),
    }
}

fn check_policy(json: &str) -> Result<(), String> {
    TrustPolicy::parse(json.as_bytes())
        .map(drop)
        .map_err(|error| format!("It is not a trust policy: {error}."))
}
