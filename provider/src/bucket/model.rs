//! Configuration and state of `auditlog_bucket`.

use tf_provider::{
    AttributePath, Field, FromValue, Object, Reads, Result, ToValue, Value, ValueError, model,
};

use super::storage::{LoggingModel, StorageModel};
use crate::aws::{PublicAccessBlock, Tags};
use crate::retention::ObjectLock;

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct BucketModel {
        pub(crate) bucket: String,
        // absent only in the state of a bucket without a default retention
        pub(crate) object_lock: Option<ObjectLock>,
        pub(crate) encryption: Option<EncryptionModel>,
        pub(crate) storage: Option<StorageModel>,
        pub(crate) logging: Option<LoggingModel>,
        pub(crate) on_destroy: Option<String>,
        pub(crate) tags: Option<Tags>,
        pub(crate) tags_all: Field<Tags>,
        pub(crate) id: Field<String>,
        pub(crate) arn: Field<String>,
        pub(crate) region: Field<String>,
        pub(crate) account_id: Field<String>,
        pub(crate) creation_date: Field<String>,
        pub(crate) versioning: Field<String>,
        pub(crate) object_lock_enabled: Field<bool>,
        pub(crate) public_access_block: Field<PublicAccessBlock>,
        pub(crate) object_ownership: Field<String>,
        pub(crate) sse_algorithm: Field<String>,
        pub(crate) sse_c: Field<String>,
        pub(crate) lifecycle_rules: Field<Vec<String>>,
        pub(crate) event_hold: Field<String>,
        pub(crate) foreign: Field<Vec<String>>,
        pub(crate) policy: Field<String>,
    }

    /// SSE-KMS in place of SSE-S3.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EncryptionModel {
        pub(crate) kms_key_arn: String,
        pub(crate) bucket_key_enabled: bool,
    }
}

pub(crate) const SSE_S3: &str = "AES256";
pub(crate) const SSE_KMS: &str = "aws:kms";

/// What `sse_c` says where objects encrypted with a key of the writer's own are refused.
pub(crate) const SSE_C_BLOCKED: &str = "blocked";
/// What it says where the endpoint does not keep the setting.
pub(crate) const SSE_C_UNSUPPORTED: &str = "unsupported";
/// What it says where such objects are accepted.
pub(crate) const SSE_C_ALLOWED: &str = "allowed";

const PUBLIC_ACCESS_BLOCK: [&str; 4] = [
    "block_public_acls",
    "ignore_public_acls",
    "block_public_policy",
    "restrict_public_buckets",
];

impl FromValue for PublicAccessBlock {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let mut object = Object::from_value(value, path)?;
        let [acls, ignored, policy, restricted] = PUBLIC_ACCESS_BLOCK.map(|name| {
            let value = object.remove(name).unwrap_or_default();
            bool::from_value(value, &path.clone().attribute(name))
        });
        Ok(Self {
            block_public_acls: acls?,
            ignore_public_acls: ignored?,
            block_public_policy: policy?,
            restrict_public_buckets: restricted?,
        })
    }

    fn reads() -> Reads {
        let switches = PUBLIC_ACCESS_BLOCK.map(|name| (name, bool::reads()));
        Reads::Fields(switches.to_vec())
    }
}

impl ToValue for PublicAccessBlock {
    fn to_value(&self) -> Value {
        let switches = [
            self.block_public_acls,
            self.ignore_public_acls,
            self.block_public_policy,
            self.restrict_public_buckets,
        ];
        let mut object = Object::new();
        for (name, switch) in PUBLIC_ACCESS_BLOCK.into_iter().zip(switches) {
            object.set(name, switch);
        }
        Value::Object(object)
    }
}
