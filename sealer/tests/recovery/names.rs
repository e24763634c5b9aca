//! The names of batches, read back from a log that the spool has not seen.

use auditlog_chain::builder::{Batch, Source, StoredBatch, StoredPayload};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::seal::{KnownHead, Named, Naming, Offered, Sealer, Setup};
use auditlog_sealer::spool::Spool;

use crate::Bench;

#[test]
fn names_are_known_since_the_last_segment_that_was_not_read() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let before = bench.start().unwrap().head().sealed.unwrap();
    bench.append(&["2"]).unwrap();
    let last = bench.start().unwrap().head().sealed.unwrap();
    let keys = bench.store.keys();
    let known_since = |seconds: i64, removed: Option<&String>| -> Option<Timestamp> {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), "log", "writer").unwrap();
        let setup = Setup {
            known_head: KnownHead::Unknown,
            ..bench.setup()
        };
        let mut sealer = Sealer::find(setup, spool).unwrap();
        // As its expiry does, once the head is found.
        let object = removed.and_then(|key| bench.store.objects().remove_entry(key));
        let since = sealer.read_names(seconds).unwrap();
        bench.store.objects().extend(object);
        since
    };
    // All of the log, and none of it.
    assert_eq!(known_since(3600, None), None);
    assert_eq!(known_since(-3600, None), Some(last));
    // What an absent segment had is not known.
    assert_eq!(known_since(3600, keys.get(1)), Some(before));
    assert_eq!(known_since(3600, keys.get(2)), Some(last));
}

/// Offers a batch as a sender that names each one.
fn offer(sealer: &mut Sealer, bench: &Bench, name: Option<&str>, events: &[&str]) -> Named {
    let mut batch = StoredBatch::default();
    for event in events {
        match StoredPayload::json(event.as_bytes()) {
            Ok(json) => batch.push(&json),
            Err(_) => batch.push(&StoredPayload::text(event).unwrap()),
        }
    }
    let (source, name) = (Source::parse("sender"), name.and_then(Batch::parse));
    let offered = Offered {
        source: source.as_ref(),
        name: name.as_ref(),
        naming: Naming::Unique,
        events: &batch,
        accepted: None,
    };
    let named = sealer.append_batch(&offered, (bench.clock)()).unwrap();
    sealer.accept().unwrap();
    named
}

#[test]
fn batches_that_are_read_from_the_log_are_told_from_others_of_their_names() {
    let bench = Bench::new();
    let batches: [(&str, &[&str]); 4] = [
        ("a", &["1", "{\"b\": 2}", "no JSON"]),
        ("b", &["1"]),
        ("c", &["2", "3"]),
        ("b", &["4", "5"]),
    ];
    let mut sealer = bench.start().unwrap();
    for (name, events) in batches {
        offer(&mut sealer, &bench, Some(name), events);
    }
    offer(&mut sealer, &bench, None, &["6"]);
    sealer.seal().unwrap();
    drop(sealer);
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), "log", "writer").unwrap();
    let setup = Setup {
        known_head: KnownHead::Unknown,
        ..bench.setup()
    };
    let mut sealer = Sealer::find(setup, spool).unwrap();
    sealer.read_names(3600).unwrap();
    sealer.finish_earlier().unwrap();
    let mut offer = |name, events| offer(&mut sealer, &bench, Some(name), events);
    let [a, first_b, c, last_b] = batches.map(|(_, events)| events);
    for (name, events, expected) in [
        ("a", a, Named::Known),
        ("b", last_b, Named::Known),
        ("c", c, Named::Known),
        ("d", a, Named::New),
        // Another part of it, one more event, and those of another batch.
        ("a", &a[..2], Named::Reused),
        ("c", &["2", "3", "6"], Named::Reused),
        ("b", first_b, Named::Reused),
        ("b", first_b, Named::Known),
    ] {
        assert_eq!(offer(name, events), expected, "{name} {events:?}");
    }
}
