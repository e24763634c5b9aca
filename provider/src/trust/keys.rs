//! The keys of a log: what a signing key exports and a bucket takes.

mod fields;

use auditlog_chain::policy::{Compromised, KeyPolicy, LastGood};
use auditlog_chain::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tf_provider::{AttributePath, model};

pub use super::values::Misfit;
pub(crate) use fields::given_compromised_fields;
pub use fields::{computed_compromised_fields, computed_trust_fields, trust_fields};

use super::values::{optional, parse_origin, parse_root, parse_spki, parse_time, placed};

model! {
    /// `trust` of a signing key: its alias, and every version that it ever had, the newest last.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TrustModel {
        /// The alias, such as `alias/acme-audit`.
        pub alias: String,
        /// All versions, the newest last.
        pub keys: Vec<TrustKey>,
    }

    /// One version of a signing key. Times are RFC 3339.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TrustKey {
        /// Its number, from 1.
        pub version: u32,
        /// Its spec, by the name of KMS.
        pub spec: String,
        /// The public key: base64 of its DER `SubjectPublicKeyInfo`.
        pub spki: String,
        /// Its ARN in KMS.
        pub arn: Option<String>,
        /// From when on it may sign.
        pub valid_from: String,
        /// From when on it must not sign any more.
        pub retired_at: Option<String>,
        /// When it was lost.
        pub lost_at: Option<String>,
        /// That somebody else may have signed with it.
        pub compromised: Option<CompromisedModel>,
    }

    /// A compromise.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CompromisedModel {
        /// Since when.
        pub at: String,
        /// Per log the last segment that is known to be good.
        pub last_good: Option<Vec<LastGoodModel>>,
    }

    /// The last good segment of one log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LastGoodModel {
        /// The log.
        pub origin: String,
        /// Number of the segment.
        pub segment: u64,
        /// Number of lines up to its end.
        pub size: u64,
        /// RFC 6962 root over them, base64.
        pub root: String,
    }
}

impl TrustModel {
    /// What a signing key exports, from its versions by number.
    pub fn new<'a>(alias: &str, versions: impl IntoIterator<Item = (u32, &'a KeyPolicy)>) -> Self {
        let versions = versions.into_iter();
        Self {
            alias: alias.to_owned(),
            keys: versions
                .map(|(number, key)| TrustKey::new(number, key))
                .collect(),
        }
    }

    /// The keys as the trust policy has them.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn policies(&self, path: &AttributePath) -> Result<Vec<KeyPolicy>, Misfit> {
        let path = path.clone().attribute("keys");
        let keys = self.keys.iter().enumerate();
        keys.map(|(at, key)| key.policy(&path.clone().index(at)))
            .collect()
    }
}

impl TrustKey {
    /// A version of a key, from what the policy says of it.
    pub fn new(version: u32, key: &KeyPolicy) -> Self {
        Self {
            version,
            spec: key.spec.as_str().to_owned(),
            spki: STANDARD.encode(key.spki.spki_der()),
            arn: key.arn.clone(),
            valid_from: key.valid_from.to_rfc3339(),
            retired_at: key.retired_at.map(Timestamp::to_rfc3339),
            lost_at: key.lost_at.map(Timestamp::to_rfc3339),
            compromised: key.compromised.as_ref().map(CompromisedModel::from),
        }
    }

    /// What the policy says of it.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn policy(&self, path: &AttributePath) -> Result<KeyPolicy, Misfit> {
        let at = |name: &str| path.clone().attribute(name);
        let spki = placed(parse_spki(&self.spki), at("spki"))?;
        if self.spec != spki.spec().as_str() {
            let detail = format!(
                "The public key is an {} key, not {:?}.",
                spki.spec(),
                self.spec
            );
            return Err(Misfit::invalid(at("spec"), detail));
        }
        let compromised = self.compromised.as_ref();
        Ok(KeyPolicy {
            spec: spki.spec(),
            spki,
            arn: self.arn.clone(),
            valid_from: placed(parse_time(&self.valid_from), at("valid_from"))?,
            retired_at: optional(self.retired_at.as_deref(), parse_time, at("retired_at"))?,
            lost_at: optional(self.lost_at.as_deref(), parse_time, at("lost_at"))?,
            compromised: compromised
                .map(|compromised| compromised.policy(&at("compromised")))
                .transpose()?,
        })
    }
}

