//! What changes of a lock declare.

use proptest::prelude::*;

use super::*;

const G30: Lock = lock(LockMode::Governance, 30);
const G365: Lock = lock(LockMode::Governance, 365);
const C30: Lock = lock(LockMode::Compliance, 30);
const C365: Lock = lock(LockMode::Compliance, 365);

const fn lock(mode: LockMode, days: u32) -> Lock {
    Lock { mode, days }
}

fn hour(hours: i64) -> Timestamp {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    begin.saturating_add_seconds(hours * 3_600)
}

/// Declares locks one after the other, each at an hour.
fn declared(changes: &[(i64, Lock)]) -> Vec<LockSpan> {
    changes.iter().fold(Vec::new(), |spans, (at, wanted)| {
        declare(&spans, *wanted, hour(*at), DEFAULT_NOTICE_SECONDS)
    })
}

fn shown(spans: &[LockSpan]) -> Vec<(i64, Lock)> {
    let hours = |span: &LockSpan| span.from.seconds_since(hour(0)) / 3_600;
    spans
        .iter()
        .map(|span| (hours(span), Lock::from(*span)))
        .collect()
}

#[test]
fn a_change_that_strengthens_begins_one_notice_later_and_one_that_weakens_at_once() {
    for (wanted, from) in [(G365, 124), (C30, 124), (C365, 124)] {
        let spans = declared(&[(0, G30), (100, wanted)]);
        assert_eq!(shown(&spans), [(0, G30), (from, wanted)]);
    }
    for wanted in [G365, C30, G30] {
        let spans = declared(&[(0, C365), (100, wanted)]);
        assert_eq!(shown(&spans), [(0, C365), (100, wanted)]);
    }
}

#[test]
fn a_change_in_both_directions_declares_at_once_what_both_have_in_common() {
    let up_and_down = declared(&[(0, G365), (100, C30)]);
    assert_eq!(shown(&up_and_down), [(0, G365), (100, G30), (124, C30)]);
    let down_and_up = declared(&[(0, C30), (100, G365)]);
    assert_eq!(shown(&down_and_up), [(0, C30), (100, G30), (124, G365)]);
}

#[test]
fn the_same_lock_changes_nothing_and_a_span_that_has_not_begun_stays_as_far_as_the_lock_is_as_strong()
 {
    let spans = declared(&[(0, G30), (100, G365)]);
    assert_eq!(declared(&[(0, G30), (100, G365), (110, G365)]), spans);
    let back = declared(&[(0, G30), (100, G365), (110, G30)]);
    assert_eq!(shown(&back), [(0, G30)]);
    let other = declared(&[(0, G30), (100, G365), (110, C365)]);
    assert_eq!(shown(&other), [(0, G30), (124, G365), (134, C365)]);
    let crossed = declared(&[(0, G30), (100, G365), (110, C30)]);
    assert_eq!(shown(&crossed), [(0, G30), (134, C30)]);
    let sooner = declare(&other, C30, hour(120), 3_600);
    assert_eq!(shown(&sooner), [(0, G30), (121, C30)]);
    let begun = declared(&[(0, G30), (100, G365), (124, C365)]);
    assert_eq!(shown(&begun), [(0, G30), (124, G365), (148, C365)]);
}

#[test]
fn two_changes_within_one_second_keep_the_order_of_spans() {
    let weaker_twice = declared(&[(0, C365), (100, G365), (100, G30)]);
    assert_eq!(shown(&weaker_twice), [(0, C365), (100, G30)]);
    let first = declared(&[(0, C365), (0, G30)]);
    assert_eq!(shown(&first), [(0, G30)]);
    // Without a notice, what was stored in the same second may have the weaker lock.
    let spans = declare(&declared(&[(0, G365)]), C30, hour(0), 0);
    assert_eq!(spans[1].from, hour(0).saturating_add_seconds(1));
    assert_eq!(spans.len(), 2);
}

#[test]
fn clock_before_the_first_span_does_not_reorder_spans() {
    let early = declare(&declared(&[(100, G30)]), G365, hour(0), 3_600);
    assert_eq!(early[0].from, hour(100));
    assert_eq!(early[1].from, hour(100).saturating_add_seconds(1));
    let early = declare(&declared(&[(100, G365)]), G30, hour(0), 3_600);
    assert_eq!(shown(&early), [(100, G30)]);
}

