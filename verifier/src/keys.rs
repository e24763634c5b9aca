//! Keys (V11 to V16): the policy alone authorises; a key line only announces; a compromised key counts up to the last good
//! segment and no further.

use auditlog_chain::fault::Fault as ChainFault;
use auditlog_chain::policy::{LogPolicy, Made, RequiredSignatures, TrustPolicy, Trusted};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::facts::Sound;
use crate::fault::Fault;

/// Line of a segment that announces its key.
const KEY_LINE: u64 = 2;

/// The id of a key as reports show it: 8 hex digits.
pub(crate) fn key_id(key: &VerifierKey) -> String {
    hex(key.key_id())
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// What the keys of a segment are compared with.
pub(crate) struct Rules<'p> {
    pub(crate) policy: &'p TrustPolicy,
    pub(crate) log: &'p LogPolicy,
    pub(crate) skew_seconds: i64,
}

/// What is known of a segment's keys before its predecessor is looked at.
pub(crate) struct Signed<'s> {
    pub(crate) segment: &'s Sound,
    /// `LastModified`.
    pub(crate) stored: Option<Timestamp>,
}

/// What the checks of a segment's keys came to.
#[derive(Default)]
pub(crate) struct KeyOutcome {
    /// The key that signs from here on; `None` where that is not proven.
    pub(crate) active: Option<VerifierKey>,
    /// A fault with the line that it is in.
    pub(crate) faults: Vec<(Option<u64>, Fault)>,
    /// Compromised keys without a last good segment: no verdict (V16).
    pub(crate) undecided: Vec<VerifierKey>,
}

