//! The names of batches, read back from a log that the spool has not seen.

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::seal::{KnownHead, Sealer, Setup};
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