impl From<&Compromised> for CompromisedModel {
    fn from(compromised: &Compromised) -> Self {
        let last_good = compromised.last_good.iter().map(|last| LastGoodModel {
            origin: last.origin.to_string(),
            segment: last.segment,
            size: last.size,
            root: last.root.to_base64(),
        });
        Self {
            at: compromised.at.to_rfc3339(),
            last_good: Some(last_good.collect()),
        }
    }
}

impl CompromisedModel {
    /// What the policy says of it.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn policy(&self, path: &AttributePath) -> Result<Compromised, Misfit> {
        let last_good = self
            .last_good
            .iter()
            .flatten()
            .enumerate()
            .map(|(at, last)| {
                let path = path.clone().attribute("last_good").index(at);
                last.policy(&path)
            });
        Ok(Compromised {
            at: placed(parse_time(&self.at), path.clone().attribute("at"))?,
            last_good: last_good.collect::<Result<_, _>>()?,
        })
    }
}

impl LastGoodModel {
    fn policy(&self, path: &AttributePath) -> Result<LastGood, Misfit> {
        let at = |name: &str| path.clone().attribute(name);
        Ok(LastGood {
            origin: placed(parse_origin(&self.origin), at("origin"))?,
            segment: self.segment,
            size: self.size,
            root: placed(parse_root(&self.root), at("root"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::Hash;
    use auditlog_chain::keys::PublicKey;
    use auditlog_chain::origin::Origin;
    use tf_provider::{FromValue as _, ToValue as _};

    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn key() -> KeyPolicy {
        let spki = PublicKey::from_pem(PEM).unwrap();
        KeyPolicy {
            spec: spki.spec(),
            spki,
            arn: Some("arn:aws:kms:eu-central-1:123456789012:key/1".to_owned()),
            valid_from: time("2026-01-01T00:00:00Z"),
            retired_at: Some(time("2026-02-01T00:00:00Z")),
            lost_at: None,
            compromised: Some(Compromised {
                at: time("2026-01-15T00:00:00.5Z"),
                last_good: vec![LastGood {
                    origin: Origin::parse("acme.example/audit/payments").unwrap(),
                    segment: 7,
                    size: 99,
                    root: Hash::from_bytes([7; 32]),
                }],
            }),
        }
    }

    #[test]
    fn keys_read_back_through_a_value_of_terraform() {
        let plain = KeyPolicy {
            retired_at: None,
            compromised: None,
            ..key()
        };
        let written = TrustModel::new("alias/audit", [(1, &key()), (2, &plain)]);
        let read = TrustModel::from_value(written.to_value(), &AttributePath::root()).unwrap();
        assert_eq!(read, written);
        assert_eq!(
            read.policies(&AttributePath::root()),
            Ok(vec![key(), plain])
        );
    }

    #[test]
    fn value_of_the_wrong_form_is_named_with_its_place() {
        let path = AttributePath::from("logs")
            .key("payments")
            .attribute("signing_key");
        let refused = |change: fn(&mut TrustKey)| {
            let mut model = TrustModel::new("alias/audit", [(1, &key())]);
            model.keys.iter_mut().for_each(change);
            let misfit = model.policies(&path).unwrap_err();
            format!("{}: {}", misfit.path, misfit.detail)
        };
        assert!(refused(|key| key.spec = "RSA_2048".to_owned()).starts_with(
            "logs[\"payments\"].signing_key.keys[0].spec: The public key is an ECC_NIST_EDWARDS25519 key"
        ));
        assert!(
            refused(|key| key.spki = "?".to_owned()).contains(".keys[0].spki: It is not base64")
        );
        assert!(
            refused(|key| key.valid_from = "today".to_owned())
                .contains(".valid_from: \"today\" is not an RFC 3339 time")
        );
        assert!(refused(|key| key.lost_at = Some("1".to_owned())).contains(".lost_at: "));
        assert!(
            refused(|key| key
                .compromised
                .as_mut()
                .unwrap()
                .last_good
                .as_mut()
                .unwrap()[0]
                .root = "x".to_owned())
            .contains(".compromised.last_good[0].root: \"x\" is not a root")
        );
    }
}
