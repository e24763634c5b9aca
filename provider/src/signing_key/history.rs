//! The versions that a signing key had, as a value: what each is, and what becomes of it. No calls and no clock.
//!
//! A version begins `unfinished`, becomes `current` in one step with the alias, and makes way for its successor: it may sign
//! for a grace period, and is `retired` after that. A first version whose alias another key still has is `waiting` in between.
//! Nothing that signed is ever removed, and what is declared about a version stays.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::{Compromised, KeyPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::AttributePath;

use super::model::VersionModel;
use crate::aws::Signing;
use crate::trust::keys::{Misfit, TrustKey, TrustModel};

/// What a version may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It was made, and does not sign yet.
    Unfinished,
    /// The same, and only the alias is missing. Another key has it: the one that is being replaced.
    Waiting,
    /// It signs, and the alias points at it.
    Current,
    /// It has a successor, and may sign until `retired_at`.
    Grace,
    /// Its policy denies signing.
    Retired,
    /// The same, and it is disabled.
    Compromised,
    /// Somebody scheduled its deletion.
    DeletionScheduled,
    /// KMS does not have it any more.
    Gone,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Unfinished,
        Self::Waiting,
        Self::Current,
        Self::Grace,
        Self::Retired,
        Self::Compromised,
        Self::DeletionScheduled,
        Self::Gone,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Waiting => "waiting",
            Self::Current => "current",
            Self::Grace => "grace",
            Self::Retired => "retired",
            Self::Compromised => "compromised",
            Self::DeletionScheduled => "deletion_scheduled",
            Self::Gone => "gone",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nobody could sign with it yet, so that nothing is lost with it.
    pub(crate) const fn never_signed(self) -> bool {
        matches!(self, Self::Unfinished | Self::Waiting)
    }
}

/// One version: a key of KMS, and what the trust policy says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key_id: String,
    pub(crate) declared: KeyPolicy,
    pub(crate) state: State,
}

/// What KMS has of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The key.
    There,
    /// A key that will be deleted.
    Going,
    /// Nothing.
    Gone,
}

/// What a configuration declares about versions, by their number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) lost: BTreeMap<u32, Timestamp>,
    pub(crate) compromised: BTreeMap<u32, Compromised>,
}

/// Every version by its number, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History(BTreeMap<u32, Version>);

impl History {
    /// Of a key that never rotated.
    pub(crate) fn of_one(key_id: &str, declared: KeyPolicy) -> Self {
        let mut history = Self::default();
        history.insert(1, key_id, declared, State::Current);
        history
    }

