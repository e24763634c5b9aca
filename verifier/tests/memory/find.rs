//! A search whose first segment is read last: the matches of all others wait for it.

use std::sync::{Condvar, Mutex};
use std::time::Instant;

use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::search::{Query, find};
use auditlog_verifier::source::{
    Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Version,
};
use auditlog_verifier::trail::Trail;

use crate::measure::{MOST_RESIDENT_KIB, say};
use crate::store::{Key, Place};

/// Together, what matches in them is larger than the limit.
const SEGMENTS: u64 = 400;
const EVENTS: usize = 16;
const EVENT_BYTES: usize = 60_000;

/// A store that answers for the first segment once all others were read.
struct Late {
    place: Place,
    read: Mutex<u64>,
    more: Condvar,
}

impl Source for Late {
    fn name(&self) -> String {
        self.place.name()
    }
    fn has_storage(&self) -> bool {
        true
    }
    fn scope(&self) -> &str {
        self.place.scope()
    }
    fn read_ahead(&self) -> Option<usize> {
        self.place.read_ahead()
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        self.place.bucket()
    }
    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.place.list(prefixes, each)
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let mut read = self.read.lock().unwrap();
        if key.ends_with("/000000000000.jsonl.zst") {
            let are_missing = |read: &mut u64| *read < SEGMENTS - 1;
            read = self.more.wait_while(read, are_missing).unwrap();
        } else {
            *read += 1;
            self.more.notify_all();
        }
        drop(read);
        self.place.read(key, version)
    }
    fn clock(&self) -> Option<ClockReading> {
        None
    }
}

pub(crate) fn waits(key: &Key) {
    let event = format!(r#"{{"text":"{}"}}"#, "x".repeat(EVENT_BYTES));
    let log = key.log(0, SEGMENTS, &vec![event; EVENTS]);
    let late = Late {
        place: Place(vec![log]),
        read: Mutex::new(0),
        more: Condvar::new(),
    };
    let policy = TrustPolicy::parse(key.policy(1).as_bytes()).unwrap();
    let trail = Trail::open(&late, &policy, &policy.document().logs[0], 300).unwrap();
    let began = Instant::now();
    let found = find(&trail, &Query::default(), 2, 100);
    let peak = say("a search with a late segment", began.elapsed());
    assert!(peak < MOST_RESIDENT_KIB, "{peak} KiB");
    assert!(found.refused.is_empty());
    let matching = (SEGMENTS - 1) * u64::try_from(EVENTS).unwrap();
    assert_eq!(found.count, matching);
    assert_eq!(found.matches.len(), 100);
    assert!(found.matches.is_sorted_by_key(|one| one.index));
    let last = found.matches.last().unwrap();
    assert_eq!((last.segment, last.bytes.len() > EVENT_BYTES), (7, true));
}
