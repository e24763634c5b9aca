//! A model of honest and dishonest histories beside the rules of absence (A1 to A8).
//!
//! From a seed it makes a history: seals, outages, changes of retention and silence, a rotation, a lifecycle, holds, losses
//! that a person explained, an end; and in every second one somebody who is not honest. It knows what is true of the history
//! from what was removed and what was locked at the time, runs the verifier as nightly runs would, with pins or without, and
//! compares: an honest history has no fault, a dishonest one is never verified, except within the limits that the guide names.
//!
//! `AUDITLOG_HISTORIES` says how many, `AUDITLOG_HISTORY_SEED` where to begin; a failure names its seed.

mod attack;
mod honest;
mod place;
mod random;
mod truth;
mod verdict;

use auditlog_chain::origin::Origin;

use self::attack::{Attack, Must, attack};
use self::honest::{Clocks, DAY, HOUR, History, Run, history, is_quiet};
use self::place::{Place, Signed};
pub(super) use self::random::Random;
use self::truth::{ended_tail_is_due, must_be_found};
use self::verdict::{is_only_passed_over, judge};
use super::forged::{Forgeries, forgeries_during};
use super::incremental::cached_during;
use super::world::origin;
use crate::pins::{Pins, Taken};
use crate::report::Report;
use crate::undecided::Undecided;
use crate::verdict::Verdict;

/// How many histories, and what came of them.
#[derive(Default, Debug)]
struct Tally {
    honest_runs: u64,
    dishonest: u64,
    found: u64,
    within_limits: u64,
    /// Honest runs over a folder that got all of its segments while it was listed.
    only_passed_over: u64,
    /// Segments that were not read again.
    cached: u64,
    forgeries: Forgeries,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "with --nocapture it says how many histories were compared"
)]
fn no_honest_history_has_a_fault_and_no_dishonest_one_is_verified() {
    let count = number("AUDITLOG_HISTORIES", 1000);
    let first = number("AUDITLOG_HISTORY_SEED", 1);
    // A failure names a seed like 7000123: that one alone is made again with it.
    let (count, first) = if first < 1_000_000 {
        (count, first * 1_000_000)
    } else {
        (1, first)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(threads).unwrap();
    let share = |part: u64| {
        let mut tally = Tally::default();
        let seeds = (0..count).filter(|nr| nr % threads == part);
        let run = || seeds.for_each(|nr| one(first + nr, &mut tally));
        let mut cached = 0;
        let forgeries = forgeries_during(|| cached = cached_during(run));
        Tally {
            cached,
            forgeries,
            ..tally
        }
    };
    let all: Vec<Tally> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|part| scope.spawn(move || share(part)))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let sum = |of: fn(&Tally) -> u64| all.iter().map(of).sum::<u64>();
    let (honest, found) = (sum(|one| one.honest_runs), sum(|one| one.found));
    println!(
        "{count} histories from seed {first}: {honest} honest runs; of {} dishonest histories {found} had to be found, {} are within the limits",
        sum(|one| one.dishonest),
        sum(|one| one.within_limits),
    );
    assert!(count < 100 || (honest > 0 && found > 0));
    let only_passed_over = sum(|one| one.only_passed_over);
    assert!(count < 1000 || only_passed_over > 0);
    // Otherwise no history says anything about a cache.
    let cached = sum(|one| one.cached);
    assert!(count < 100 || cached > 0);
    println!("{cached} segments were not read again");
    // Otherwise no history says anything about somebody who writes to the parts.
    let refused = sum(|one| one.forgeries.refused);
    let taken = sum(|one| one.forgeries.taken);
    assert!(count < 100 || (refused > 100 && taken > 100));
    println!("{refused} forged parts were refused, {taken} changed nothing that a merge can check");
}

fn one(seed: u64, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let mut history = history(&mut random);
    let with_pins = random.chance(60);
    let is_dishonest = random.chance(50);
    let signed = Signed::new(&history);
    let mut place = Place::honest(&history, &signed);
    let planned = is_dishonest
        .then(|| attack(&mut random, &mut history, &signed, &mut place))
        .flatten();
    let mut pins = Pins::default();
    let begun = planned.as_ref().map_or(i64::MAX, |attack| attack.at);
    // Pins are read before a listing begins, so a run has none of one that ended later.
    let mut pinned_at = i64::MIN;
    for run in history
        .runs
        .clone()
        .into_iter()
        .filter(|run| run.ended + 10 < begun)
    {
        if run.begun < pinned_at {
            continue;
        }
        let earlier = pins.clone();
        let report = judge(&history, &signed, &place, run, &earlier, None);
        tally.honest_runs += 1;
        let is_only_passed_over = !history.bucket && is_only_passed_over(&report);
        tally.only_passed_over += u64::from(is_only_passed_over);
        check_honest(seed, &history, run, &report);
        let beside = beside(&mut random, run);
        let beside = beside.filter(|beside| with_pins && is_quiet(&history, *beside));
        if with_pins {
            pinned_at = beside.map_or(run.ended, |beside| beside.ended.max(run.ended));
        }
        let beside = beside.map(|run| {
            let report = judge(&history, &signed, &place, run, &earlier, None);
            tally.honest_runs += 1;
            check_honest(seed, &history, run, &report);
            report
        });
        if with_pins {
            let reports = [Some(report), beside].into_iter().flatten();
            let mut reports: Vec<_> = reports.collect();
            if random.chance(50) {
                reports.reverse();
            }
            keep(seed, &reports, &mut pins, &earlier);
        }
    }
    let Some(attack) = planned else { return };
    tally.dishonest += 1;
    let run = last_run(&mut random, &history, &attack);
    if !is_quiet(&history, run) {
        return;
    }
    check_dishonest(seed, &history, &signed, &place, run, &pins, &attack, tally);
}