    /// Adds a version as it was found.
    pub(crate) fn insert(&mut self, number: u32, key_id: &str, declared: KeyPolicy, state: State) {
        let version = Version {
            key_id: key_id.to_owned(),
            declared,
            state,
        };
        self.0.insert(number, version);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn versions(&self) -> impl Iterator<Item = (u32, &Version)> {
        self.0.iter().map(|(number, version)| (*number, version))
    }

    /// The ids of all its keys.
    pub(crate) fn key_ids(&self) -> BTreeSet<String> {
        self.0
            .values()
            .map(|version| version.key_id.clone())
            .collect()
    }

    /// The newest version that was finished; or the only one, which is not yet.
    pub(crate) fn current(&self) -> Option<(u32, &Version)> {
        let finished = |(_, version): &(u32, &Version)| version.state != State::Unfinished;
        self.versions()
            .filter(finished)
            .last()
            .or(self.versions().last())
    }

    /// A version that was made and does not sign yet.
    pub(crate) fn unfinished(&self) -> Option<(u32, &Version)> {
        self.versions()
            .find(|(_, version)| version.state.never_signed())
    }

    /// Whether the version that is to sign waits for the alias.
    pub(crate) fn waits(&self) -> bool {
        self.versions()
            .any(|(_, version)| version.state == State::Waiting)
    }

    /// The version that was made waits for the alias.
    pub(crate) fn wait(&mut self) {
        for version in self.0.values_mut() {
            if version.state == State::Unfinished {
                version.state = State::Waiting;
            }
        }
    }

    /// The key id of the version before this one.
    pub(crate) fn previous(&self, number: u32) -> Option<&str> {
        let (_, version) = self.0.range(..number).next_back()?;
        Some(&version.key_id)
    }

    /// The number that the next version gets.
    pub(crate) fn next_number(&self) -> u32 {
        let newest = self.0.keys().next_back().copied().unwrap_or(0);
        newest.saturating_add(1)
    }

    /// A successor was made. It does not sign yet.
    pub(crate) fn begin(&mut self, key_id: &str, declared: KeyPolicy) -> u32 {
        let number = self.next_number();
        self.insert(number, key_id, declared, State::Unfinished);
        number
    }

    /// The version that waits has got the alias, and may sign.
    pub(crate) fn handed_over(&mut self) {
        for version in self.0.values_mut() {
            if version.state == State::Waiting {
                version.state = State::Current;
            }
        }
    }

    /// The unfinished version becomes the one that signs. Its predecessor may sign for so many days more, unless it is lost
    /// or compromised; when that ends is fixed here.
    pub(crate) fn finish(&mut self, now: Timestamp, grace_days: u32) {
        let before = self.current().map(|(number, _)| number);
        let Some(new) = self.unfinished().map(|(number, _)| number) else {
            return;
        };
        if let Some(old) = before
            .filter(|old| *old != new)
            .and_then(|old| self.0.get_mut(&old))
        {
            old.retire_after(now, grace_days);
        }
        if let Some(new) = self.0.get_mut(&new) {
            new.state = State::Current;
        }
    }

    /// Grace periods that have ended.
    pub(crate) fn ended(&self, now: Timestamp) -> BTreeSet<u32> {
        let ended = |version: &Version| {
            let over = version.declared.retired_at.is_some_and(|at| at <= now);
            version.state == State::Grace && over
        };
        let versions = self.versions().filter(|(_, version)| ended(version));
        versions.map(|(number, _)| number).collect()
    }

    /// Nobody signs with these any more.
    pub(crate) fn retire(&mut self, numbers: &BTreeSet<u32>) {
        for (number, version) in &mut self.0 {
            if numbers.contains(number) && version.state == State::Grace {
                version.state = State::Retired;
            }
        }
    }

    /// Declares losses and compromises. What was declared before stays where this does not name it.
    pub(crate) fn declare(&mut self, declared: &Declared) {
        for (number, at) in &declared.lost {
            if let Some(version) = self.0.get_mut(number) {
                version.declared.lost_at = Some(*at);
                version.give_up();
            }
        }
        for (number, compromised) in &declared.compromised {
            if let Some(version) = self.0.get_mut(number) {
                version.declared.compromised = Some(compromised.clone());
                version.disable();
            }
        }
    }

    /// Takes note of what KMS has of a version. One that never signed and is gone was never there.
    pub(crate) fn found(&mut self, number: u32, presence: Presence, now: Timestamp) {
        let is_current = self.current().is_some_and(|(current, _)| current == number);
        let Some(version) = self.0.get_mut(&number) else {
            return;
        };
        match (presence, version.state) {
            (Presence::Going | Presence::Gone, State::Unfinished | State::Waiting) => {
                self.0.remove(&number);
            }
            (Presence::Gone, _) => version.state = State::Gone,
            (Presence::Going, _) => version.state = State::DeletionScheduled,
            (Presence::There, State::DeletionScheduled | State::Gone) => {
                version.come_back(is_current, now);
            }
            (
                Presence::There,
                State::Unfinished
                | State::Waiting
                | State::Current
                | State::Grace
                | State::Retired
                | State::Compromised,
            ) => {}
        }
    }

    /// When the version that signs is due for rotation by its age.
    pub(crate) fn due(&self, period_days: u32) -> Option<Timestamp> {
        let (_, current) = self.current()?;
        Some(current.declared.valid_from.saturating_add_days(period_days))
    }

    /// Why the version that signs needs a successor, whatever the configuration says about rotation.
    pub(crate) fn needs_successor(&self) -> Option<Need> {
        let (_, current) = self.current()?;
        if current.state == State::Gone {
            Some(Need::Gone)
        } else if current.declared.compromised.is_some() {
            Some(Need::Compromised)
        } else if current.declared.lost_at.is_some() {
            Some(Need::Lost)
        } else {
            None
        }
    }

    /// What the key exports. A version that does not sign yet is not part of it.
    pub(crate) fn trust(&self, alias: &str) -> TrustModel {
        let signing = |(_, version): &(u32, &Version)| version.state != State::Unfinished;
        let versions = self.versions().filter(signing);
        TrustModel::new(
            alias,
            versions.map(|(number, version)| (number, &version.declared)),
        )
    }

    /// The versions as the state has them.
    pub(crate) fn models(&self) -> BTreeMap<String, VersionModel> {
        self.versions()
            .map(|(number, version)| (number.to_string(), version.model(number)))
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
            let number = parse_number(key, &path)?;
            Ok((number, Version::parse(number, model, &path)?))
        });
        versions.collect::<Result<_, _>>().map(Self)
    }
}

