//! Arguments and result.

use tf_provider::{Field, model};

use crate::trust::keys::{CompromisedModel, TrustModel};
use crate::trust::model::{EndedModel, LockSpanModel, SilenceSpanModel};

model! {
    /// Arguments and result.
    #[derive(Debug, Clone, Default)]
    pub struct TrustPolicyModel {
        pub(super) bucket: Option<String>,
        pub(super) region: Option<String>,
        pub(super) account_id: Option<String>,
        pub(super) lock_spans: Vec<LockSpanModel>,
        pub(super) max_silence: Option<String>,
        pub(super) logs: Vec<LogModel>,
        pub(super) signing_key: Option<TrustModel>,
        pub(super) keys: Option<Vec<KeyModel>>,
        pub(super) declared_prefixes: Option<Vec<String>>,
        pub(super) acknowledged: Option<Vec<String>>,
        pub(super) json: Field<String>,
        pub(super) sha256: Field<String>,
    }

    /// One log.
    #[derive(Debug, Clone, Default)]
    pub struct LogModel {
        pub(super) origin: String,
        pub(super) prefix: Option<String>,
        pub(super) format: Option<u64>,
        pub(super) began: Option<String>,
        pub(super) max_silence: Option<String>,
        pub(super) max_silence_spans: Option<Vec<SilenceSpanModel>>,
        pub(super) lock_spans: Option<Vec<LockSpanModel>>,
        pub(super) signing_key: Option<TrustModel>,
        pub(super) keys: Option<Vec<KeyModel>>,
        pub(super) ended: Option<EndedModel>,
    }

    /// One key.
    #[derive(Debug, Clone)]
    pub struct KeyModel {
        pub(super) public_key: String,
        pub(super) arn: Option<String>,
        pub(super) valid_from: String,
        pub(super) retired_at: Option<String>,
        pub(super) lost_at: Option<String>,
        pub(super) compromised: Option<CompromisedModel>,
    }
}
