//! Each rule by itself, and random histories against a small model of them.

use auditlog_chain::keys::PublicKey;
use proptest::prelude::*;

use super::*;

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn day(day: u32) -> Timestamp {
    let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    start.saturating_add_days(day)
}

fn key(made: Timestamp) -> KeyPolicy {
    let spki = PublicKey::from_pem(PEM).unwrap();
    KeyPolicy {
        spec: spki.spec(),
        spki,
        arn: Some("arn:aws:kms:eu-central-1:123456789012:key/1".to_owned()),
        valid_from: made,
        retired_at: None,
        lost_at: None,
        compromised: None,
    }
}

fn compromised(at: Timestamp) -> Compromised {
    Compromised {
        at,
        last_good: Vec::new(),
    }
}

/// Of keys 1 to `versions`, each made ten days after the one before, with a grace of seven days.
fn rotated(versions: u32) -> History {
    let mut history = History::of_one("1", key(day(0)));
    for number in 2..=versions {
        let made = day(number.saturating_sub(1).saturating_mul(10));
        history.begin(&number.to_string(), key(made));
        history.finish(made, 7);
    }
    history
}

fn states(history: &History) -> Vec<&'static str> {
    history
        .versions()
        .map(|(_, version)| version.state.as_str())
        .collect()
}

#[test]
fn history_reads_back_from_the_state() {
    let mut history = rotated(11);
    history.declare(&Declared {
        lost: [(2, day(30))].into(),
        compromised: [(3, compromised(day(31)))].into(),
    });
    assert_eq!(History::parse(&history.models()), Ok(history));
}

#[test]
fn value_of_the_wrong_form_is_named_with_its_place() {
    let models = || History::of_one("1", key(day(0))).models();
    let mut wrong = models();
    wrong.get_mut("1").unwrap().state = "asleep".to_owned();
    let misfit = History::parse(&wrong).unwrap_err();
    assert_eq!(misfit.path.to_string(), "versions[\"1\"].state");
    assert_eq!(misfit.detail, "\"asleep\" is not a state of a version.");
    for number in ["0", "01", "+1", "x"] {
        let wrong = [(number.to_owned(), models().remove("1").unwrap())].into();
        assert!(History::parse(&wrong).is_err(), "{number}");
    }
}

#[test]
fn successor_signs_from_the_moment_that_it_is_finished() {
    let mut history = rotated(1);
    assert_eq!(history.begin("2", key(day(10))), 2);
    assert_eq!(states(&history), ["current", "unfinished"]);
    assert_eq!(history.current().unwrap().0, 1);
    assert_eq!(history.trust("alias/a").keys.len(), 1);
    history.finish(day(10), 7);
    assert_eq!(states(&history), ["grace", "current"]);
    assert_eq!(history.current().unwrap().0, 2);
    assert_eq!(history.previous(2), Some("1"));
    let trust = history.trust("alias/a");
    assert_eq!(
        trust.keys[0].retired_at.as_deref(),
        Some("2026-01-18T00:00:00Z")
    );
    assert_eq!(trust.keys[1].retired_at, None);
}

#[test]
fn grace_period_ends_at_its_end_and_not_before() {
    let mut history = rotated(2);
    assert!(history.ended(day(16)).is_empty());
    assert_eq!(history.ended(day(17)), [1].into());
    history.retire(&history.ended(day(17)));
    assert_eq!(states(&history), ["retired", "current"]);
    assert!(history.ended(day(18)).is_empty());
}

#[test]
fn compromised_version_stops_at_once_and_needs_a_successor() {
    let mut history = rotated(2);
    history.declare(&Declared {
        compromised: [(1, compromised(day(11))), (2, compromised(day(12)))].into(),
        ..Declared::default()
    });
    assert_eq!(states(&history), ["compromised", "current"]);
    assert!(
        history
            .versions()
            .all(|(_, version)| version.signing() == Signing::Denied)
    );
    assert_eq!(history.needs_successor(), Some(Need::Compromised));
    history.begin("3", key(day(13)));
    history.finish(day(13), 7);
    assert_eq!(states(&history), ["compromised", "compromised", "current"]);
    let second = history.versions().nth(1).unwrap().1;
    assert_eq!(second.declared.retired_at, Some(day(13)));
    assert_eq!(history.needs_successor(), None);
}

