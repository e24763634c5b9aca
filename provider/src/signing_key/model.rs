//! The model of `auditlog_signing_key`: configuration and state.

use std::collections::BTreeMap;

use tf_provider::{Field, model};

use crate::aws::Tags;
use crate::trust::keys::{CompromisedModel, TrustModel};

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct SigningKey {
        pub(crate) alias: String,
        pub(crate) key_spec: String,
        pub(crate) description: String,
        pub(crate) deletion_window_in_days: u32,
        pub(crate) tags: Option<Tags>,
        pub(crate) tags_all: Field<Tags>,
        pub(crate) id: Field<String>,
        pub(crate) key_id: Field<String>,
        pub(crate) arn: Field<String>,
        pub(crate) usage: Field<String>,
        pub(crate) creation_date: Field<String>,
        pub(crate) public_key_pem: Field<String>,
        pub(crate) public_key_spki: Field<String>,
        pub(crate) versions: Field<BTreeMap<String, VersionModel>>,
        pub(crate) trust: Field<TrustModel>,
    }

    /// One version of the key, under its number. Times are RFC 3339.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct VersionModel {
        pub(crate) key_id: String,
        pub(crate) arn: Option<String>,
        pub(crate) key_spec: String,
        pub(crate) public_key_pem: String,
        pub(crate) public_key_spki: String,
        pub(crate) fingerprint: String,
        pub(crate) valid_from: String,
        pub(crate) retired_at: Option<String>,
        pub(crate) lost_at: Option<String>,
        pub(crate) compromised: Option<CompromisedModel>,
        pub(crate) state: String,
    }
}
