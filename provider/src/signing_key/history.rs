//! The versions that a signing key had, as a value: what each was, and what becomes of it. No calls and no clock.

use std::collections::BTreeMap;

use auditlog_chain::policy::KeyPolicy;
use auditlog_chain::policy::TrustPolicy;
use tf_provider::AttributePath;

use super::model::VersionModel;
use crate::trust::keys::{Misfit, TrustKey, TrustModel};

/// What a version may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It is the one that signs.
    Current,
}

impl State {
    const ALL: [Self; 1] = [Self::Current];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One version: a key of KMS, and what the trust policy says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key_id: String,
    pub(crate) declared: KeyPolicy,
    pub(crate) state: State,
}

/// Every version by its number, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History(BTreeMap<u32, Version>);

impl History {
    /// Of a key that never rotated.
    pub(crate) fn of_one(key_id: &str, declared: KeyPolicy) -> Self {
        let version = Version {
            key_id: key_id.to_owned(),
            declared,
            state: State::Current,
        };
        Self([(1, version)].into())
    }

    /// What the key exports.
    pub(crate) fn trust(&self, alias: &str) -> TrustModel {
        let versions = self.0.iter();
        TrustModel::new(
            alias,
            versions.map(|(number, version)| (*number, &version.declared)),
        )
    }

    /// The versions as the state has them.
    pub(crate) fn models(&self) -> BTreeMap<String, VersionModel> {
        let versions = self.0.iter();
        versions
            .map(|(number, version)| (number.to_string(), version.model(*number)))
            .collect()
    }

    /// Reads what [`models`](Self::models) wrote.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form.
    pub(crate) fn parse(models: &BTreeMap<String, VersionModel>) -> Result<Self, Misfit> {
        let path = AttributePath::from("versions");
        let versions = models.iter().map(|(key, model)| {
            let path = path.clone().key(key);
            let number = key.parse().map_err(|_| {
                let detail = format!("{key:?} is not the number of a version.");
                Misfit::invalid(path.clone(), detail)
            })?;
            Ok((number, Version::parse(number, model, &path)?))
        });
        versions.collect::<Result<_, _>>().map(Self)
    }
}

impl Version {
    fn model(&self, number: u32) -> VersionModel {
        let key = TrustKey::new(number, &self.declared);
        VersionModel {
            key_id: self.key_id.clone(),
            arn: key.arn,
            key_spec: key.spec,
            public_key_pem: self.declared.spki.to_pem(),
            public_key_spki: key.spki,
            fingerprint: TrustPolicy::digest(self.declared.spki.spki_der()).to_hex(),
            valid_from: key.valid_from,
            retired_at: key.retired_at,
            lost_at: key.lost_at,
            compromised: key.compromised,
            state: self.state.as_str().to_owned(),
        }
    }

    fn parse(number: u32, model: &VersionModel, path: &AttributePath) -> Result<Self, Misfit> {
        let key = TrustKey {
            version: number,
            spec: model.key_spec.clone(),
            spki: model.public_key_spki.clone(),
            arn: model.arn.clone(),
            valid_from: model.valid_from.clone(),
            retired_at: model.retired_at.clone(),
            lost_at: model.lost_at.clone(),
            compromised: model.compromised.clone(),
        };
        let state = State::parse(&model.state).ok_or_else(|| {
            let detail = format!("{:?} is not a state of a version.", model.state);
            Misfit::invalid(path.clone().attribute("state"), detail)
        })?;
        Ok(Self {
            key_id: model.key_id.clone(),
            declared: key.policy(path)?,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::keys::PublicKey;
    use auditlog_chain::timestamp::Timestamp;

    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn key() -> KeyPolicy {
        let spki = PublicKey::from_pem(PEM).unwrap();
        KeyPolicy {
            spec: spki.spec(),
            spki,
            arn: Some("arn:aws:kms:eu-central-1:123456789012:key/1".to_owned()),
            valid_from: Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap(),
            retired_at: None,
            lost_at: None,
            compromised: None,
        }
    }

    #[test]
    fn history_reads_back_from_the_state() {
        let history = History::of_one("1", key());
        assert_eq!(History::parse(&history.models()), Ok(history));
    }

    #[test]
    fn value_of_the_wrong_form_is_named_with_its_place() {
        let mut models = History::of_one("1", key()).models();
        models.get_mut("1").unwrap().state = "asleep".to_owned();
        let misfit = History::parse(&models).unwrap_err();
        assert_eq!(misfit.path.to_string(), "versions[\"1\"].state");
        assert_eq!(misfit.detail, "\"asleep\" is not a state of a version.");
    }
}
