//! Batches of many tiny events: what is accepted can be read again, and what cannot be kept is not accepted.

use std::path::Path;
use std::sync::Arc;

use auditlog_chain::builder::{Batch, StoredBatch};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::seal::{Limits, Named, Naming, Offered, Sealer, Setup};
use auditlog_sealer::spool::{LostInputs, Spool};

use crate::World;
use crate::disk::{Loss, Machine};

fn start(world: &World, machine: &Machine) -> Sealer {
    let disk = Arc::new(machine.clone());
    let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse).unwrap();
    let setup = Setup {
        limits: Limits {
            events: u64::MAX,
            bytes: 56 << 20,
            ..Limits::default()
        },
        ..world.setup(machine)
    };
    Sealer::start(setup, spool).unwrap()
}

fn tiny(events: usize) -> StoredBatch {
    let mut batch = StoredBatch::default();
    for _ in 0..events {
        batch.push_json(b"1").unwrap();
    }
    batch
}

fn offer(sealer: &mut Sealer, name: &str, events: &StoredBatch) -> Named {
    let name = Batch::parse(name);
    let offered = Offered {
        source: None,
        name: name.as_ref(),
        naming: Naming::Unique,
        events,
        accepted: None,
    };
    let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
    sealer.append_batch(&offered, now).unwrap()
}

#[test]
fn batch_that_is_accepted_is_read_again_and_one_that_no_record_can_hold_is_refused() {
    let mut named = Vec::new();
    for events in [60_000, 100_000, 130_000, 160_000, 220_000, 300_000] {
        let (world, machine) = (World::new(), Machine::new());
        let mut sealer = start(&world, &machine);
        let offered = offer(&mut sealer, "it", &tiny(events));
        named.push(offered);
        sealer.accept().unwrap();
        drop(sealer);
        let disk = Arc::new(machine.restarted(Loss::Nothing));
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse);
        let spool = spool.unwrap_or_else(|error| panic!("{events} events: {error}"));
        let kept: u64 = spool.kept().iter().map(|kept| kept.events).sum();
        let accepted = if offered == Named::New { events } else { 0 };
        assert_eq!(kept, accepted as u64);
    }
    assert_eq!(named.first(), Some(&Named::New));
    assert_eq!(named.last(), Some(&Named::TooLarge));
}

#[test]
fn batches_of_one_group_go_into_as_many_segments_as_they_need() {
    let (world, machine) = (World::new(), Machine::new());
    let mut sealer = start(&world, &machine);
    let batch = tiny(100_000);
    for number in 0..6 {
        let named = offer(&mut sealer, &format!("{number}"), &batch);
        assert_eq!(named, Named::New);
    }
    sealer.seal().unwrap();
    let stored = sealer.sealed();
    assert_eq!(stored.events, 600_000);
    assert!(stored.segments > 1, "{stored:?}");
}
