//! What the configuration means for S3.

use tf_provider::{Diagnostic, Result};

use super::model::BucketModel;
use super::storage::{longest_retention, wanted_logging, wanted_storage};
use crate::aws::{BucketSettings, Clients, Encryption, Tags, format_tls_only_policy, partition};
use crate::retention::parse_lock;
use crate::tags;

pub(crate) fn desired(clients: &Clients, planned: &BucketModel) -> Result<BucketSettings> {
    let retention = planned
        .object_lock
        .as_ref()
        .and_then(parse_lock)
        .ok_or_else(|| {
            Diagnostic::error(
                "No retention",
                "The mode, and either days or years, must be known by now.",
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
        storage: wanted_storage(planned.storage.as_ref(), longest_retention(planned)),
        logging: wanted_logging(planned.logging.as_ref()),
        policy: format_tls_only_policy(partition(clients.region()), &planned.bucket),
        tags: tags::wanted(clients.default_tags(), planned.tags.as_ref()),
        marks: Tags::new(),
    })
}