#[test]
fn times_are_whole_seconds() {
    let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00.9Z").unwrap();
    assert_eq!(declare(&[], G30, at, 0)[0].from, hour(0));
}

#[test]
fn bounds_are_those_of_both_locks_until_a_change_is_over() {
    let at = |spans: &[LockSpan], hours| {
        let LockBounds {
            modes,
            min_days,
            max_days,
        } = bounds(spans, hour(hours), DEFAULT_NOTICE_SECONDS);
        let modes: String = modes.iter().map(|mode| &mode.as_str()[..1]).collect();
        format!("{modes} {min_days}..{max_days}")
    };
    let stronger = declared(&[(0, G30), (100, C365)]);
    assert_eq!(at(&stronger, 100), "GC 30..367");
    assert_eq!(at(&stronger, 124), "C 365..367");
    let weaker = declared(&[(0, C365), (100, G30)]);
    assert_eq!(at(&weaker, 100), "GC 30..367");
    assert_eq!(at(&weaker, 123), "GC 30..367");
    assert_eq!(at(&weaker, 124), "G 30..32");
    let both = declared(&[(0, G365), (100, C30)]);
    assert_eq!(at(&both, 100), "GC 30..367");
    assert_eq!(at(&both, 124), "C 30..32");
    assert_eq!(at(&declared(&[(0, G30)]), 0), "G 30..32");
    assert_eq!(at(&[], 0), "C 36500..36500");
}

#[test]
fn a_retention_counts_until_nothing_can_be_locked_with_it_any_more() {
    let spans = declared(&[(0, G365), (24, G30)]);
    let longest = |spans: &[LockSpan], hours| longest(spans, hour(hours));
    let day = |days: i64| longest(&spans, days * 24);
    // The span ends on day 1. A sealer with the old file writes a while longer, and locks a day more.
    assert_eq!((day(1), day(366), day(396), day(397)), (365, 365, 365, 30));
    // A span that has not begun counts too.
    assert_eq!(longest(&declared(&[(0, G30), (1, G365)]), 1), 365);
    assert_eq!(longest(&[], 0), 36_500);
}

fn any_lock() -> impl Strategy<Value = Lock> {
    let modes = prop_oneof![Just(LockMode::Governance), Just(LockMode::Compliance)];
    let days = prop_oneof![1..400_u32, Just(2_192), Just(36_500)];
    (modes, days).prop_map(|(mode, days)| Lock { mode, days })
}

fn any_history() -> impl Strategy<Value = Vec<LockSpan>> {
    let change = (0..2_000_000_i64, any_lock(), 0..200_000_u64);
    proptest::collection::vec(change, 1..12).prop_map(|changes| {
        let mut now = hour(0);
        let mut spans = Vec::new();
        for (later, wanted, notice) in changes {
            now = now.saturating_add_seconds(later);
            spans = declare(&spans, wanted, now, notice);
        }
        spans
    })
}

