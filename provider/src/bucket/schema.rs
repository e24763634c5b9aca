//! The schema of `auditlog_bucket`.

use tf_provider::{Attribute, Field, Fields, Nested, Schema, Type};

use super::destroy;
use super::lock::{DEFAULT_NOTICE, check_notice};
use super::logs::DEFAULT_SILENCE;
use super::name::{check_bucket_name, check_prefix};
use super::ratchet::ALLOW;
use super::storage::{logging_attribute, storage_attribute};
use crate::aws::Period;
use crate::region;
use crate::tags;
use crate::trust::keys::trust_fields;
use crate::trust::model::{
    ended_fields, lock_span_fields, mode_attribute, parse_silence, silence_span_fields,
};
use crate::trust::preset::Preset;
use crate::trust::values::{check_acknowledged, parse_origin, parse_time};

/// The version of the state's shape.
const VERSION: i64 = 1;

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .version(VERSION)
        .description(
            "An S3 bucket for audit logs, and the logs in it: Object Lock, versioning, no public access, TLS only. It exports the trust \
             policy that `auditlog-verify` compares the bucket with.",
        )
        .exactly_one_of(["bucket", "bucket_prefix"])
        .attribute(
            "bucket",
            Attribute::optional_computed(Type::String)
                .description(
                    "Name of the bucket. Another name makes another bucket, which is refused as long as this one holds anything. Exactly one of it and `bucket_prefix`.",
                )
                .use_state_for_unknown()
                .requires_replace()
                .validate(|name: String| check_bucket_name(&name)),
        )
        .attribute(
            "bucket_prefix",
            Attribute::optional(Type::String)
                .description(
                    "Beginning of the bucket's name, at most 37 characters; the provider adds the rest when it creates the bucket. A \
                     prefix that the name does not begin with makes another bucket. Exactly one of it and `bucket`.",
                )
                .validate(|prefix: String| check_prefix(&prefix)),
        )
        .attribute("region", region::attribute("Another region makes another bucket, which is refused as long as this one holds anything.").requires_replace())
        .attribute(
            "object_lock",
            Attribute::required(Nested::single(lock_fields())).description(
                "Default retention for objects that set none, and the retention that the trust policy declares. Exactly one of `days` and \
                 `years`, unless `preset` is set. A change leaves existing objects alone.",
            ),
        )
        .attribute(
            "encryption",
            Attribute::optional(Nested::single(encryption_fields())).description(
                "Encryption with a KMS key. Default: SSE-S3, with keys that S3 keeps. A change holds for new objects; existing ones keep theirs. To \
                 leave it out needs `allow_weakening`.",
            ),
        );
    let schema = schema
        .attribute("storage", storage_attribute())
        .attribute("logging", logging_attribute())
        .attribute("on_destroy", destroy::attribute())
        .attribute(
            ALLOW,
            Attribute::optional(Type::list(Type::String)).description(
                "Changes that weaken the bucket and are meant, each in the words of the error that asks for it, such as `retention 2192d -> \
                 365d`. An entry that allows nothing gives a warning. Default: none. A change does nothing by itself.",
            ),
        );
    computed(principals(logs(tags::add_to(schema))))
}