#[test]
fn lost_version_keeps_what_was_declared_and_gets_no_grace() {
    let mut history = rotated(1);
    history.declare(&Declared {
        lost: [(1, day(3))].into(),
        ..Declared::default()
    });
    assert_eq!(history.needs_successor(), Some(Need::Lost));
    history.begin("2", key(day(4)));
    history.finish(day(4), 7);
    history.declare(&Declared::default());
    assert_eq!(states(&history), ["retired", "current"]);
    assert_eq!(
        history.trust("alias/a").keys[0].lost_at.as_deref(),
        Some("2026-01-04T00:00:00Z")
    );
}

#[test]
fn key_that_is_gone_stays_in_the_history() {
    let mut history = rotated(2);
    history.found(1, Presence::Gone, day(11));
    history.found(2, Presence::Going, day(11));
    assert_eq!(states(&history), ["gone", "deletion_scheduled"]);
    assert_eq!(history.needs_successor(), None);
    assert_eq!(history.trust("alias/a").keys.len(), 2);
    history.found(2, Presence::There, day(11));
    assert_eq!(states(&history), ["gone", "current"]);
    history.found(2, Presence::Gone, day(11));
    assert_eq!(history.needs_successor(), Some(Need::Gone));
}

#[test]
fn version_whose_deletion_is_cancelled_is_what_it_was() {
    let back = |on: u32, lost: Option<Timestamp>| {
        let mut history = rotated(3);
        history.retire(&history.ended(day(18)));
        let lost = lost.map(|at| (2, at)).into_iter().collect();
        history.declare(&Declared {
            lost,
            ..Declared::default()
        });
        for number in 1..=3 {
            history.found(number, Presence::Going, day(on));
            history.found(number, Presence::There, day(on));
        }
        states(&history)
    };
    assert_eq!(back(20, None), ["retired", "grace", "current"]);
    assert_eq!(back(27, None), ["retired", "retired", "current"]);
    assert_eq!(back(20, Some(day(20))), ["retired", "retired", "current"]);
}

#[test]
fn lost_version_signs_no_more() {
    let mut history = rotated(2);
    assert_eq!(states(&history), ["grace", "current"]);
    history.declare(&Declared {
        lost: [(1, day(11)), (2, day(12))].into(),
        ..Declared::default()
    });
    assert_eq!(states(&history), ["retired", "current"]);
    assert!(
        history
            .versions()
            .all(|(_, version)| version.signing() == Signing::Denied)
    );
}

#[test]
fn version_that_waits_is_trusted_before_it_signs() {
    let mut history = History::default();
    history.begin("1", key(day(0)));
    history.wait();
    assert_eq!(states(&history), ["waiting"]);
    assert!(history.waits());
    assert_eq!(history.unfinished().unwrap().0, 1);
    assert_eq!(history.trust("alias/a").keys.len(), 1);
    assert_eq!(
        history.versions().next().unwrap().1.signing(),
        Signing::Denied
    );
    let mut gone = history.clone();
    gone.found(1, Presence::Going, day(1));
    assert!(gone.is_empty(), "nothing was signed with it");
    let trust = history.trust("alias/a");
    history.handed_over();
    assert_eq!(states(&history), ["current"]);
    assert_eq!(history.trust("alias/a"), trust);
}

#[test]
fn age_counts_from_the_creation_of_the_version_that_signs() {
    assert_eq!(rotated(2).due(365), Some(day(10).saturating_add_days(365)));
}

/// What can happen to a key.
#[derive(Debug, Clone)]
enum Event {
    Begin,
    Finish(u32),
    Days(u32),
    Retire,
    Lost(u32),
    Compromised(u32),
    Found(u32, Presence),
}

