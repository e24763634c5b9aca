//! The model of `auditlog_signing_key`: configuration and state.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::Compromised;
use tf_provider::{Field, model};

use crate::aws::Tags;
use crate::trust::keys::{CompromisedModel, TrustModel};

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct SigningKey {
        pub(crate) alias: String,
        pub(crate) region: Field<String>,
        pub(crate) key_spec: String,
        pub(crate) description: String,
        pub(crate) signers: Option<BTreeSet<String>>,
        pub(crate) verifiers: Option<BTreeSet<String>>,
        pub(crate) administrators: Option<BTreeSet<String>>,
        pub(crate) rotation: Option<Rotation>,
        pub(crate) lost: Option<BTreeMap<String, LostModel>>,
        pub(crate) compromised: Option<BTreeMap<String, DeclaredCompromise>>,
        pub(crate) on_destroy: String,
        pub(crate) deletion_window_in_days: u32,
        pub(crate) disarm: Option<Vec<String>>,
        pub(crate) tags: Option<Tags>,
        pub(crate) tags_all: Field<Tags>,
        pub(crate) id: Field<String>,
        pub(crate) key_id: Field<String>,
        pub(crate) arn: Field<String>,
        pub(crate) usage: Field<String>,
        pub(crate) creation_date: Field<String>,
        pub(crate) public_key_pem: Field<String>,
        pub(crate) public_key_spki: Field<String>,
        pub(crate) policy: Field<String>,
        pub(crate) rotation_due: Field<String>,
        pub(crate) versions: Field<BTreeMap<String, VersionModel>>,
        pub(crate) trust: Field<TrustModel>,
        pub(crate) drift: Field<Vec<String>>,
        pub(crate) foreign_grants: Field<Vec<String>>,
    }

    /// When a new version is made.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Rotation {
        pub(crate) period_in_days: Option<u32>,
        pub(crate) grace_in_days: u32,
        pub(crate) trigger: Option<String>,
    }

    /// That a version was lost.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LostModel {
        pub(crate) at: String,
    }

    /// That a version was compromised, with the last good segment by the origin of the log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeclaredCompromise {
        pub(crate) at: String,
        pub(crate) last_good: Option<BTreeMap<String, DeclaredGood>>,
    }

    /// The last good segment of a log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeclaredGood {
        pub(crate) segment: u64,
        pub(crate) size: u64,
        pub(crate) root: String,
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

/// Versions by their number, as the state has them.
pub(crate) type Versions = BTreeMap<String, VersionModel>;
/// What a configuration declares as lost.
pub(crate) type Lost = BTreeMap<String, LostModel>;
/// What a configuration declares as compromised.
pub(crate) type CompromisedVersions = BTreeMap<String, DeclaredCompromise>;

/// Days that a version may sign after its successor, where the configuration does not say.
pub(crate) const DEFAULT_GRACE_DAYS: u32 = 7;

impl SigningKey {
    /// Days that a version may sign after its successor.
    pub(crate) fn grace_days(&self) -> u32 {
        let rotation = self.rotation.as_ref();
        rotation.map_or(DEFAULT_GRACE_DAYS, |rotation| rotation.grace_in_days)
    }

    /// The text whose change makes a new version.
    pub(crate) fn trigger(&self) -> Option<&str> {
        self.rotation.as_ref()?.trigger.as_deref()
    }

    /// The age in days at which a new version is made.
    pub(crate) fn period_days(&self) -> Option<u32> {
        self.rotation.as_ref()?.period_in_days
    }
}

impl From<&Compromised> for DeclaredCompromise {
    fn from(compromised: &Compromised) -> Self {
        let good = compromised.last_good.iter().map(|last| {
            let good = DeclaredGood {
                segment: last.segment,
                size: last.size,
                root: last.root.to_base64(),
            };
            (last.origin.to_string(), good)
        });
        let good: BTreeMap<_, _> = good.collect();
        Self {
            at: compromised.at.to_rfc3339(),
            last_good: (!good.is_empty()).then_some(good),
        }
    }
}
