//! A sealer that stops between any two calls of the system, with and without power: what was accepted is there, once.
//!
//! The disk and the store are in memory and count the calls. A run stops before its first call, its second one, and so on; then the
//! machine starts again, with all that was written, with nothing but what was synced, or with some of the rest.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auditlog_chain::builder::{Batch, Provenance, StoredBatch, StoredPayload};
use auditlog_chain::keys::KeySpec;
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::Error;
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::input::{GivenName, InputName, Position, Running};
use auditlog_sealer::seal::{KnownHead, Limits, Named, Naming, Offered, Sealer, Setup};
use auditlog_sealer::signer::{LocalKey, Signer};
use auditlog_sealer::spool::{Accepted, LostInputs, Spool};
use auditlog_sealer::target::log_without_policy;

use disk::{Loss, Machine};
use random::Random;
use store::{Far, Objects};

mod again;
mod disk;
mod faults;
mod full;
mod large;
mod names;
mod random;
mod store;

const ORIGIN: &str = "acme.example/audit/payments";

/// Events of one input: in batches of two, in segments of at least four.
const EVENTS: u64 = 11;

/// The store, the key and the clock: what outlives a machine.
#[derive(Clone)]
struct World {
    objects: Arc<Mutex<Objects>>,
    signer: Arc<Signer>,
    clock: Arc<AtomicI64>,
    /// Whether the store does not answer.
    away: Arc<AtomicBool>,
}

impl World {
    fn new() -> Self {
        let key = LocalKey::generate(KeySpec::EccNistEdwards25519).unwrap();
        Self {
            objects: Arc::default(),
            signer: Arc::new(Signer::Local(key)),
            clock: Arc::new(AtomicI64::new(1_800_000_000_000_000)),
            away: Arc::default(),
        }
    }