fn event() -> impl Strategy<Value = Event> {
    let presence = prop_oneof![
        Just(Presence::There),
        Just(Presence::Going),
        Just(Presence::Gone)
    ];
    prop_oneof![
        3 => Just(Event::Begin),
        3 => (0..4u32).prop_map(Event::Finish),
        3 => (1..5u32).prop_map(Event::Days),
        2 => Just(Event::Retire),
        1 => (1..6u32).prop_map(Event::Lost),
        1 => (1..6u32).prop_map(Event::Compromised),
        1 => (1..6u32, presence).prop_map(|(number, presence)| Event::Found(number, presence)),
    ]
}

/// What is always so of the step from one history to the next.
fn check_step(before: &History, after: &History, now: Timestamp) -> Result<(), TestCaseError> {
    let signed = |(_, version): &(u32, &Version)| version.state != State::Unfinished;
    for (number, old) in before.versions().filter(signed) {
        let new = after.versions().find(|(other, _)| *other == number);
        let (_, new) = new.expect("a version is never removed");
        prop_assert_eq!(&old.key_id, &new.key_id);
        prop_assert_eq!(&old.declared.spki, &new.declared.spki);
        let kept = |old: Option<Timestamp>, new: Option<Timestamp>| old.is_none() || old == new;
        prop_assert!(
            kept(old.declared.retired_at, new.declared.retired_at),
            "retirement is fixed"
        );
        prop_assert!(old.declared.lost_at.is_none() || new.declared.lost_at.is_some());
        prop_assert!(old.declared.compromised.is_none() || new.declared.compromised.is_some());
    }
    let current = after.current().map(|(number, _)| number);
    for (number, version) in after.versions() {
        let signs = version.signing() == Signing::Allowed;
        prop_assert!(!signs || version.declared.compromised.is_none());
        prop_assert!(!signs || version.declared.lost_at.is_none());
        if version.state == State::Current {
            prop_assert_eq!(Some(number), current, "one version signs");
            prop_assert_eq!(version.declared.retired_at, None);
        }
        if version.state == State::Grace {
            prop_assert!(
                version
                    .declared
                    .retired_at
                    .is_some_and(|at| at >= version.declared.valid_from)
            );
        }
        if Some(number) < current && version.state != State::Unfinished {
            prop_assert!(
                version.declared.retired_at.is_some(),
                "it was retired with its successor"
            );
        }
    }
    let ended = after.ended(now);
    let mut retired = after.clone();
    retired.retire(&ended);
    for (number, version) in retired.versions() {
        let over = version.declared.retired_at.is_some_and(|at| at <= now);
        let signs = version.signing() == Signing::Allowed;
        prop_assert!(!(over && signs), "version {} signs after its end", number);
    }
    Ok(())
}

proptest! {
    #[test]
    fn random_histories_keep_their_promises(events in proptest::collection::vec(event(), 0..40)) {
        let mut now = day(0);
        let mut history = History::of_one("1", key(now));
        for event in events {
            let before = history.clone();
            match event {
                // the provider finishes what it began before it begins again
                Event::Begin if history.unfinished().is_none() => {
                    let number = history.next_number();
                    history.begin(&number.to_string(), key(now));
                }
                Event::Begin => {}
                Event::Finish(grace) => history.finish(now, grace),
                Event::Days(days) => now = now.saturating_add_days(days),
                Event::Retire => history.retire(&before.ended(now)),
                Event::Lost(number) => history.declare(&Declared {
                    lost: [(number, now)].into(),
                    ..Declared::default()
                }),
                Event::Compromised(number) => history.declare(&Declared {
                    compromised: [(number, compromised(now))].into(),
                    ..Declared::default()
                }),
                Event::Found(number, presence) => history.found(number, presence, now),
            }
            check_step(&before, &history, now)?;
            prop_assert_eq!(History::parse(&history.models()), Ok(history.clone()));
        }
    }
}
