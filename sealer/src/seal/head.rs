//! Reading the head, and the rules of keys: who may sign, whose signatures a segment needs (F14).

use std::sync::Arc;

use auditlog_chain::line::KeyChange;
use auditlog_chain::policy::{KeyPolicy, LogPolicy, Made, Need, RequiredSignatures, TrustPolicy};
use auditlog_chain::segment::{CheckedSegment, Expected, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::Setup;
use crate::error::{Error, KeyError, LogError};
use crate::limits::MAX_SKEW_SECONDS;
use crate::signer::Signer;

impl Setup {
    pub(super) fn expected(&self, segment: u64) -> Expected<'_> {
        Expected {
            origin: &self.log.origin,
            segment,
            format: self.log.format,
        }
    }

    /// Reads the newest segment and proves it: its lines, its root, and a signature of a key that was named to us. That it
    /// continues its predecessor is for the verifier to say.
    pub(super) fn read_head(&self, newest: u64) -> Result<(Head, VerifierKey), Error> {
        let key = self.log.segment_key(newest);
        let Some(object) = self.store.read(&key)? else {
            return Err(LogError::Gap { key }.into());
        };
        let bad = |source| LogError::BadHead {
            key: key.clone(),
            source: Box::new(source),
        };
        let segment = check_segment(&object, self.expected(newest)).map_err(bad)?;
        let now = (self.clock)();
        if segment.sealed().seconds_since(now) > MAX_SKEW_SECONDS {
            return Err(LogError::HeadInFuture {
                key,
                sealed: segment.sealed(),
                now,
            }
            .into());
        }
        let signer = self.prove_signatures(&key, &segment)?;
        Ok((segment.head().clone(), signer))
    }

    /// Checks that a segment has the signatures that it needs, of keys that were named to us, and says which key signs.
    pub(super) fn prove_signatures(
        &self,
        key: &str,
        segment: &CheckedSegment,
    ) -> Result<VerifierKey, Error> {
        let bad = |source| LogError::BadHead {
            key: key.to_owned(),
            source: Box::new(source),
        };
        let signer = self.head_signer(key, segment)?;
        let found = segment.signed_checkpoint().signatures.len();
        let change = segment.key_change();
        let required = self.required(&signer, change, segment.number(), segment.sealed());
        segment
            .check_signatures(&required.among(found))
            .map_err(bad)?;
        Ok(signer)
    }

    /// The key that the newest segment says it is signed by, if somebody named it to us.
    fn head_signer(&self, key: &str, segment: &CheckedSegment) -> Result<VerifierKey, Error> {
        let signatures = &segment.signed_checkpoint().signatures;
        let key_id = signatures.first().map(|note| note.key_id);
        let announced = segment.key_change().map(|change| &change.verifier_key);
        self.known_keys()
            .into_iter()
            .find(|known| {
                Some(known.key_id()) == key_id
                    && announced.is_none_or(|announced| announced == known)
            })
            .ok_or_else(|| {
                let key_id = key_id.map_or(0, u32::from_be_bytes);
                let key = key.to_owned();
                LogError::UnknownSigner { key, key_id }.into()
            })
    }

    /// The keys of the log: those of the policy, or without one those that we were given.
    fn known_keys(&self) -> Vec<VerifierKey> {
        if self.policy.is_some() {
            return self.log.verifier_keys.clone();
        }
        self.signers()
            .map(|signer| signer.verifier_key(&self.log.origin))
            .collect()
    }

    /// The signatures that a segment needs. In a bucket, loss and compromise are judged by when the segment is stored: that is
    /// now for one that is about to be, and no later than now for one that is there.
    pub(super) fn required<'k>(
        &self,
        key: &'k VerifierKey,
        change: Option<&'k KeyChange>,
        segment: u64,
        sealed: Timestamp,
    ) -> RequiredSignatures<'k> {
        RequiredSignatures::of(
            self.policy.as_deref(),
            key,
            change,
            &self.made(segment, sealed),
        )
    }

    fn made(&self, segment: u64, sealed: Timestamp) -> Made {
        let in_store = self
            .policy
            .as_ref()
            .is_some_and(|policy| policy.document().store.is_some());
        Made {
            segment,
            sealed,
            stored: in_store.then(|| (self.clock)()),
        }
    }

    /// Whether a rotation away from this key, sealed now, needs its signature.
    pub(super) fn need_of_previous(&self, previous: &VerifierKey, segment: u64) -> Need {
        let made = self.made(segment, (self.clock)());
        self.policy.as_ref().map_or(Need::Required, |policy| {
            policy.need_of_previous(previous, &made)
        })
    }

    /// The keys that were given.
    fn signers(&self) -> impl Iterator<Item = &Arc<Signer>> {
        std::iter::once(&self.signer).chain(&self.previous)
    }

    pub(super) fn signer_of(&self, key: &VerifierKey) -> Result<Arc<Signer>, Error> {
        self.signers()
            .find(|signer| signer.public_key() == key.public_key())
            .cloned()
            .ok_or_else(|| {
                let found = self.signer.verifier_key(&self.log.origin);
                KeyError::Other {
                    expected: Box::new(key.clone()),
                    found: Box::new(found),
                }
                .into()
            })
    }

    /// Checks that the policy lets the key sign this log now.
    pub(super) fn check_keys(&self) -> Result<(), Error> {
        let Some(policy) = &self.policy else {
            return Ok(());
        };
        let key = self.signer.verifier_key(&self.log.origin);
        may_sign(policy, &self.log, &key, (self.clock)())
    }

    /// Checks that the policy lets a key sign now, whenever what it is to sign was accepted.
    pub(super) fn may_sign_now(&self, key: &VerifierKey) -> Result<(), KeyError> {
        let said = self.policy.as_ref().and_then(|policy| policy.key(key));
        said.map_or(Ok(()), |said| is_valid(said, key, (self.clock)()))
    }
}

/// Checks that the policy lets a key sign a log at a time.
///
/// # Errors
///
/// Where the key is not one of the log's, or is not valid then.
pub fn may_sign(
    policy: &TrustPolicy,
    log: &LogPolicy,
    key: &VerifierKey,
    now: Timestamp,
) -> Result<(), Error> {
    let said = policy.key(key);
    let Some(said) = said.filter(|_| log.verifier_keys.contains(key)) else {
        return Err(KeyError::NotInPolicy {
            found: Box::new(key.clone()),
            known: log.verifier_keys.clone(),
        }
        .into());
    };
    Ok(is_valid(said, key, now)?)
}

fn is_valid(said: &KeyPolicy, key: &VerifierKey, now: Timestamp) -> Result<(), KeyError> {
    let wrong = [
        (
            Some(said.valid_from).filter(|from| *from > now),
            "is valid only from",
        ),
        (said.retired_at.filter(|at| *at <= now), "was retired at"),
        (said.lost_at.filter(|at| *at <= now), "was lost at"),
        (
            said.compromised.as_ref().map(|one| one.at),
            "was compromised at",
        ),
    ];
    for (at, reason) in wrong {
        if let Some(at) = at {
            return Err(KeyError::NotValid {
                key: Box::new(key.clone()),
                reason,
                at,
                now,
            });
        }
    }
    Ok(())
}
