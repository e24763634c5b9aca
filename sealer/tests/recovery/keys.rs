//! Keys that end while something waits for their signature.

use std::fs;
use std::sync::{Arc, Mutex};

use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, SilenceSpan, TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, KeyError};
use auditlog_sealer::seal::{Notice, Sealer, Setup};
use auditlog_sealer::signer::Signer;
use auditlog_sealer::store::Clock;
use auditlog_sealer::target::log_without_policy;

use crate::memory::Mood;
use crate::{Bench, ORIGIN, push, signer};

/// What the policy says of the key that ends.
pub(crate) type Say = fn(&mut KeyPolicy, Timestamp);

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
    pub(crate) fn declared(&self, next: &Signer, say: Say, at: Timestamp) -> Setup {
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
fn segment_that_was_not_signed_before_its_key_ended_is_chained_again_under_the_next_one() {
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
        let after = || -> Clock {
            let now = now.clone();
            Arc::new(move || now().saturating_add_seconds(7200))
        };
        // The key that ended signs nothing more, and nothing is lost.
        let old = Setup {
            clock: after(),
            ..bench.declared(&next, say, end)
        };
        let error = Sealer::start(old, bench.spool()).err().unwrap();
        assert!(
            matches!(error, Error::Key(KeyError::NotValid { .. })),
            "{error}"
        );
        assert_eq!(bench.store.creates(), creates);
        assert_eq!(bench.spool().kept()[0].events, 1);
        let said = Arc::new(Mutex::new(Vec::new()));
        let says = Arc::clone(&said);
        let setup = Setup {
            clock: after(),
            signer: next.clone(),
            previous: vec![bench.signer.clone()],
            notify: Arc::new(move |notice| says.lock().unwrap().push(notice)),
            ..bench.declared(&next, say, end)
        };
        let sealer = Sealer::start(setup, bench.spool()).unwrap();
        assert_eq!(bench.events(), ["1"]);
        let key = next.verifier_key(&sealer.head().origin);
        assert_eq!(sealer.log_key(), Some(key));
        assert_eq!(sealer.head().next_segment, 2);
        let said = said.lock().unwrap().clone();
        assert_eq!(said, [Notice::ChainedAgain { first: 1, last: 1 }]);
        let object = &bench.store.objects()["payments/000000000001.jsonl.zst"][0];
        let text = zstd::stream::decode_all(object.as_slice()).unwrap();
        let text = String::from_utf8(text).unwrap();
        // One signature, of the next key; the other one may not sign.
        assert_eq!(text.matches("\\n— ").count(), 1, "{text}");
    }
}

#[test]
fn segment_that_may_have_been_signed_is_not_chained_again() {
    let (bench, next) = (Bench::new(), signer());
    let retired: Say = |key, at| key.retired_at = Some(at);
    let end = (bench.clock)().saturating_add_seconds(3600);
    let mut sealer = Sealer::start(bench.declared(&next, retired, end), bench.spool()).unwrap();
    push(&mut sealer, &["1"], &bench.clock);
    bench.store.set(Mood::Unasked);
    assert!(sealer.seal().is_err());
    drop(sealer);
    bench.store.set(Mood::Honest);
    // As a crash leaves it while the key service is asked.
    fs::write(bench.folder.path().join("000000000001.frames"), "frames").unwrap();
    let now = bench.clock.clone();
    let setup = Setup {
        clock: Arc::new(move || now().saturating_add_seconds(7200)),
        signer: next.clone(),
        previous: vec![bench.signer.clone()],
        ..bench.declared(&next, retired, end)
    };
    let error = Sealer::start(setup, bench.spool()).err().unwrap();
    let expected = KeyError::MayBeSigned { segment: 1 }.to_string();
    assert_eq!(error.to_string(), expected);
    assert_eq!(bench.spool().kept()[0].events, 1);
}