fn text(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

fn lock_fields() -> Fields {
    period_fields()
        .attribute(
            "acknowledge_irreversible",
            text(
                "Acknowledgement of COMPLIANCE, which nobody can end early: the mode and the days, such as `COMPLIANCE 2192 days`. \
                 Required with COMPLIANCE. A change does nothing by itself.",
            ),
        )
        .attribute(
            "notice",
            Attribute::optional(Type::String)
                .default(DEFAULT_NOTICE)
                .validate(|text: String| check_notice(&text))
                .description(
                    "Time between the apply of a stronger lock and the beginning of its span in the trust policy, in which sealers get \
                     the new file, at most `29d`. A change holds for later changes of the lock. Default: `1d`.",
                ),
        )
}

fn period_fields() -> Fields {
    Fields::new()
        .attribute(
            "mode",
            mode_attribute().description(
                "`GOVERNANCE` (can be bypassed with a special permission) or `COMPLIANCE` (by nobody). A change to COMPLIANCE begins after \
                 `object_lock.notice`; a change to GOVERNANCE needs `allow_weakening`.",
            ),
        )
        .attribute(
            "days",
            period("Retention in days, 1 to 36500. Exactly one of it and `years`, unless `preset` is set. A change to more begins after `object_lock.notice`; a change to less needs `allow_weakening`.", Period::MAX_DAYS, "days"),
        )
        .attribute(
            "years",
            period("Retention in years of 365 days, 1 to 100. Exactly one of it and `days`, unless `preset` is set. A change to more begins after `object_lock.notice`; a change to less needs `allow_weakening`.", Period::MAX_YEARS, "years"),
        )
        .attribute(
            "preset",
            text(
                "Rule whose retention is the minimum, and the default where neither `days` nor `years` is set: `finra-4511`, `hipaa`, \
                 `pci-dss-10` or `sec-17a-4`. It sets nothing else that the rule asks for, and is not legal advice. Default: none. A change counts as one of the days.",
            )
            .one_of(Preset::names()),
        )
}

fn period(description: &str, most: u32, unit: &'static str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .range(unit, 1..=most)
}

fn encryption_fields() -> Fields {
    Fields::new()
        .attribute(
            "kms_key_arn",
            Attribute::required(Type::String)
                .description(
                    "ARN of a symmetric KMS key. Plan and apply check that it is enabled, symmetric and in the bucket's region. Whoever deletes that \
                     key makes the logs unreadable. Another key encrypts new objects; existing ones keep theirs.",
                )
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
                .description("Whether S3 derives a key for the bucket, which saves calls to KMS. Default: true. A change holds for new objects."),
        )
}

fn logs(schema: Schema) -> Schema {
    schema
        .attribute(
            "logs",
            Attribute::optional(Nested::map(log_fields()))
                .description(
                    "Logs by name. Names have 1 to 64 letters, digits and `-_.`. A log is ended by `ended`, and is never removed while its \
                     segments are in the bucket. Default: none. Another log begins when it is added.",
                ),
        )
        .attribute(
            "declared_prefixes",
            Attribute::optional(Type::list(Type::String)).description(
                "Prefixes, each ending in `/`, under which the bucket may contain anything else. The verifier does not look at it. They overlap neither a log nor what `log_delivery` delivers. Default: none. A change makes a new trust policy.",
            ),
        )
        .attribute(
            "acknowledged",
            Attribute::optional(Type::list(Type::String)).description(
                "Findings that a person has explained, each as the JSON object that the verifier prints. They are still found, and do not \
                 change its exit code. Default: none. A change makes a new trust policy.",
            )
            .validate(|entries: Vec<Field<String>>| check_acknowledged(&entries)),
        )
}

fn arns(description: &str) -> Attribute {
    Attribute::optional(Type::set(Type::String)).description(description)
}

fn principals(schema: Schema) -> Schema {
    schema
        .attribute(
            "administrators",
            arns(
                "ARNs of the roles and users that may change the bucket's lock, versioning, policy, lifecycle, encryption, public access \
                 block, ownership, replication and tags (not those of a bucket with ABAC, which `s3:TagResource` changes: IAM alone \
                 decides on it). Terraform's own role must be among them. Default: IAM alone decides. A change replaces the bucket policy \
                 in place; one more principal, or to leave the list out, needs `allow_weakening`.",
            ),
        )
        .attribute(
            "break_glass",
            arns(
                "ARNs of the roles and users that may delete objects of logs, hide them, and bypass GOVERNANCE. `[]` means nobody. Default: \
                 IAM alone decides. A change replaces the bucket policy in place; one more principal, or to leave the list out, needs \
                 `allow_weakening`.",
            ),
        )
        .attribute("log_delivery", Attribute::optional(Nested::single(delivery_fields())).description(
            "Services of AWS that deliver their logs to the bucket, outside of the logs above. Their prefix is declared to the verifier. Default: \
             none. A change replaces the bucket policy in place, and makes a new trust policy.",
        ))
        .attribute(
            "extra_policy_json",
            text(
                "Policy document whose statements are added to the bucket policy. A statement that would weaken the policy is refused. \
                 Default: none. A change replaces the bucket policy in place; a statement that denies something is not dropped or changed \
                 without `allow_weakening`.",
            ),
        )
}

fn delivery_fields() -> Fields {
    let prefix = || {
        Attribute::optional(Type::String)
            .default("")
            .description("Prefix under which the service writes `AWSLogs/`, without a `/` at its end. Default: none.")
    };
    let cloudtrail = Fields::new().attribute("prefix", prefix()).attribute(
        "trails",
        arns("ARNs of the trails that may deliver. Default: all trails of the bucket's account."),
    );
    let balancers = Fields::new().attribute("prefix", prefix()).attribute(
        "accounts",
        arns("Accounts whose load balancers may deliver. Default: the bucket's account."),
    );
    let config = Fields::new().attribute("prefix", prefix());
    Fields::new()
        .attribute(
            "config",
            Attribute::optional(Nested::single(config)).description(
                "Always refused: AWS Config does not deliver to a bucket with Object Lock and a default retention. Give it another bucket. Default: none.",
            ),
        )
        .attribute(
            "cloudtrail",
            Attribute::optional(Nested::single(cloudtrail))
                .description("Trails of AWS CloudTrail. Default: none delivers."),
        )
        .attribute(
            "load_balancers",
            Attribute::optional(Nested::single(balancers)).description(
                "Access logs of Application and Network Load Balancers. They need SSE-S3. Default: none delivers.",
            ),
        )
}

fn log_fields() -> Fields {
    let stored = Attribute::required(Type::String)
        .description("Time at which the last segment was stored, its `LastModified`, RFC 3339.");
    let known_once = |description: &str| {
        Attribute::optional_computed(Type::String)
            .use_state_for_unknown()
            .description(description)
    };
    Fields::new()
        .attribute(
            "origin",
            known_once(
                "Unique name of the log, a URL without a scheme such as `acme.example/audit/payments`. Default: the bucket's name, `/`, and \
                 the log's name. It cannot change once segments are there.",
            )
            .validate(|origin: String| parse_origin(&origin).map(drop)),
        )
        .attribute(
            "prefix",
            known_once(
                "Prefix of the log's segments in the bucket; its last part is the log's name. Default: `logs/` and the log's name. It cannot \
                 change once segments are there.",
            ),
        )
        .attribute(
            "signing_key",
            Attribute::required(Nested::single(trust_fields()))
                .description(
                    "Keys that may sign the log: the attribute `trust` of an `auditlog_signing_key`. A key that was there is not dropped while \
                     the log has segments. A change makes a new trust policy.",
                ),
        )
        .attribute(
            "writers",
            arns(
                "ARNs of the roles and users that may write segments, also of other accounts. `[]` means nobody. Default: IAM alone decides. A change replaces the bucket policy in place; to leave the list out needs \
                 `allow_weakening`.",
            ),
        )
        .attribute(
            "readers",
            arns(
                "ARNs of the roles and users that may read segments beside the writers, also of other accounts. All others are denied reading where `writers` is set too, or where the log has ended; where a statement for each log does not fit, a reader or writer of any log is not denied: a new bucket warns, and a bucket whose logs had a statement each needs `allow_weakening`. Default: IAM alone decides. A change replaces the bucket policy in place; to leave the list out needs `allow_weakening`.",
            ),
        )
        .attribute(
            "max_silence",
            Attribute::optional(Type::String)
                .default(DEFAULT_SILENCE)
                .validate(|text: String| parse_silence(&text).map(drop))
                .description(
                    "Time that the log may go without a new segment before the verifier reports its silence: an integer and one of `s`, `m`, \
                     `h`, `d`. The retention must be at least twice as long. Default: `25h`. A change to a longer one holds at once, or once the \
                     lock that it needs has begun; a shorter one begins after `object_lock.notice`.",
                ),
        )
        .attribute(
            "object_lock",
            Attribute::optional(Nested::single(period_fields())).description(
                "Lock of this log in place of the bucket's. The sealer sets it on each segment. Default: the bucket's. A change leaves existing \
                 segments alone.",
            ),
        )
        .attribute(
            "began",
            known_once(
                "Time from which the log must have segments, RFC 3339. Default: the time at which it was added. Set it for a log that was \
                 there before: not later than its first segment was stored, and not in the future. Removing it later keeps the value; a change \
                 corrects it.",
            )
            .validate(|text: String| parse_time(&text).map(drop)),
        )
        .attribute(
            "lock_spans",
            Attribute::optional(Nested::list(lock_span_fields())).description(
                "Locks that the log had over time, the earliest first. Set it only on import, for a log whose lock changed before and of which \
                 the bucket's tags say nothing: the spans must have begun, and the last one must be the log's `object_lock`, or the bucket's where \
                 it has none. A change is refused once something was declared; to leave it out then changes nothing. Default: what was declared.",
            ),
        )
        .attribute(
            "max_silence_spans",
            Attribute::optional(Nested::list(silence_span_fields())).description(
                "Silences that the log was allowed over time, the earliest first. Set it only on import, as `lock_spans`: the last one must be \
                 `max_silence`. A change is refused once something was declared; to leave it out then changes nothing. Default: what was declared.",
            ),
        )
        .attribute(
            "ended",
            Attribute::optional(Nested::single(ended_fields(stored))).description(
                "End of the log, as `auditlog-verify` reports its head. Plan and apply compare it with that segment, as far as they may read it. Segments \
                 after it do not count, and the verifier names them in a note; the bucket policy denies everybody to write them. `writers` may still \
                 read where `readers` is set. It is not taken back, but a change can correct its values. Default: the log goes on.",
            ),
        )
}

fn computed(schema: Schema) -> Schema {
    let once = |text: &str| {
        Attribute::computed(Type::String)
            .use_state_for_unknown()
            .description(text)
    };
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    let switch = |text: &str| Attribute::computed(Type::Bool).description(text);
    spans(schema)
        .attribute("id", once("Name of the bucket."))
        .attribute("arn", once("ARN of the bucket."))
        .attribute("account_id", once("Account that owns the bucket."))
        .attribute("creation_date", once("Time at which the bucket was made, RFC 3339."))
        .attribute("versioning", text("Versioning of the bucket, always `Enabled`."))
        .attribute("object_lock_enabled", switch("Whether Object Lock is on, always true."))
        .attribute(
            "object_ownership",
            text("Ownership of objects, always `BucketOwnerEnforced`: ACLs have no effect."),
        )
        .attribute(
            "sse_algorithm",
            text("Encryption of objects: `AES256`, or `aws:kms` with `encryption`."),
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
            "drift",
            Attribute::computed(Type::list(Type::String)).description(
                "What others have done to the provider's own tags that hold no declaration, such as the creation tag, each as one line. \
                 The next apply puts them back.",
            ),
        )
        .attribute("policy", text("Bucket policy as JSON."))
        .attribute(
            "public_access_block",
            Attribute::computed(Nested::single(
                Fields::new()
                    .attribute("block_public_acls", switch("Whether new public ACLs are refused."))
                    .attribute("ignore_public_acls", switch("Whether public ACLs have no effect."))
                    .attribute("block_public_policy", switch("Whether a policy that makes the bucket public is refused."))
                    .attribute("restrict_public_buckets", switch("Whether a public bucket can be used only by its account and by services of AWS.")),
            ))
            .description("Blocks of public access, always all four on."),
        )
}

fn spans(schema: Schema) -> Schema {
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    let number = |text: &str| Attribute::computed(Type::Number).description(text);
    let silence = Fields::new()
        .attribute("from", text("Time from which it holds, RFC 3339."))
        .attribute("seconds", number("Seconds that the log may be silent."));
    let span = Fields::new()
        .attribute("from", text("Time from which it holds, RFC 3339."))
        .attribute("mode", text("Object Lock mode."))
        .attribute("days", number("Retention in days."));
    let log = Fields::new()
        .attribute(
            "lock",
            Attribute::computed(Nested::list(span)).description(
                "Locks that the log had of its own; null for one that always had the bucket's.",
            ),
        )
        .attribute(
            "max_silence",
            Attribute::computed(Nested::list(silence))
                .description("Silences that the log was allowed."),
        )
        .attribute(
            "identity",
            Attribute::computed(Type::list(Type::String)).description(
                "Prefix where it is not the default, and the beginnings of the digest of the origin and of the fingerprints of the keys, as the bucket's tags keep them: so an import notices a log that was removed or renamed, or has lost a key.",
            ),
        );
    schema
        .attribute(
            "lock_spans",
            Attribute::optional_computed(Nested::list(lock_span_fields())).description(
                "Locks that were declared over time, the earliest first. Set it only on import, for a bucket whose lock changed before: the \
                 spans must have begun, and the last one must be `object_lock`. A change is refused once something was declared. The same for a log is \
                 `lock_spans` and `max_silence_spans` in `logs`. Default: what was declared.",
            ),
        )
        .attribute(
            "log_spans",
            Attribute::computed(Nested::map(log)).description("What was declared about each log over time."),
        )
        .attribute(
            "trust_policy",
            text("Trust policy as JSON; null without logs, and where the provider does not know the account. Write it to a file unchanged, and keep it out of the writer's reach."),
        )
        .attribute("trust_policy_sha256", text("SHA-256 of `trust_policy`, in hex."))
}
