//! Segments that wait for a key that was retired are chained again, and the machine stops before any call of that.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, Source, StoredBatch};
use auditlog_chain::keys::KeySpec;
use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, SilenceSpan, TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::Error;
use auditlog_sealer::seal::{Named, Naming, Offered, Sealer, Setup};
use auditlog_sealer::signer::{LocalKey, Signer};
use auditlog_sealer::spool::{LostInputs, Spool};

use crate::disk::{Loss, Machine};
use crate::{EVENTS, World};

/// When the first key is retired: a day after the clock begins.
pub(crate) const RETIRED: i64 = 1_800_000_000_000_000 + 86_400_000_000;

fn named(signer: &Signer, retired_at: Option<Timestamp>) -> KeyPolicy {
    KeyPolicy {
        spec: signer.public_key().spec(),
        spki: signer.public_key().clone(),
        arn: None,
        valid_from: Timestamp::EPOCH,
        retired_at,
        lost_at: None,
        compromised: None,
    }
}

/// The same under a policy that retires the key of the world, and names another one.
fn declared(setup: Setup, next: &Signer) -> Setup {
    let from = Timestamp::EPOCH;
    let keys = [&*setup.signer, next].map(|signer| signer.verifier_key(&setup.log.origin));
    let log = LogPolicy {
        verifier_keys: keys.to_vec(),
        max_silence: vec![SilenceSpan {
            from,
            seconds: 90_000,
        }],
        ..setup.log.clone()
    };
    let document = PolicyDocument {
        trust_policy: 1,
        store: None,
        lock: vec![LockSpan {
            from,
            mode: LockMode::Governance,
            retention_days: 3,
        }],
        keys: vec![
            named(&setup.signer, Timestamp::from_micros(RETIRED)),
            named(next, None),
        ],
        logs: vec![log.clone()],
        acknowledged: Vec::new(),
        declared_prefixes: Vec::new(),
    };
    Setup {
        log,
        policy: Some(Arc::new(TrustPolicy::check(document).unwrap())),
        ..setup
    }
}

pub(crate) fn spool(machine: &Machine) -> Result<Spool, Error> {
    let disk = Arc::new(machine.clone());
    Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)
}

/// Each event comes ten seconds after the one before.
fn accepted_at(event: u64) -> Timestamp {
    let begin = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
    begin.saturating_add_seconds(10 * (i64::try_from(event).unwrap() + 1))
}

/// Its sender, its name and the event.
pub(crate) fn batch_of(event: u64) -> (Option<Source>, Option<Batch>, StoredBatch) {
    let mut batch = StoredBatch::default();
    let json = format!("{{\"event\":{event}}}");
    batch.push_json(json.as_bytes()).unwrap();
    let name = Batch::parse(&format!("batch {event}"));
    (Source::parse("app"), name, batch)
}

fn offer(sealer: &mut Sealer, event: u64) -> Named {
    let (source, name, batch) = batch_of(event);
    let offered = Offered {
        source: source.as_ref(),
        name: name.as_ref(),
        naming: Naming::Unique,
        events: &batch,
        accepted: None,
    };
    sealer.append_batch(&offered, accepted_at(event)).unwrap()
}

/// A machine that has accepted all events while the store was away: one segment is signed, others are closed, and one is open.
pub(crate) fn left_behind(world: &World, next: &Signer) -> Machine {
    let machine = Machine::new();
    let setup = declared(world.setup(&machine), next);
    let mut sealer = Sealer::start(setup, spool(&machine).unwrap()).unwrap();
    sealer.start_shipping().unwrap();
    world.go_away();
    for event in 0..EVENTS {
        assert_eq!(offer(&mut sealer, event), Named::New);
        sealer.accept().unwrap();
    }
    let begun = Instant::now();
    while sealer.trouble().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::yield_now();
    }
    assert!(sealer.waiting_segments() > 1);
    drop(sealer);
    world.come_back();
    machine
}

/// What a run under the next key works with.
pub(crate) fn rotated(world: &World, machine: &Machine, next: &Arc<Signer>) -> Setup {
    Setup {
        signer: Arc::clone(next),
        previous: vec![Arc::clone(&world.signer)],
        ..declared(world.setup(machine), next)
    }
}

/// A run under the next key, after the first one was retired.
fn finish(world: &World, machine: &Machine, next: &Arc<Signer>) -> Result<(), Error> {
    finish_with(EVENTS, world, machine, next)
}

/// The same where so many events were accepted.
pub(crate) fn finish_with(
    events: u64,
    world: &World,
    machine: &Machine,
    next: &Arc<Signer>,
) -> Result<(), Error> {
    let setup = rotated(world, machine, next);
    let origin = setup.log.origin.clone();
    let mut sealer = Sealer::start(setup, spool(machine)?)?;
    for event in 0..events {
        assert_eq!(offer(&mut sealer, event), Named::Known);
    }
    sealer.seal()?;
    assert_eq!(sealer.log_key(), Some(next.verifier_key(&origin)));
    Ok(())
}

#[test]
fn what_is_chained_again_under_another_key_is_there_once_wherever_it_stops() {
    let next = LocalKey::generate(KeySpec::EccNistEdwards25519).unwrap();
    let next = Arc::new(Signer::Local(next));
    let before = World::new();
    let machine = left_behind(&before, &next);
    before.clock_is_at(RETIRED + 1);
    let world = before.copy();
    let whole = machine.restarted(Loss::Nothing);
    finish(&world, &whole, &next).unwrap();
    world.has_each_event_once("a run that is not stopped");
    let kept = world.lines();
    for event in 0..EVENTS {
        // The time when it was accepted, and who sent it under which name.
        let time = accepted_at(event);
        let line = format!(
            "\"time\":\"{time}\",\"source\":\"app\",\"batch\":\"batch {event}\",\"event\":{{\"event\":{event}}}}}"
        );
        assert!(kept.contains(&line), "{line}\n{kept}");
    }
    let calls = whole.calls();
    assert!(calls > 30, "{calls} calls");
    for stop in 0..calls {
        let world = before.copy();
        let stopped = machine.restarted(Loss::Nothing);
        stopped.stop_after(stop);
        assert!(finish(&world, &stopped, &next).is_err(), "{stop}");
        for loss in [Loss::Nothing, Loss::Unsynced, Loss::Some(1), Loss::Some(2)] {
            let world = world.copy();
            let again = stopped.restarted(loss);
            let story = format!("stopped before call {stop}, lost {loss:?}");
            let run = finish(&world, &again, &next);
            run.unwrap_or_else(|error| panic!("{story}: {error}"));
            world.has_each_event_once(&story);
        }
    }
}