    /// Another world that is now as this one.
    fn copy(&self) -> Self {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            objects: Arc::new(Mutex::new(objects.clone())),
            ..self.clone()
        }
    }

    fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    fn clock_is_at(&self, micros: i64) {
        self.clock.store(micros, Ordering::SeqCst);
    }

    /// All lines of the log.
    fn lines(&self) -> String {
        let objects = self.objects.lock().unwrap();
        let text = |object: &Vec<u8>| zstd::stream::decode_all(object.as_slice()).unwrap();
        let lines = objects.values().flat_map(text).collect();
        String::from_utf8(lines).unwrap()
    }

    fn setup(&self, machine: &Machine) -> Setup {
        let clock = Arc::clone(&self.clock);
        Setup {
            store: Arc::new(Far {
                machine: machine.clone(),
                objects: Arc::clone(&self.objects),
                away: Arc::clone(&self.away),
            }),
            log: log_without_policy(ORIGIN, None).unwrap(),
            policy: None,
            signer: Arc::clone(&self.signer),
            previous: Vec::new(),
            clock: Arc::new(move || {
                Timestamp::from_micros(clock.fetch_add(1000, Ordering::SeqCst)).unwrap()
            }),
            limits: Limits {
                events: 4,
                ..Limits::default()
            },
            fencing: Fencing::Condition,
            known_head: KnownHead::Nothing,
            notify: Arc::new(|_| {}),
        }
    }

    /// One run: goes on with the input where it was accepted. `accepted` is how many events were said to be.
    fn run(&self, machine: &Machine, accepted: &mut u64) -> Result<(), Error> {
        Self::run_with(self.setup(machine), machine, accepted, Sealer::accept)
    }

    /// The same, where events are chained while those before them are synced, several times in a segment.
    fn run_ahead(&self, machine: &Machine, accepted: &mut u64) -> Result<(), Error> {
        self.run_ahead_with(machine, accepted, Sealer::accept_later)
    }

    fn run_ahead_with(
        &self,
        machine: &Machine,
        accepted: &mut u64,
        accept: impl FnMut(&mut Sealer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let limits = Limits {
            events: 8,
            ..Limits::default()
        };
        let setup = Setup {
            limits,
            ..self.setup(machine)
        };
        Self::run_with(setup, machine, accepted, accept)
    }

    fn run_with(
        setup: Setup,
        machine: &Machine,
        accepted: &mut u64,
        mut accept: impl FnMut(&mut Sealer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let disk = Arc::new(machine.clone());
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)?;
        let name = InputName::Given(GivenName::parse("input").unwrap());
        let known = spool.inputs();
        let known = known.find(&name);
        let begin = known.map_or(0, |known| known.accepted.position.events);
        assert!(
            begin >= *accepted,
            "{accepted} were accepted, {begin} are there"
        );
        let mut sealer = Sealer::start(setup, spool)?;
        for event in begin..EVENTS {
            let json = format!("{{\"event\":{event}}}");
            let payload = StoredPayload::event(json.as_bytes()).unwrap();
            let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
            sealer.append(&payload, &Provenance::default(), now)?;
            if event % 2 == 1 || event + 1 == EVENTS {
                sealer.accepting(Self::position(&name, event + 1));
                accept(&mut sealer)?;
                *accepted = begin + sealer.accepted();
            }
        }
        sealer.seal()?;
        sealer.into_spool().reported_all_but(0, None)
    }

    /// The same for a sender that sends all its batches again from the first one, each under its name.
    fn send_all(&self, machine: &Machine, accepted: &mut u64) -> Result<(), Error> {
        let disk = Arc::new(machine.clone());
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)?;
        let mut sealer = Sealer::start(self.setup(machine), spool)?;
        let events: Vec<u64> = (0..EVENTS).collect();
        for (number, part) in (0..).zip(events.chunks(2)) {
            let mut batch = StoredBatch::default();
            for event in part {
                let json = format!("{{\"event\":{event}}}");
                batch.push_json(json.as_bytes()).unwrap();
            }
            let name = Batch::parse(&format!("batch {number}"));
            let offered = Offered {
                source: None,
                name: name.as_ref(),
                naming: Naming::Unique,
                events: &batch,
                accepted: None,
            };
            let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
            let named = sealer.append_batch(&offered, now)?;
            assert!(
                named == Named::Known || number >= *accepted,
                "batch {number} was accepted, and is not known"
            );
            sealer.accept()?;
            *accepted = (*accepted).max(number + 1);
        }
        sealer.seal()
    }

    /// The same for an input of the service: it goes on where it was accepted, and offers once more what may have been.
    fn follow(&self, machine: &Machine, accepted: &mut u64) -> Result<(), Error> {
        let disk = Arc::new(machine.clone());
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)?;
        let name = InputName::Given(GivenName::parse("input").unwrap());
        let known = spool.inputs();
        let known = known.find(&name);
        let begin = known.map_or(0, |known| known.accepted.position.events);
        assert!(
            begin >= *accepted,
            "{accepted} were accepted, {begin} are there"
        );
        let mut sealer = Sealer::start(self.setup(machine), spool)?;
        let mut event = begin.saturating_sub(2);
        while event < EVENTS {
            let end = (event + 1 + event % 3).min(EVENTS);
            let end = if event < begin { begin } else { end };
            let mut batch = StoredBatch::default();
            for event in event..end {
                let json = format!("{{\"event\":{event}}}");
                batch.push_json(json.as_bytes()).unwrap();
            }
            let to = Self::position(&name, end);
            let name_in_log = Batch::parse(&format!("input@{event}"));
            let offered = Offered {
                source: None,
                name: name_in_log.as_ref(),
                naming: Naming::Doubtful,
                events: &batch,
                accepted: Some(&to),
            };
            let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
            let named = sealer.append_batch(&offered, now)?;
            assert_eq!(named == Named::Known, event < begin);
            // It is known before it is synced.
            assert_eq!(sealer.append_batch(&offered, now)?, Named::Known);
            sealer.accept()?;
            (*accepted, event) = (end, end);
        }
        sealer.seal()
    }

    fn position(name: &InputName, events: u64) -> Accepted {
        Accepted {
            name: name.clone(),
            shown: "input".to_owned(),
            place: None,
            doubtful: 0,
            position: Position {
                events,
                lines: events,
                bytes: events,
                hash: Running::of(b""),
            },
        }
    }

    /// The log is whole, and has each event once.
    fn has_each_event_once(&self, story: &str) {
        self.has_events(EVENTS, story);
    }

    /// The log is whole, and has each of so many events once.
    fn has_events(&self, number: u64, story: &str) {
        let origin = Origin::parse(ORIGIN).unwrap();
        let mut head = Head::of_new_log(origin.clone());
        let mut events: Vec<u64> = Vec::new();
        for object in self.objects.lock().unwrap().values() {
            let expected = Expected {
                origin: &origin,
                segment: head.next_segment,
                format: FORMAT,
            };
            let segment = check_segment(object, expected).unwrap();
            assert_eq!(*segment.before(), head, "{story}");
            head = segment.head().clone();
            let text = zstd::stream::decode_all(object.as_slice()).unwrap();
            let text = String::from_utf8(text).unwrap();
            let event = |line: &str| -> Option<u64> {
                let (_, event) = line.split_once("\"event\":{\"event\":")?;
                event.trim_end_matches('}').parse().ok()
            };
            events.extend(text.lines().filter_map(event));
        }
        let expected: Vec<u64> = (0..number).collect();
        assert_eq!(events, expected, "{story}");
    }
}

