//! A disk that fills up before any call, and has room again later: whoever tries again goes on, and nothing is lost or doubled.

use std::path::Path;
use std::sync::Arc;

use auditlog_chain::builder::{Batch, StoredBatch};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::Error;
use auditlog_sealer::seal::{Named, Naming, Offered, Sealer};
use auditlog_sealer::spool::{LostInputs, Spool};

use crate::disk::Machine;
use crate::{EVENTS, World};

/// Attempts that fail before the disk has room again.
const PATIENCE: usize = 3;

/// Tries again as a service does, until the disk has room.
fn until_it_passes<T>(machine: &Machine, mut attempt: impl FnMut() -> Result<T, Error>) -> T {
    for failures in 0.. {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(error.may_pass(), "{error}"),
        }
        if failures == PATIENCE {
            machine.make_room();
        }
        assert!(failures < 2 * PATIENCE, "it does not pass");
    }
    unreachable!("some attempt passes or fails")
}

/// Sends each event as a batch of its own name, as a service does with what it is offered.
fn serve(world: &World, machine: &Machine) {
    let start = || {
        let disk = Arc::new(machine.clone());
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)?;
        Sealer::start(world.setup(machine), spool)
    };
    let mut sealer = until_it_passes(machine, start);
    for event in 0..EVENTS {
        let mut batch = StoredBatch::default();
        let json = format!("{{\"event\":{event}}}");
        batch.push_json(json.as_bytes()).unwrap();
        let name = Batch::parse(&format!("batch {event}"));
        let offered = Offered {
            source: None,
            name: name.as_ref(),
            naming: Naming::Unique,
            events: &batch,
            accepted: None,
        };
        let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
        let named = until_it_passes(machine, || sealer.append_batch(&offered, now));
        assert_eq!(named, Named::New);
        until_it_passes(machine, || sealer.accept());
    }
    until_it_passes(machine, || sealer.seal());
}

#[test]
fn disk_that_is_full_before_any_call_stops_nobody_for_good() {
    let machine = Machine::new();
    serve(&World::new(), &machine);
    let calls = machine.calls();
    assert!(calls > 100, "{calls} calls");
    for full in 0..calls {
        let (world, machine) = (World::new(), Machine::new());
        machine.fill_after(full);
        serve(&world, &machine);
        world.has_each_event_once(&format!("full before call {full}"));
    }
}
