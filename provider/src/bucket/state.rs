//! The state of a bucket: before it is read, as it was put, and as it was found.

use tf_provider::Field;

use super::destroy::REFUSE;
use super::model::{
    BucketModel, EncryptionModel, SSE_C_ALLOWED, SSE_C_BLOCKED, SSE_C_UNSUPPORTED, SSE_KMS, SSE_S3,
};
use super::storage::{longest_retention, rule_lines, seen_logging, seen_storage, wanted_storage};
use crate::aws::{
    BucketParts, Clients, Encryption, OWNERSHIP, PublicAccessBlock, SseC, Storage, VERSIONING,
    format_tls_only_policy, partition, policies_agree,
};
use crate::retention::ObjectLock;
use crate::tags;

/// The state of a bucket of which only the name is known.
pub(crate) fn named(bucket: &str) -> BucketModel {
    BucketModel {
        bucket: bucket.to_owned(),
        id: Field::Known(bucket.to_owned()),
        ..BucketModel::default()
    }
}

/// The state after everything was done as planned.
pub(crate) fn settled(
    planned: BucketModel,
    clients: &Clients,
    sse_c: SseC,
    creation_date: Field<String>,
) -> BucketModel {
    let storage = wanted_storage(planned.storage.as_ref(), longest_retention(&planned));
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
        public_access_block: Field::Known(PublicAccessBlock::ALL),
        object_ownership: Field::Known(OWNERSHIP.to_owned()),
        sse_algorithm: Field::Known(
            if planned.encryption.is_some() {
                SSE_KMS
            } else {
                SSE_S3
            }
            .to_owned(),
        ),
        sse_c: Field::Known(sse_c_after_put(sse_c).to_owned()),
        lifecycle_rules: Field::Known(rule_lines(&storage)),
        event_hold: Field::from(planned.event_hold.into_known()),
        foreign: Field::Known(planned.foreign.into_known().unwrap_or_default()),
        policy: Field::Known(format_tls_only_policy(partition, &planned.bucket)),
        bucket: planned.bucket,
        object_lock: planned.object_lock,
        encryption: planned.encryption,
        storage: planned.storage,
        logging: planned.logging,
        on_destroy: planned.on_destroy,
        tags: planned.tags,
    }
}

/// What `sse_c` says after the block was put, given what was read afterwards.
fn sse_c_after_put(found: SseC) -> &'static str {
    match found {
        SseC::Blocked => SSE_C_BLOCKED,
        SseC::Allowed => SSE_C_UNSUPPORTED,
    }
}

/// What `sse_c` says of a bucket as it was found. Where the block was put and did not stay, the endpoint does not know it.
fn seen_sse_c(found: SseC, known: &Field<String>) -> &'static str {
    match found {
        SseC::Blocked => SSE_C_BLOCKED,
        SseC::Allowed
            if known
                .known()
                .is_some_and(|known| known == SSE_C_UNSUPPORTED) =>
        {
            SSE_C_UNSUPPORTED
        }
        SseC::Allowed => SSE_C_ALLOWED,
    }
}

/// The state of a bucket as it was found.
pub(crate) fn seen(
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
    let longest = parts
        .retention
        .map_or(0, |retention| retention.period.days());
    BucketModel {
        bucket: known.bucket.clone(),
        object_lock: parts.retention.map(ObjectLock::from),
        encryption,
        storage: seen_storage(
            known.storage.as_ref(),
            longest,
            &Storage::of_rules(&parts.lifecycle),
        ),
        logging: seen_logging(parts.logging),
        on_destroy: known.on_destroy.clone().or(Some(REFUSE.to_owned())),
        sse_c: Field::Known(seen_sse_c(parts.sse_c, &known.sse_c).to_owned()),
        lifecycle_rules: Field::Known(parts.lifecycle.iter().map(ToString::to_string).collect()),
        event_hold: parts.event_hold.map(|hold| hold.to_string()).into(),
        foreign: Field::Known(parts.foreign),
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
        public_access_block: Field::Known(parts.public_access_block),
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
