//! A disk that fills up before any call, and has room again later: whoever tries again goes on, and nothing is lost or doubled.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, StoredBatch};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::disk::Disk as _;
use auditlog_sealer::error::{Cause, Error, Trouble};
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

/// Offers an event as a batch of its own name, as a service does with what it is offered.
fn offer(sealer: &mut Sealer, event: u64) -> Result<Named, Error> {
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
    sealer.append_batch(&offered, now)
}

type Accept = fn(&mut Sealer) -> Result<(), Error>;

/// Sends each event as a batch of its own name.
fn serve(world: &World, machine: &Machine, accept: Accept) {
    let start = || {
        let disk = Arc::new(machine.clone());
        let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse)?;
        Sealer::start(world.setup(machine), spool)
    };
    let mut sealer = until_it_passes(machine, start);
    for event in 0..EVENTS {
        let named = until_it_passes(machine, || offer(&mut sealer, event));
        assert_eq!(named, Named::New);
        until_it_passes(machine, || accept(&mut sealer));
    }
    until_it_passes(machine, || sealer.seal());
}

#[test]
fn disk_that_is_full_before_any_call_stops_nobody_for_good() {
    for accept in [Sealer::accept, Sealer::accept_later] {
        let machine = Machine::new();
        serve(&World::new(), &machine, accept);
        let calls = machine.calls();
        assert!(calls > 100, "{calls} calls");
        for full in 0..calls {
            let (world, machine) = (World::new(), Machine::new());
            machine.fill_after(full);
            serve(&world, &machine, accept);
            world.has_each_event_once(&format!("full before call {full}"));
        }
    }
}

#[test]
fn service_whose_disk_is_full_says_so_though_segments_wait_for_a_store_that_is_away() {
    let (world, machine) = (World::new(), Machine::new());
    let disk = Arc::new(machine.clone());
    let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse).unwrap();
    let mut sealer = Sealer::find(world.setup(&machine), spool).unwrap();
    sealer.take_up_earlier().unwrap();
    world.go_away();
    offer(&mut sealer, 0).unwrap();
    sealer.close_old().unwrap();
    assert_eq!(sealer.waiting_segments(), 1);
    offer(&mut sealer, 1).unwrap();
    machine.fill_after(0);
    let full = sealer.accept_behind_what_waits().unwrap_err();
    assert_eq!(Trouble::of(&full).cause, Cause::Disk, "{full}");
    machine.make_room();
    sealer.accept_behind_what_waits().unwrap();
    world.come_back();
    sealer.seal().unwrap();
    world.has_events(2, "the disk was full");
}

#[test]
fn queue_that_has_filled_the_disk_is_stored_with_the_room_that_was_kept_for_it() {
    let (world, machine) = (World::new(), Machine::new());
    let disk = Arc::new(machine.clone());
    let spool = Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse).unwrap();
    let mut sealer = Sealer::find(world.setup(&machine), spool).unwrap();
    sealer.take_up_earlier().unwrap();
    world.go_away();
    for event in 0..4 {
        offer(&mut sealer, event).unwrap();
        sealer.close_old().unwrap();
    }
    offer(&mut sealer, 4).unwrap();
    assert!(keeps_room(&machine));
    machine.has_no_more_room();
    // The open file has taken its room ahead. Frames and objects have none.
    sealer.accept_behind_what_waits().unwrap();
    world.come_back();
    let begun = Instant::now();
    while sealer.waiting_segments() > 0 {
        let trouble = sealer.trouble();
        assert!(begun.elapsed() < Duration::from_secs(30), "{trouble:?}");
        thread::sleep(Duration::from_millis(1));
    }
    sealer.seal().unwrap();
    assert!(!keeps_room(&machine));
    world.has_events(5, "the queue had filled the disk");
}

fn keeps_room(machine: &Machine) -> bool {
    machine
        .names()
        .unwrap()
        .iter()
        .any(|name| name == "reserve")
}

#[test]
fn queue_that_grows_on_a_disk_without_room_to_keep_takes_nothing_more() {
    let mut queues = 0;
    for full in 0..60 {
        let (world, machine) = (World::new(), Machine::new());
        let disk = Arc::new(machine.clone());
        let spool =
            Spool::open_on(disk, Path::new("spool"), "log", "w", LostInputs::Refuse).unwrap();
        let mut sealer = Sealer::find(world.setup(&machine), spool).unwrap();
        sealer.take_up_earlier().unwrap();
        world.go_away();
        machine.fill_after(full);
        let closed = (0..4).take_while(|event| {
            let offered = offer(&mut sealer, *event);
            offered.and_then(|_| sealer.close_old()).is_ok()
        });
        // Room is kept once two others wait.
        if closed.count() > 2 {
            queues += 1;
            let takes_nothing = sealer.stores_with_the_last_room();
            assert!(
                takes_nothing || keeps_room(&machine),
                "full after {full} calls"
            );
        }
        machine.make_room();
        world.come_back();
        until_it_passes(&machine, || sealer.seal());
        assert!(!sealer.stores_with_the_last_room());
    }
    assert!(queues > 0);
}
