//! Clocks that are wrong, or are set between two runs.

use std::fs;
use std::sync::Arc;

use auditlog_chain::policy::{LockMode, LockSpan};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, SpoolError};
use auditlog_sealer::seal::{Sealer, Setup};

use crate::memory::Mood;
use auditlog_sealer::store::Clock;
use auditlog_sealer::target::read_policy;

use crate::{Bench, push, recovered, signer};

#[test]
fn a_head_from_the_future_stops_the_sealer() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let now = (bench.clock)();
    let earlier =
        |seconds: i64| -> Clock { Arc::new(move || now.saturating_add_seconds(-seconds)) };
    let start = |clock: Clock| {
        let setup = Setup {
            clock,
            ..bench.setup()
        };
        Sealer::start(setup, bench.spool()).map(|sealer| sealer.head().clone())
    };
    start(earlier(299)).unwrap();
    let error = start(earlier(302)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(", the newest segment, was sealed at "),
        "{error}"
    );
    // A service tries again, and goes on once the clock is right.
    assert!(error.is_of_the_clock() && error.can_be_mended());
}

/// A clock that is behind may show a time at which the retention of an earlier span counted still.
#[test]
fn policy_whose_short_retention_has_expired_is_tried_again_under_a_clock_that_is_behind() {
    let bench = Bench::new();
    let at = |days| Timestamp::EPOCH.saturating_add_days(days);
    let declared = bench.declared(&signer(), |_, _| {}, at(0));
    let mut document = declared.policy.unwrap().document().clone();
    let span = |day, retention_days| LockSpan {
        from: at(day),
        mode: LockMode::Governance,
        retention_days,
    };
    document.lock = vec![span(0, 1), span(10, 3)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    fs::write(&path, serde_json::to_vec(&document).unwrap()).unwrap();
    read_policy(&path, at(12)).unwrap();
    let error = read_policy(&path, at(11)).unwrap_err();
    assert!(error.can_be_mended() && error.is_of_the_call(), "{error}");
    fs::write(&path, "{}").unwrap();
    assert!(!read_policy(&path, at(12)).unwrap_err().can_be_mended());
}

#[test]
fn what_was_accepted_under_a_clock_that_was_ahead_waits_until_its_time_has_come() {
    // Accepted and not closed, closed and not signed, finished and not put.
    for mood in [None, Some(Mood::Unasked), Some(Mood::Away)] {
        let bench = Bench::new();
        bench.append(&["1"]).unwrap();
        let hour = 3600;
        let now = bench.clock.clone();
        let ahead: Clock = Arc::new(move || now().saturating_add_seconds(hour));
        let setup = || Setup {
            clock: ahead.clone(),
            ..bench.setup()
        };
        let mut sealer = Sealer::start(setup(), bench.spool()).unwrap();
        push(&mut sealer, &["2"], &ahead);
        if let Some(mood) = mood {
            bench.store.set(mood);
            assert!(sealer.seal().is_err());
        }
        drop(sealer);
        bench.store.set(Mood::Honest);
        let creates = bench.store.creates();
        for _ in 0..2 {
            let error = bench.start().err().unwrap();
            assert!(
                matches!(error, Error::Spool(SpoolError::InFuture { segment: 2, .. })),
                "{error}"
            );
        }
        assert_eq!(bench.store.creates(), creates);
        let sealer = Sealer::start(setup(), bench.spool()).unwrap();
        assert_eq!(recovered(&sealer), 1);
        assert_eq!(bench.events(), ["1", "2"]);
    }
}

#[test]
fn a_clock_that_jumps_back_a_little_between_runs_does_not_turn_the_log_around() {
    let bench = Bench::new();
    bench.append(&["1"]).unwrap();
    let now = bench.clock.clone();
    let back: Clock = Arc::new(move || now().saturating_add_seconds(-200));
    let setup = Setup {
        clock: back.clone(),
        ..bench.setup()
    };
    let mut sealer = Sealer::start(setup, bench.spool()).unwrap();
    let time = sealer.head().sealed;
    push(&mut sealer, &["2"], &back);
    sealer.seal().unwrap();
    assert_eq!(sealer.head().sealed, time);
    drop(sealer);
    bench.append(&["3"]).unwrap();
    assert_eq!(bench.events(), ["1", "2", "3"]);
}
