//! The schema of `auditlog_verification`.

use tf_provider::{Attribute, Fields, Nested, Schema, Type};

use super::run::parse_timeout;
use crate::trust::values::parse_origin;

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description("Verifies audit logs against their trust policy, as `auditlog-verify` does, bounded by time and size. What is beyond the bounds is undecided, and an undecided verification never passes.")
        .attribute(
            "trust_policy",
            Attribute::required(Type::String)
                .description("Trust policy as JSON: `trust_policy` of an `auditlog_bucket`, `json` of an `auditlog_trust_policy`, or a file. It names the bucket."),
        )
        .attribute(
            "origins",
            Attribute::optional(Type::list(Type::String))
                .description("Origins of the logs to verify. Default: all logs of the trust policy.")
                .validate(|origins: Vec<String>| {
                    origins.iter().try_for_each(|origin| parse_origin(origin).map(drop))
                }),
        )
        .attribute(
            "folder",
            Attribute::optional(Type::String)
                .description("Folder that is a copy of the bucket, to verify in its place. Storage is not checked then. Default: the bucket of the trust policy."),
        )
        .attribute(
            "depth",
            Attribute::optional(Type::String)
                .description("`head` verifies the bucket's configuration, the listing of all versions, and the last segments of each log with their locks. Of the segments before, it finds those that are missing, hidden by a delete marker or have a second version; `not_checked` names them, since their contents and locks are not verified. `full` verifies every segment. Default: `head`, since data sources are read at every plan.")
                .one_of(["head", "full"]),
        )
        .attribute(
            "segments",
            Attribute::optional(Type::Number)
                .description("Number of the last segments of each log that `head` reads, beside those at the borders of absent ones. Default: 4.")
                .range("segments", 1..=100_000),
        );
    results(bounds(schema))
}

fn bounds(schema: Schema) -> Schema {
    schema
        .attribute(
            "timeout",
            Attribute::optional(Type::String)
                .description("Time after which nothing more is read, as a whole number and one unit of s, m, h and d. What was not read by then is undecided. Default: `60s`.")
                .validate(|text: String| parse_timeout(&text).map(drop)),
        )
        .attribute(
            "max_megabytes",
            Attribute::optional(Type::Number)
                .description("Megabytes of stored objects that are read at most. What is beyond them is undecided. Default: 256.")
                .range("megabytes", 1..=1_000_000),
        )
}

fn results(schema: Schema) -> Schema {
    schema
        .attribute("verified", Attribute::computed(Type::Bool).description("Whether the verdict is `verified`. False for a fault, and for anything that could not be read or decided."))
        .attribute("verdict", text("`verified`, `fault` or `no_verdict`."))
        .attribute("exit_code", number("Exit code of `auditlog-verify`: 0 verified, 1 fault, 2 no verdict."))
        .attribute("summary", text("One line: what was verified, from where to where, under which key, and what was not checked."))
        .attribute("logs", Attribute::computed(Nested::list(log_fields())).description("What was seen of each log."))
        .attribute("faults", Attribute::computed(Nested::list(finding_fields())).description("Faults, the first 100 of them."))
        .attribute("undecided", Attribute::computed(Nested::list(finding_fields())).description("What could not be read or decided, the first 100 of it."))
        .attribute("not_checked", Attribute::computed(Type::list(Type::String)).description("What was not checked."))
        .attribute("report", text("Whole report as JSON, as docs/report.schema.json describes it."))
}

fn log_fields() -> Fields {
    Fields::new()
        .attribute("origin", text("Origin of the log."))
        .attribute("verdict", text("Verdict on this log alone."))
        .attribute(
            "segments",
            number("Number of sound segments that were read."),
        )
        .attribute("entries", number("Number of entries in them."))
        .attribute("last_segment", number("Number of the last segment."))
        .attribute("size", number("Number of lines up to its end."))
        .attribute("root", text("RFC 6962 root over them, in base64."))
        .attribute("sealed", text("Time at which it was sealed, RFC 3339."))
        .attribute("stored", text("Time at which it was stored, RFC 3339."))
}

fn finding_fields() -> Fields {
    Fields::new()
        .attribute("code", text("Stable code, which has a page in docs/codes."))
        .attribute("message", text("What was found."))
        .attribute("log", text("Origin of the log."))
        .attribute("object", text("Key of the object."))
}

fn text(description: &str) -> Attribute {
    Attribute::computed(Type::String).description(description)
}

fn number(description: &str) -> Attribute {
    Attribute::computed(Type::Number).description(description)
}
