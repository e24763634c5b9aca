//! Arguments and result.

use std::collections::BTreeMap;

use tf_provider::{Field, model};

model! {
    /// Arguments and result.
    #[derive(Debug, Clone)]
    pub struct PipelineModel {
        pub(super) trust_policy: String,
        pub(super) origin: Option<String>,
        pub(super) url: String,
        pub(super) listen: Option<String>,
        pub(super) folder: Option<String>,
        pub(super) spool: Option<String>,
        pub(super) ack: Option<String>,
        pub(super) tls: Option<TlsModel>,
        pub(super) relp_port: Option<u32>,
        pub(super) tcp_port: Option<u32>,
        pub(super) lumberjack_port: Option<u32>,
        pub(super) senders: BTreeMap<String, SenderModel>,
        pub(super) sealer_toml: Field<String>,
        pub(super) sealer_unit: Field<String>,
        pub(super) files: Field<BTreeMap<String, String>>,
        pub(super) limits: Field<BTreeMap<String, Vec<String>>>,
        pub(super) listeners: Field<BTreeMap<String, u32>>,
        pub(super) tokens: Field<Vec<String>>,
    }

    /// Certificate and key of the sealer.
    #[derive(Debug, Clone)]
    pub struct TlsModel {
        pub(super) certificate: String,
        pub(super) key: String,
        pub(super) client_ca: Option<String>,
    }

    /// A program that sends events.
    #[derive(Debug, Clone)]
    pub struct SenderModel {
        pub(super) program: String,
        pub(super) paths: Option<Vec<String>>,
        pub(super) ca_file: Option<String>,
        pub(super) certificate: Option<String>,
        pub(super) key: Option<String>,
        pub(super) folder: Option<String>,
        pub(super) buffer_megabytes: Option<u32>,
        pub(super) settings: Option<BTreeMap<String, String>>,
    }
}