type Act = fn(&World, &Machine, &mut u64) -> Result<(), Error>;

/// Stops a first run before each of its calls in turn, and lets a second one finish.
fn stopped_everywhere(losses: &[Loss], act: Act) {
    let world = World::new();
    let machine = Machine::new();
    act(&world, &machine, &mut 0).unwrap();
    world.has_each_event_once("a run that is not stopped");
    let calls = machine.calls();
    assert!(calls > 60, "{calls} calls");
    for stop in 0..calls {
        let world = World::new();
        let machine = Machine::new();
        machine.stop_after(stop);
        let mut accepted = 0;
        assert!(act(&world, &machine, &mut accepted).is_err(), "{stop}");
        for loss in losses {
            let (world, mut accepted) = (world.copy(), accepted);
            let again = machine.restarted(*loss);
            let story = format!("stopped before call {stop}, lost {loss:?}");
            let run = act(&world, &again, &mut accepted);
            run.unwrap_or_else(|error| panic!("{story}: {error}"));
            world.has_each_event_once(&story);
        }
    }
}

#[test]
fn process_that_is_killed_before_any_call_loses_and_doubles_nothing() {
    stopped_everywhere(&[Loss::Nothing], World::run);
}

#[test]
fn machine_that_loses_its_power_before_any_call_loses_nothing_that_was_synced() {
    let losses = [Loss::Unsynced, Loss::Some(1), Loss::Some(2), Loss::Some(3)];
    stopped_everywhere(&losses, World::run);
}

#[test]
fn events_that_are_chained_ahead_of_the_sync_are_accepted_only_after_it() {
    let losses = [Loss::Nothing, Loss::Unsynced, Loss::Some(6), Loss::Some(7)];
    stopped_everywhere(&losses, World::run_ahead);
    // Nobody is told too early, and nobody waits for the sync of what was appended last.
    let (world, machine) = (World::new(), Machine::new());
    let mut told = Vec::new();
    let accept = |sealer: &mut Sealer| {
        let done = sealer.accept_later();
        told.push(sealer.accepted());
        done
    };
    world.run_ahead_with(&machine, &mut 0, accept).unwrap();
    assert_eq!(told, [0, 2, 4, 8, 8, 10]);
}

#[test]
fn file_system_that_writes_names_in_any_order_loses_nothing_that_was_synced() {
    let losses = [1, 2, 3, 4].map(Loss::Disordered);
    for act in [World::run, World::send_all, World::follow] {
        stopped_everywhere(&losses, act);
    }
}

#[test]
fn batch_that_was_accepted_under_its_name_is_known_whatever_stopped() {
    let losses = [Loss::Nothing, Loss::Unsynced, Loss::Some(4)];
    stopped_everywhere(&losses, World::send_all);
}

#[test]
fn input_that_is_followed_goes_on_where_it_was_accepted_whatever_stopped() {
    let losses = [Loss::Nothing, Loss::Unsynced, Loss::Some(5)];
    stopped_everywhere(&losses, World::follow);
}

#[test]
fn machine_that_stops_again_and_again_loses_and_doubles_nothing() {
    let histories = std::env::var("AUDITLOG_HISTORIES");
    let histories = histories.map_or(60, |text| text.parse().unwrap());
    let acts: [Act; 3] = [World::run, World::send_all, World::follow];
    for (seed, act) in (0..histories).zip(acts.into_iter().cycle()) {
        let mut random = Random::new(seed);
        let world = World::new();
        let (mut machine, mut accepted, mut stops) = (Machine::new(), 0, 0);
        loop {
            machine.stop_after(usize::try_from(random.below(40 + stops * 4)).unwrap());
            // Now and then the store is away as well, and segments wait.
            if random.below(4) == 0 {
                world.go_away();
            }
            let run = act(&world, &machine, &mut accepted);
            world.come_back();
            if run.is_ok() {
                break;
            }
            let loss = match random.below(4) {
                0 => Loss::Nothing,
                1 => Loss::Unsynced,
                2 => Loss::Some(random.below(u64::MAX)),
                _ => Loss::Disordered(random.below(u64::MAX)),
            };
            machine = machine.restarted(loss);
            stops += 1;
            assert!(stops < 200, "seed {seed}: {}", run.unwrap_err());
        }
        world.has_each_event_once(&format!("seed {seed}"));
    }
}