impl Rules<'_> {
    /// Checks who signed a segment; `active` is the key that signed until now, where that is known.
    pub(crate) fn check(&self, active: Option<&VerifierKey>, signed: &Signed<'_>) -> KeyOutcome {
        let mut outcome = KeyOutcome::default();
        let key = match self.key_of(active, signed) {
            Ok(key) => key,
            Err(fault) => {
                outcome.faults.push(fault);
                return outcome;
            }
        };
        outcome.undecided = self.undecided(&key, signed);
        let required = self.required(&key, signed);
        if let Err(fault) = self.check_signatures(&required, signed) {
            outcome.faults.push(fault);
            return outcome;
        }
        for signer in required.required() {
            outcome
                .faults
                .extend(self.span_fault(signer, signed).map(|fault| (None, fault)));
        }
        if let Trusted::UpTo(last) = self.policy.trusted(&key)
            && signed.segment.number > last.segment
        {
            let fault = Fault::KeyCompromised {
                key_id: key_id(&key),
                expected: last.segment,
                found: signed.segment.number,
            };
            outcome.faults.push((None, fault));
        }
        outcome.active = Some(key);
        outcome
    }

    /// V11, V13: the key that must have signed the segment.
    fn key_of(
        &self,
        active: Option<&VerifierKey>,
        signed: &Signed<'_>,
    ) -> Result<VerifierKey, (Option<u64>, Fault)> {
        let Some(change) = signed.segment.key_change.as_ref() else {
            return match active {
                Some(active) => Ok(active.clone()),
                None => self.claimed_key(signed).map_err(|fault| (None, fault)),
            };
        };
        if let (Some(previous), Some(active)) = (&change.previous, active)
            && previous != active
        {
            let (expected, found) = (active.to_string(), previous.to_string());
            return Err((
                Some(KEY_LINE),
                ChainFault::KeyLine { expected, found }.into(),
            ));
        }
        for key in std::iter::once(&change.verifier_key).chain(&change.previous) {
            if !self.log.verifier_keys.contains(key) {
                return Err((Some(KEY_LINE), self.unknown(key.to_string())));
            }
        }
        Ok(change.verifier_key.clone())
    }

    /// The authorised key that the first signature names, where no predecessor says which it must be.
    fn claimed_key(&self, signed: &Signed<'_>) -> Result<VerifierKey, Fault> {
        if let Some([only]) = signed.segment.signers.as_deref() {
            return Ok(only.clone());
        }
        let claimed = signed
            .segment
            .ending
            .signed
            .signatures
            .first()
            .map(|note| note.key_id);
        let known = self
            .log
            .verifier_keys
            .iter()
            .find(|key| Some(key.key_id()) == claimed);
        known
            .cloned()
            .ok_or_else(|| self.unknown(claimed.map(hex).unwrap_or_default()))
    }

    fn unknown(&self, found: String) -> Fault {
        Fault::KeyUnknown {
            expected: self.log.verifier_keys.iter().map(key_id).collect(),
            found,
        }
    }

    /// F14: the signatures that the segment needs.
    fn required<'k>(&self, key: &'k VerifierKey, signed: &'k Signed<'_>) -> RequiredSignatures<'k> {
        let made = Made {
            segment: signed.segment.number,
            sealed: signed.segment.sealed,
            stored: signed.stored,
        };
        RequiredSignatures::of(
            Some(self.policy),
            key,
            signed.segment.key_change.as_ref(),
            &made,
        )
    }

    /// V16: the keys that signed, or had to, and of which nobody says how far they count.
    fn undecided(&self, key: &VerifierKey, signed: &Signed<'_>) -> Vec<VerifierKey> {
        let change = signed.segment.key_change.as_ref();
        let previous = change.and_then(|change| change.previous.as_ref());
        let signers = signed.segment.signers.as_deref().unwrap_or_default();
        let mut keys: Vec<_> = std::iter::once(key)
            .chain(previous)
            .chain(signers)
            .collect();
        keys.retain(|key| self.policy.trusted(key) == Trusted::Unknown);
        keys.into_iter().cloned().collect()
    }

    /// V12: the checkpoint has exactly the required signatures. Where that of the previous key is not required, it may be
    /// there all the same.
    fn check_signatures(
        &self,
        required: &RequiredSignatures<'_>,
        signed: &Signed<'_>,
    ) -> Result<(), (Option<u64>, Fault)> {
        let notes = &signed.segment.ending.signed.signatures;
        let due = required.among(notes.len());
        let signed_by = |all: &[VerifierKey]| all.iter().eq(due.iter().copied());
        if signed.segment.signers.as_deref().is_some_and(signed_by) {
            return Ok(());
        }
        let stranger = notes.iter().find(|note| {
            !self
                .log
                .verifier_keys
                .iter()
                .any(|known| known.key_id() == note.key_id)
        });
        if let Some(stranger) = stranger {
            return Err((None, self.unknown(hex(stranger.key_id))));
        }
        let checkpoint = &signed.segment.ending.signed;
        let checked = checkpoint.check_signatures(&due, signed.segment.sealed);
        checked.map_err(|fault| (None, ChainFault::from(fault).into()))
    }

    /// V14: the segment was sealed, and stored, while the key could sign. `sealed` has no lower bound: a segment that was closed
    /// before a rotation may be signed after it.
    fn span_fault(&self, key: &VerifierKey, signed: &Signed<'_>) -> Option<Fault> {
        let known = self.policy.key(key)?;
        let from = known
            .valid_from
            .saturating_add_seconds(self.skew_seconds.saturating_neg());
        let until = known
            .retired_at
            .map(|at| at.saturating_add_seconds(self.skew_seconds));
        let late = |time: Timestamp| until.is_some_and(|until| time > until);
        let early = |time: Timestamp| time < from;
        let sealed = signed.segment.sealed;
        let (what, found) = match signed.stored {
            _ if late(sealed) => ("sealed", sealed),
            Some(stored) if late(stored) || early(stored) => ("stored", stored),
            _ => return None,
        };
        Some(Fault::KeyOutsideSpan {
            key_id: key_id(key),
            what,
            segment: signed.segment.number,
            sealed: signed.segment.sealed,
            valid_from: known.valid_from,
            retired_at: known.retired_at,
            found,
        })
    }
}
