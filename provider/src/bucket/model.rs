//! Configuration and state of `auditlog_bucket`.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{
    AttributePath, Diagnostic, Field, FromValue, Object, Reads, Result, ToValue, Value, ValueError,
    model,
};

use super::storage::{LoggingModel, StorageModel};
use crate::aws::{PublicAccessBlock, Tags};
use crate::trust::keys::TrustModel;
pub(super) use crate::trust::model::SilenceSpanModel as GivenSilenceModel;
use crate::trust::model::{EndedModel, LockSpanModel};

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct BucketModel {
        pub(super) bucket: Field<String>,
        pub(super) bucket_prefix: Option<String>,
        // absent only in the state of a bucket without a default retention
        pub(super) object_lock: Option<LockModel>,
        pub(super) encryption: Option<EncryptionModel>,
        pub(super) administrators: Option<BTreeSet<String>>,
        pub(super) break_glass: Option<BTreeSet<String>>,
        pub(super) logs: Option<BTreeMap<String, LogModel>>,
        pub(super) log_delivery: Option<DeliveryModel>,
        pub(super) extra_policy_json: Option<String>,
        pub(super) allow_weakening: Option<Vec<String>>,
        pub(super) on_destroy: Option<String>,
        pub(super) storage: Option<StorageModel>,
        pub(super) logging: Option<LoggingModel>,
        pub(super) declared_prefixes: Option<Vec<String>>,
        pub(super) acknowledged: Option<Vec<String>>,
        pub(super) tags: Option<Tags>,
        pub(super) tags_all: Field<Tags>,
        pub(super) lock_spans: Field<Vec<LockSpanModel>>,
        pub(super) log_spans: Field<BTreeMap<String, LogSpansModel>>,
        pub(super) trust_policy: Field<String>,
        pub(super) trust_policy_sha256: Field<String>,
        pub(super) id: Field<String>,
        pub(super) arn: Field<String>,
        pub(super) region: Field<String>,
        pub(super) account_id: Field<String>,
        pub(super) creation_date: Field<String>,
        pub(super) versioning: Field<String>,
        pub(super) object_lock_enabled: Field<bool>,
        pub(super) public_access_block: Field<PublicAccessBlock>,
        pub(super) object_ownership: Field<String>,
        pub(super) sse_algorithm: Field<String>,
        pub(super) sse_c: Field<String>,
        pub(super) lifecycle_rules: Field<Vec<String>>,
        pub(super) event_hold: Field<String>,
        pub(super) foreign: Field<Vec<String>>,
        pub(super) drift: Field<Vec<String>>,
        pub(super) policy: Field<String>,
    }

    /// The lock of objects that set none, and what the configuration says about changes of it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LockModel {
        pub(super) mode: String,
        pub(super) days: Option<u32>,
        pub(super) years: Option<u32>,
        pub(super) preset: Option<String>,
        pub(super) acknowledge_irreversible: Option<String>,
        pub(super) notice: String,
    }

    /// A lock that a log has in place of the bucket's.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LogLockModel {
        pub(super) mode: String,
        pub(super) days: Option<u32>,
        pub(super) years: Option<u32>,
        pub(super) preset: Option<String>,
    }

    /// SSE-KMS in place of SSE-S3.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EncryptionModel {
        pub(super) kms_key_arn: String,
        pub(super) bucket_key_enabled: bool,
    }

    /// One log.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LogModel {
        pub(super) origin: Field<String>,
        pub(super) prefix: Field<String>,
        pub(super) signing_key: Field<TrustModel>,
        pub(super) writers: Option<BTreeSet<String>>,
        pub(super) readers: Option<BTreeSet<String>>,
        pub(super) max_silence: String,
        pub(super) object_lock: Option<LogLockModel>,
        pub(super) began: Field<String>,
        pub(super) lock_spans: Option<Vec<LockSpanModel>>,
        pub(super) max_silence_spans: Option<Vec<GivenSilenceModel>>,
        pub(super) ended: Option<EndedModel>,
    }

    /// Services of AWS that deliver their logs to the bucket.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DeliveryModel {
        pub(super) config: Option<ConfigModel>,
        pub(super) cloudtrail: Option<TrailsModel>,
        pub(super) load_balancers: Option<BalancersModel>,
    }

    /// AWS Config, which cannot deliver.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ConfigModel {
        pub(super) prefix: String,
    }

    /// Trails of AWS CloudTrail.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TrailsModel {
        pub(super) prefix: String,
        pub(super) trails: Option<BTreeSet<String>>,
    }

    /// Access logs of load balancers.
    #[derive(Debug, Clone, PartialEq)]
    pub struct BalancersModel {
        pub(super) prefix: String,
        pub(super) accounts: Option<BTreeSet<String>>,
    }

    /// A silence that a log may keep, and since when.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SilenceSpanModel {
        pub(super) from: String,
        pub(super) seconds: u64,
    }

    /// What was declared about one log over time.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LogSpansModel {
        pub(super) lock: Option<Vec<LockSpanModel>>,
        pub(super) max_silence: Vec<SilenceSpanModel>,
        pub(super) identity: Option<Vec<String>>,
    }
}

impl BucketModel {
    /// The bucket's name.
    ///
    /// # Errors
    /// It is not known yet.
    pub(super) fn name(&self) -> Result<&str> {
        let name = self.bucket.known().map(String::as_str);
        name.ok_or_else(|| {
            let detail = "The name of the bucket must be known by now.";
            Diagnostic::error("No name", detail).at("bucket").into()
        })
    }
}

pub(super) const SSE_S3: &str = "AES256";
pub(super) const SSE_KMS: &str = "aws:kms";

/// What `sse_c` says where objects encrypted with a key of the writer's own are refused.
pub(super) const SSE_C_BLOCKED: &str = "blocked";
/// What it says where the endpoint does not keep the setting.
pub(super) const SSE_C_UNSUPPORTED: &str = "unsupported";
/// What it says where such objects are accepted.
pub(super) const SSE_C_ALLOWED: &str = "allowed";

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