/// A run some time after an attack.
fn last_run(random: &mut Random, history: &History, attack: &Attack) -> Run {
    let after = random.one_of(&[HOUR, 20 * HOUR, 2 * DAY, 10 * DAY, 40 * DAY, 200 * DAY]);
    let begun = attack.at + random.between(HOUR, after);
    let begun = match attack.must {
        Must::Verify => begun.max(history.last() + HOUR),
        Must::Fault | Must::Depends | Must::Never => begun,
    };
    let ended = begun + random.one_of(&[0, 60, 1800]);
    Run {
        begun,
        ended,
        clocks: attack.clocks,
    }
}

/// Another run at the same time, which has read the same pins and keeps its head in the same file.
fn beside(random: &mut Random, run: Run) -> Option<Run> {
    let begun = random.between(run.begun - 30, run.ended);
    let ended = begun + random.one_of(&[0, 60, 1800]);
    let clocks = Clocks::default();
    let run = Run {
        begun,
        ended,
        clocks,
    };
    random.chance(30).then_some(run)
}

/// Runs that read the same pins keep their heads one after the other. Each sees one honest history, so none finds another one, and
/// the pin only moves on.
fn keep(seed: u64, reports: &[Report], pins: &mut Pins, earlier: &Pins) {
    for head in reports.iter().filter_map(|one| one.logs()[0].verified()) {
        let before = pinned(pins, &origin());
        let taken = pins.take(head, earlier);
        let alone = reports.len() == 1;
        let is_good = match taken {
            Taken::Pinned => true,
            Taken::UpToHead { .. } => !alone,
            Taken::NotSeen { .. } | Taken::Forked { .. } => false,
        };
        assert!(is_good, "seed {seed}: {taken:?}, pinned was {before:?}");
        assert!(pinned(pins, &origin()) >= before, "seed {seed}");
    }
}

fn pinned(pins: &Pins, origin: &Origin) -> Option<u64> {
    pins.of(origin).map(|pin| pin.position.segment)
}

fn codes(report: &Report) -> Vec<String> {
    report
        .faults()
        .iter()
        .map(|one| {
            format!(
                "{} at {:?}: {:?}",
                one.what.code(),
                one.place.object,
                one.what
            )
        })
        .collect()
}

fn check_honest(seed: u64, history: &History, run: Run, report: &Report) {
    let only_later = report
        .undecided()
        .iter()
        .all(|one| matches!(one.what, Undecided::OnlyPassedOver | Undecided::JustBegun));
    let good = match report.verdict() {
        Verdict::Verified => true,
        Verdict::NoVerdict => only_later,
        Verdict::Fault => false,
    };
    let notes: Vec<_> = report.notes().iter().map(|note| &note.what).collect();
    let holes = report.logs()[0].holes.listed();
    assert!(
        good,
        "seed {seed}: an honest history is not verified at {run:?}: {:#?} {:?} {notes:?} {holes:?}\n{history:#?}",
        codes(report),
        report.undecided()
    );
}

#[expect(clippy::too_many_arguments, reason = "everything that a failure shows")]
fn check_dishonest(
    seed: u64,
    history: &History,
    signed: &Signed,
    place: &Place,
    run: Run,
    pins: &Pins,
    attack: &Attack,
    tally: &mut Tally,
) {
    let removed = attack.removed_while_reading();
    let report = judge(history, signed, place, run, pins, removed);
    let show = || {
        format!(
            "seed {seed}: {attack:?}\n at {run:?}, pin {:?}: {:#?} {:?}\n{history:#?}",
            pinned(pins, &origin()),
            codes(&report),
            report.undecided()
        )
    };
    if attack.is_stray_mark() {
        let missing = report
            .faults()
            .iter()
            .any(|one| one.what.code() == "segment-missing");
        assert!(
            !missing,
            "a stray marker declares something missing: {}",
            show()
        );
    }
    let must = match attack.must {
        Must::Verify => {
            assert_eq!(report.verdict(), Verdict::Verified, "{}", show());
            return;
        }
        Must::Never => Some("no run may be verified".to_owned()),
        Must::Fault if attack.is_seen(history, place, run) => {
            Some("what was done shows".to_owned())
        }
        Must::Fault | Must::Depends => {
            let by_itself = attack.must_show(history, place, run);
            let pin = pinned(pins, &origin());
            by_itself
                .or_else(|| must_be_found(history, place, run, pin))
                .or_else(|| ended_tail_is_due(history, place, run))
        }
    };
    match must {
        Some(why) => {
            tally.found += 1;
            assert_ne!(
                report.verdict(),
                Verdict::Verified,
                "{why}, and nothing is found: {}",
                show()
            );
        }
        None => tally.within_limits += 1,
    }
}
