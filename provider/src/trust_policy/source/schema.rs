//! The schema of `auditlog_trust_policy`.

use tf_provider::{Attribute, Field, Fields, Nested, Schema, Type};

use crate::account::check_account;
use crate::trust::keys::{given_compromised_fields, trust_fields};
use crate::trust::model::{ended_fields, lock_span_fields, parse_silence, silence_span_fields};
use crate::trust::values::{check_acknowledged, check_prefix, parse_origin, parse_pem, parse_time};

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description("Trust policy of logs in a folder, or in a bucket that no `auditlog_bucket` manages: what was declared, as the one document that `auditlog-verify` needs.")
        .attribute("bucket", optional("Name of the bucket. Default: the logs are in a folder."))
        .attribute("region", optional("Region of the bucket. Required with `bucket`."))
        .attribute(
            "account_id",
            optional("Account that owns the bucket, twelve digits. Required with `bucket`.")
                .validate(|account: String| check_account(&account)),
        )
        .attribute(
            "lock_spans",
            Attribute::required(Nested::list(lock_span_fields()))
                .description("Declared locks with the times from which they hold, the earliest first. A change is a span of its own, because S3 leaves existing objects alone. Add spans at the end and keep the old ones."),
        )
        .attribute(
            "max_silence",
            silence("How long a log may go without a new segment before its silence is a finding, as a whole number and one unit of s, m, h and d. Default: `25h`. Retention must be at least twice as long."),
        )
        .attribute("logs", Attribute::required(Nested::list(log_fields())).description("Logs, at least one."))
        .together(["bucket", "region", "account_id"]);
    computed(with_keys(schema))
        .attribute(
            "declared_prefixes",
            Attribute::optional(Type::list(Type::String))
                .description("Prefixes, each ending in `/`, under which the bucket may contain anything else. Default: none, so that every other object is a finding."),
        )
        .attribute(
            "acknowledged",
            Attribute::optional(Type::list(Type::String))
                .description("Findings that a person has explained, each as the JSON object that the verifier prints. They are still listed and no longer fail a run. Default: none.")
                .validate(|entries: Vec<Field<String>>| check_acknowledged(&entries)),
        )
}

fn with_keys(schema: Schema) -> Schema {
    schema
        .attribute(
            "signing_key",
            Attribute::optional(Nested::single(trust_fields()))
                .description("`trust` of the `auditlog_signing_key` that signs the logs that have no keys of their own, with all its versions. Default: none."),
        )
        .attribute(
            "keys",
            Attribute::optional(Nested::list(key_fields()))
                .description("Further keys that may sign the logs that have no keys of their own. Default: none."),
        )
}

fn computed(schema: Schema) -> Schema {
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    schema
        .attribute(
            "json",
            text("Trust policy as JSON. Write it to a file unchanged."),
        )
        .attribute("sha256", text("SHA-256 of `json`, in hex."))
}

fn log_fields() -> Fields {
    let fields = Fields::new()
        .attribute(
            "origin",
            Attribute::required(Type::String)
                .description("Unique name of the log, a URL without a scheme such as `acme.example/audit/payments`.")
                .validate(|origin: String| parse_origin(&origin).map(drop)),
        )
        .attribute(
            "prefix",
            optional("Prefix of its segments. Default: the last part of the origin.")
                .validate(|prefix: String| check_prefix(&prefix)),
        )
        .attribute(
            "format",
            Attribute::optional(Type::Number)
                .description("Number of its format. Default: 1, the only one that this version can verify.")
                .range("formats", 1..=u32::MAX),
        )
        .attribute("began", optional_time("Time from which it must have segments, RFC 3339. Default: the first `from` of `lock_spans`."))
        .attribute("max_silence", silence("How long this log may go without a new segment. Default: the `max_silence` of all logs."))
        .attribute(
            "max_silence_spans",
            Attribute::optional(Nested::list(silence_span_fields()))
                .description("Silences with the times from which they hold, the earliest first, in place of `max_silence`: for a log whose silence was changed. Default: none."),
        )
        .attribute(
            "lock_spans",
            Attribute::optional(Nested::list(lock_span_fields()))
                .description("Lock of this log, in place of the `lock_spans` of all logs. Default: those."),
        );
    keys_and_end(fields)
}

fn keys_and_end(fields: Fields) -> Fields {
    fields
        .attribute(
            "signing_key",
            Attribute::optional(Nested::single(trust_fields()))
                .description("`trust` of the `auditlog_signing_key` that signs this log, in place of the keys of all logs. Default: none."),
        )
        .attribute(
            "keys",
            Attribute::optional(Nested::list(key_fields()))
                .description("Further keys that may sign this log, in place of the keys of all logs. Default: none."),
        )
        .attribute(
            "ended",
            Attribute::optional(Nested::single(ended_fields(
                Attribute::optional(Type::String).description(
                    "Time at which the last segment was stored, RFC 3339: its `LastModified`. Required for a log in a bucket.",
                ),
            )))
                .description("Declared end of the log. Versions that are stored later are disowned, and the log may become empty. Default: the log goes on."),
        )
}

fn key_fields() -> Fields {
    Fields::new()
        .attribute(
            "public_key",
            Attribute::required(Type::String)
                .description("Public key as PEM.")
                .validate(|pem: String| parse_pem(&pem).map(drop)),
        )
        .attribute("arn", optional("ARN of the key in KMS. Default: a key in a file."))
        .attribute(
            "valid_from",
            Attribute::required(Type::String)
                .description("Time from which the key may sign, RFC 3339.")
                .validate(|text: String| parse_time(&text).map(drop)),
        )
        .attribute("retired_at", optional_time("Time from which the key must not sign, RFC 3339. Default: it may sign."))
        .attribute("lost_at", optional_time("Time at which the key was lost, RFC 3339. A rotation away from it then needs no signature of it. Default: it was not."))
        .attribute(
            "compromised",
            Attribute::optional(Nested::single(given_compromised_fields()))
                .description("Since when somebody else may have signed with the key, and up to where its signatures count. Default: nobody may."),
        )
}

fn optional(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

fn optional_time(description: &str) -> Attribute {
    optional(description).validate(|text: String| parse_time(&text).map(drop))
}

fn silence(description: &str) -> Attribute {
    optional(description).validate(|text: String| parse_silence(&text).map(drop))
}