/// Why a version needs a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// KMS does not have it any more.
    Gone,
    /// Somebody else may have signed with it.
    Compromised,
    /// It cannot be used any more.
    Lost,
}

/// The number of a version, as the key of a map has it.
///
/// # Errors
///
/// It is not a number from 1.
pub(crate) fn parse_number(key: &str, path: &AttributePath) -> Result<u32, Misfit> {
    let number: Option<u32> = key.parse().ok();
    let number = number.filter(|number| *number > 0 && number.to_string() == key);
    number.ok_or_else(|| {
        let detail = format!("{key:?} is not the number of a version, such as \"1\".");
        Misfit::invalid(path.clone(), detail)
    })
}

impl Version {
    /// Whether its signers may sign with it. What is scheduled for deletion or gone signs nothing anyway.
    pub(crate) fn signing(&self) -> Signing {
        match self.state {
            State::Current | State::Grace if self.is_trusted() => Signing::Allowed,
            State::Unfinished
            | State::Waiting
            | State::Current
            | State::Grace
            | State::Retired
            | State::Compromised
            | State::DeletionScheduled
            | State::Gone => Signing::Denied,
        }
    }

    /// Whether it was declared neither lost nor compromised.
    fn is_trusted(&self) -> bool {
        self.declared.compromised.is_none() && self.declared.lost_at.is_none()
    }

    /// Whether KMS still has it, as something that can be changed.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.state, State::DeletionScheduled | State::Gone)
    }

    fn retire_after(&mut self, now: Timestamp, grace_days: u32) {
        let usable = self.is_trusted() && self.state == State::Current;
        let grace_days = if usable { grace_days } else { 0 };
        let end = now.saturating_add_days(grace_days);
        let end = end.max(self.declared.valid_from);
        self.declared.retired_at.get_or_insert(end);
        if self.state == State::Current {
            self.state = match (self.declared.compromised.is_some(), grace_days) {
                (true, _) => State::Compromised,
                (false, 0) => State::Retired,
                (false, _) => State::Grace,
            };
        }
    }

    /// Somebody cancelled its deletion: it is what it would be without.
    fn come_back(&mut self, is_current: bool, now: Timestamp) {
        let in_grace = self.declared.retired_at.is_some_and(|at| at > now);
        self.state = match (is_current, in_grace && self.declared.lost_at.is_none()) {
            (true, _) => State::Current,
            (false, true) => State::Grace,
            (false, false) => State::Retired,
        };
        if self.declared.compromised.is_some() {
            self.disable();
        }
    }

    /// A lost version has no grace period: nobody may find it and sign.
    fn give_up(&mut self) {
        if self.state == State::Grace {
            self.state = State::Retired;
        }
    }

    /// A compromised version is disabled, once another one signs.
    fn disable(&mut self) {
        if matches!(self.state, State::Grace | State::Retired) {
            self.state = State::Compromised;
        }
    }

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
mod tests;
