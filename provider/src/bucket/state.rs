//! The state of a bucket: before it is read, and as it was found.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::Field;

use super::destroy::REFUSE;
use super::history::History;
use super::model::{
    BucketModel, EncryptionModel, LockModel, SSE_C_ALLOWED, SSE_C_BLOCKED, SSE_C_UNSUPPORTED,
    SSE_KMS, SSE_S3,
};
use super::reach::reach;
use super::storage::{seen_logging, seen_storage};
use crate::aws::{
    BucketParts, Clients, DefaultRetention, Encryption, SseC, Storage, is_same_key, partition,
    policies_agree,
};
use crate::tags;

/// The state of a bucket of which only the name is known.
pub(super) fn named(bucket: &str) -> BucketModel {
    BucketModel {
        bucket: Field::Known(bucket.to_owned()),
        id: Field::Known(bucket.to_owned()),
        ..BucketModel::default()
    }
}

/// The state of a bucket as it was found. `declared` is what was declared by the last apply, if anything was.
pub(super) fn seen(
    known: &BucketModel,
    clients: &Clients,
    parts: BucketParts,
    (declared, now): (Option<&History>, Timestamp),
) -> BucketModel {
    let name = known.bucket.known().cloned().unwrap_or_default();
    let partition = partition(&parts.region);
    let (tags, tags_all) = tags::split(
        &parts.tags,
        clients.default_tags(),
        known.tags.as_ref(),
        &known.tags_all,
    );
    let (encryption, algorithm) = seen_encryption(known, parts.encryption);
    let found = History::from_tags(&parts.marks);
    let longest = declared.unwrap_or(&found).longest(now);
    let mut state = BucketModel {
        object_lock: parts
            .retention
            .map(|found| LockModel::seen(known.object_lock.as_ref(), found)),
        encryption,
        storage: seen_storage(
            (known.storage.as_ref(), reach(known)),
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
        arn: Field::Known(format!("arn:{partition}:s3:::{name}")),
        region: Field::Known(parts.region),
        // an account that is not asked for any more is still the one
        account_id: clients
            .account_id()
            .map(str::to_owned)
            .or(known.account_id.known().cloned())
            .into(),
        versioning: Field::Known(parts.versioning),
        object_lock_enabled: Field::Known(parts.object_lock),
        public_access_block: Field::Known(parts.public_access_block),
        object_ownership: Field::Known(parts.ownership),
        sse_algorithm: Field::Known(algorithm),
        policy: seen_policy(known, parts.policy).into(),
        ..known.clone()
    };
    // a tag has little room, and may say less than was declared
    let as_tags = |declared: &History| {
        declared
            .tags(now)
            .ok()
            .map(|tags| History::from_tags(&tags))
    };
    let kept = declared.and_then(as_tags).as_ref() == Some(&found);
    if !kept || known.lock_spans.known().is_none() {
        state.lock_spans = Field::Known(found.lock_spans());
        state.log_spans = Field::Known(found.log_spans());
    }
    state
}

/// The state with another default retention and encryption.
pub(super) fn with_strength(
    known: &BucketModel,
    retention: Option<DefaultRetention>,
    encryption: Encryption,
) -> BucketModel {
    let (encryption, algorithm) = seen_encryption(known, encryption);
    BucketModel {
        object_lock: retention.map(|found| LockModel::seen(known.object_lock.as_ref(), found)),
        encryption,
        sse_algorithm: Field::Known(algorithm),
        ..known.clone()
    }
}

/// What `sse_c` says after the block was put, given what was read afterwards.
pub(super) fn sse_c_after_put(found: SseC) -> &'static str {
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

/// S3 may return a policy in another order; only another meaning is drift.
fn seen_policy(known: &BucketModel, found: Option<String>) -> Option<String> {
    let found = found?;
    match known.policy.known() {
        Some(known) if policies_agree(&found, known) => Some(known.clone()),
        Some(_) | None => Some(found),
    }
}

/// A key that S3 names otherwise is the same key.
fn seen_encryption(known: &BucketModel, found: Encryption) -> (Option<EncryptionModel>, String) {
    let known = known.encryption.as_ref().map(|kms| &kms.kms_key_arn);
    match found {
        Encryption::SseS3 => (None, SSE_S3.to_owned()),
        Encryption::SseKms {
            key_arn,
            bucket_key,
        } => {
            let kms = key_arn.map(|found| EncryptionModel {
                kms_key_arn: known
                    .filter(|known| is_same_key(&found, known))
                    .cloned()
                    .unwrap_or(found),
                bucket_key_enabled: bucket_key,
            });
            (kms, SSE_KMS.to_owned())
        }
        Encryption::Other(algorithm) => (None, algorithm),
    }
}