proptest! {
    #[test]
    fn spans_are_in_order_and_each_differs_from_the_one_before(spans in any_history()) {
        prop_assert!(spans.is_sorted_by(|one, next| one.from < next.from));
        let same = |pair: &[LockSpan]| Lock::from(pair[0]) == Lock::from(pair[1]);
        prop_assert!(!spans.windows(2).any(same));
    }

    #[test]
    fn what_has_begun_is_never_rewritten_with_more(
        spans in any_history(), wanted in any_lock(), later in 0..5_000_000_i64, notice in 1..200_000_u64,
    ) {
        let now = spans[spans.len() - 1].from.saturating_add_seconds(later - 2_500_000).max(spans[0].from);
        let changed = declare(&spans, wanted, now, notice);
        for seconds in (0..=now.seconds_since(hour(0))).step_by(86_400).chain([now.seconds_since(hour(0))]) {
            let at = hour(0).saturating_add_seconds(seconds);
            let lock = |spans: &[LockSpan]| Lock::from(*auditlog_chain::policy::span_at(spans, at).unwrap());
            let (before, after) = (lock(&spans), lock(&changed));
            prop_assert!(before.is_at_least(after), "{before} {after}");
            prop_assert!(at == now || now == spans[0].from || before == after);
        }
        prop_assert_eq!(Lock::from(changed[changed.len() - 1]), wanted);
    }

    #[test]
    fn no_change_takes_back_or_postpones_what_was_declared_and_the_new_lock_has_too(
        spans in any_history(), wanted in any_lock(), later in 0..5_000_000_i64, notice in 0..200_000_u64,
    ) {
        let now = spans[spans.len() - 1].from.saturating_add_seconds(later - 2_500_000).max(spans[0].from);
        let changed = declare(&spans, wanted, now, notice);
        let moments = spans.iter().chain(&changed).map(|span| span.from).chain([now]);
        for at in moments.filter(|at| *at >= now) {
            let lock = |spans: &[LockSpan]| Lock::from(*auditlog_chain::policy::span_at(spans, at).unwrap());
            let (before, after) = (lock(&spans), lock(&changed));
            prop_assert!(after.is_at_least(before.weaker_of(wanted)), "{before} {after}");
        }
    }

    #[test]
    fn declaring_twice_is_declaring_once(spans in any_history(), wanted in any_lock(), notice in 0..200_000_u64) {
        let once = declare(&spans, wanted, hour(1_000_000), notice);
        prop_assert_eq!(declare(&once, wanted, hour(1_000_001), notice), once);
    }

    #[test]
    fn tags_read_back(spans in any_history(), later in 0..10_000_i64) {
        let now = spans[spans.len() - 1].from.saturating_add_seconds(later * 86_400);
        let Ok(tag) = to_tag(&spans, now) else { return Ok(()) };
        prop_assert!(tag.len() <= MAX_TAG_CHARS);
        prop_assert!(tag.chars().all(|c| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c)), "{}", tag);
        let read = parse_tag(&tag).unwrap();
        prop_assert_eq!(read[0].from, spans[0].from);
        prop_assert_eq!(longest(&read, now), longest(&spans, now));
        let folded = spans.len() - read.len();
        prop_assert_eq!(&read[1..], &spans[folded + 1..]);
        if folded > 0 {
            prop_assert!(Lock::from(spans[folded]).is_at_least(Lock::from(read[0])));
            prop_assert!(spans[folded + 1].from.saturating_add_days(read[0].retention_days) < now);
        }
    }

    #[test]
    fn no_tag_makes_it_panic(text in "[0-9TZGC= .]{0,40}") {
        if let Some(spans) = parse_tag(&text) {
            prop_assert_eq!(to_tag(&spans, hour(0)), Ok(text));
        }
    }
}

#[test]
fn tag_is_readable_and_has_one_form() {
    let spans = declared(&[(0, G365), (100, C30)]);
    let tag = "20260101T000000Z=G365 20260105T040000Z=G30 20260106T040000Z=C30";
    assert_eq!(to_tag(&spans, hour(100)).as_deref(), Ok(tag));
    assert_eq!(parse_tag(tag), Some(spans));
    for bad in [
        "",
        "20260101T000000Z=G0",
        "20260101T000000Z=G36501",
        "20260101T000000Z=G030",
        "20260101T000000Z=X30",
        "20260101T000000Z=G",
        "20260101T000000Z",
        "20260101 000000Z=G30",
        "20260101T000000+00:00=G30",
        "20260101T000000.0Z=G30",
        "20261301T000000Z=G30",
        "20260101T000000Z=G30  20260102T000000Z=G31",
        "20260102T000000Z=G30 20260101T000000Z=G31",
        "20260101T000000Z=é30",
    ] {
        assert_eq!(parse_tag(bad), None, "{bad}");
    }
}

#[test]
fn spans_that_do_not_fit_are_folded_once_all_in_them_has_expired() {
    let days = |days: u32| lock(LockMode::Governance, days);
    let changes: Vec<_> = (0..20)
        .map(|at| (i64::from(at) * 24 * 10, days(400 - at)))
        .collect();
    let spans = declared(&changes);
    let overflow = to_tag(&spans, hour(20 * 240)).unwrap_err();
    assert_eq!(
        overflow.to_string(),
        "20 spans in force do not fit into the 256 characters of a tag"
    );
    let read = parse_tag(&to_tag(&spans, hour(24 * 1_000)).unwrap()).unwrap();
    assert_eq!(read[0].from, hour(0));
    assert_eq!(&read[1..], &spans[spans.len() - read.len() + 1..]);
}
