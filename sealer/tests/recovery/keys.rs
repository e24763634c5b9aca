//! Keys that end while something waits for their signature.

use std::sync::Arc;

use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, SilenceSpan, TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, KeyError};
use auditlog_sealer::seal::{Sealer, Setup};
use auditlog_sealer::signer::Signer;
use auditlog_sealer::target::log_without_policy;

use crate::memory::Mood;
use crate::{Bench, ORIGIN, push, signer};

/// What the policy says of the key that ends.
type Say = fn(&mut KeyPolicy, Timestamp);

fn named(signer: &Signer) -> KeyPolicy {
    KeyPolicy {
        spec: signer.public_key().spec(),
        spki: signer.public_key().clone(),
        arn: None,
        valid_from: Timestamp::EPOCH,
        retired_at: None,
        lost_at: None,
        compromised: None,
    }
}

impl Bench {
    /// The same under a policy that names two keys, the first of which ends.
    fn declared(&self, next: &Signer, say: Say, at: Timestamp) -> Setup {
        let mut keys = vec![named(&self.signer), named(next)];
        say(&mut keys[0], at);
        let (from, log) = (Timestamp::EPOCH, log_without_policy(ORIGIN, None).unwrap());
        let verifier_keys = [&*self.signer, next].map(|signer| signer.verifier_key(&log.origin));
        let log = LogPolicy {
            verifier_keys: verifier_keys.to_vec(),
            max_silence: vec![SilenceSpan {
                from,
                seconds: 90_000,
            }],
            ..log
        };
        let document = PolicyDocument {
            trust_policy: 1,
            store: None,
            lock: vec![LockSpan {
                from,
                mode: LockMode::Governance,
                retention_days: 3,
            }],
            keys,
            logs: vec![log.clone()],
            acknowledged: Vec::new(),
            declared_prefixes: Vec::new(),
        };
        Setup {
            log,
            policy: Some(Arc::new(TrustPolicy::check(document).unwrap())),
            ..self.setup()
        }
    }
}

#[test]
fn segment_that_was_not_signed_before_its_key_ended_is_never_signed_and_never_lost() {
    let retired: Say = |key, at| key.retired_at = Some(at);
    let lost: Say = |key, at| key.lost_at = Some(at);
    for say in [retired, lost] {
        let (bench, next) = (Bench::new(), signer());
        let end = (bench.clock)().saturating_add_seconds(3600);
        let mut sealer = Sealer::start(bench.declared(&next, say, end), bench.spool()).unwrap();
        push(&mut sealer, &["1"], &bench.clock);
        bench.store.set(Mood::Unasked);
        assert!(sealer.seal().is_err());
        drop(sealer);
        bench.store.set(Mood::Honest);
        let creates = bench.store.creates();
        let now = bench.clock.clone();
        let after = Arc::new(move || now().saturating_add_seconds(7200));
        for _ in 0..2 {
            let setup = Setup {
                clock: after.clone(),
                signer: next.clone(),
                previous: Some(bench.signer.clone()),
                ..bench.declared(&next, say, end)
            };
            let error = Sealer::start(setup, bench.spool()).err().unwrap();
            assert!(
                matches!(error, Error::Key(KeyError::Unsigned { segment: 1, .. })),
                "{error}"
            );
        }
        assert_eq!(bench.store.creates(), creates);
        assert_eq!(bench.spool().kept()[0].events, 1);
    }
}
