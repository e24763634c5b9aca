//! `auditlog-seal policy`: a trust policy for a first try.

use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, POLICY_VERSION, PolicyDocument, SilenceSpan,
    TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, PolicyError};
use auditlog_sealer::target::log_without_policy;

use super::arguments::{Now, PolicyArguments};
use super::output::print;

/// Long enough to try all there is, short enough to be rid of a first bucket within the week.
const RETENTION_DAYS: u32 = 3;

pub(crate) fn run(arguments: &PolicyArguments, now: Now) -> Result<(), Error> {
    let signer = arguments.key.signer(&mut arguments.aws.lazy(None))?;
    let now = Timestamp::EPOCH
        .saturating_add_seconds(i64::try_from(now().as_seconds()).unwrap_or(i64::MAX));
    let log = log_without_policy(&arguments.origin, arguments.prefix.as_deref())?;
    let document = PolicyDocument {
        trust_policy: POLICY_VERSION,
        store: None,
        // A folder has no lock; the policy has to name one all the same, of at least twice the silence.
        lock: vec![LockSpan {
            from: now,
            mode: LockMode::Governance,
            retention_days: RETENTION_DAYS,
        }],
        keys: vec![KeyPolicy {
            spec: signer.public_key().spec(),
            spki: signer.public_key().clone(),
            arn: signer.arn().map(str::to_owned),
            valid_from: now,
            retired_at: None,
            lost_at: None,
            compromised: None,
        }],
        logs: vec![LogPolicy {
            verifier_keys: vec![signer.verifier_key(&log.origin)],
            began: now,
            max_silence: vec![SilenceSpan {
                from: now,
                seconds: arguments.max_silence_seconds,
            }],
            ..log
        }],
        acknowledged: Vec::new(),
        declared_prefixes: Vec::new(),
    };
    let policy = TrustPolicy::check(document).map_err(|source| PolicyError::Invalid {
        path: "the new policy".into(),
        source,
    })?;
    print(&policy.format())
}
