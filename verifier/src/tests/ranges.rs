//! The same verification whole, in ranges, and in ranges that are merged in any order: what is found is the same, byte for byte.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::TrustPolicy;
use serde_json::value::RawValue;

use super::forged::assert_forged_parts_do_not_pass;
use super::histories::Random;
use super::world::{Key, World, closed, codes, opened};
use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::{LogPlan, Slots};
use crate::look::{Read, Stretch, look_at};
use crate::merge::finish;
use crate::parts::plan::plan_cut;
use crate::parts::split::{Slice, split};
use crate::parts::{OfRange, PartsError, Plan, merge, part};
use crate::pins::{Pins, Taken};
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::report::Report;
use crate::request::Request;
use crate::run::Run;
use crate::source::Source;
use crate::state::State;
use crate::survey::{choose_logs, survey};
use crate::target::Target;
use crate::verdict::Verdict;

/// What must be equal however the verifier was run.
const EQUAL: [&str; 12] = [
    "verdict",
    "exit",
    "at",
    "logs",
    "fault_count",
    "faults",
    "acknowledged_count",
    "acknowledged",
    "undecided_count",
    "undecided",
    "note_count",
    "notes",
];

/// Verifies in ranges that are cut at every segment, in a few ranges, and in ranges that are merged in any order.
pub(super) fn assert_same_in_ranges(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    whole: &Report,
) {
    if whole
        .undecided()
        .iter()
        .any(|one| one.what.code() == "listing-unreadable")
    {
        return;
    }
    let seed = whole
        .entries_of_all()
        .wrapping_mul(31)
        .wrapping_add(whole.fault_count());
    let few = 1 + seed % 4;
    let each = in_ranges(source, request, pins, &|plans| cut_at_each(plans));
    assert_same(whole, &each, "cut at each segment");
    let few = planned(source, request, pins, &|plans| split(plans, few));
    let policy = (request.policy, request.policy_digest);
    let in_few = few.merged(policy).unwrap();
    assert_same(whole, &in_few, "in a few ranges");
    assert_forged_parts_do_not_pass(&few, policy, whole, seed);
    let merged = in_any_order(source, request, pins, &mut Random::new(seed));
    assert_same(whole, &merged, "merged in any order");
}

/// The fields that say what is found are the same, byte for byte.
pub(super) fn assert_same(whole: &Report, other: &Report, how: &str) {
    let (whole, other) = (whole.to_json(), other.to_json());
    let fields = |json: &str| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json);
    let (of_whole, of_other) = (fields(&whole).unwrap(), fields(&other).unwrap());
    for field in EQUAL {
        let (expected, found) = (&of_whole[field], &of_other[field]);
        assert_eq!(expected.get(), found.get(), "{how}: {field}\n{whole}");
    }
}

impl Report {
    fn entries_of_all(&self) -> u64 {
        self.logs()
            .iter()
            .map(|log| log.entries + log.segments)
            .sum()
    }
}

fn cut_at_each(plans: &mut [LogPlan<'_>]) -> Vec<Vec<Slice>> {
    let known = |plan: &&mut LogPlan<'_>| plan.log.format == 1;
    let all = plans.iter_mut().enumerate().filter(|(_, plan)| known(plan));
    let slices = all.flat_map(|(log_at, plan)| {
        let slots = std::mem::take(&mut plan.slots).into_iter();
        slots.map(move |(number, slot)| {
            let slots = BTreeMap::from([(number, slot)]);
            vec![Slice { log_at, slots }]
        })
    });
    slices.collect()
}

/// Through the documents that machines hand to each other.
fn in_ranges(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    cut: &dyn Fn(&mut [LogPlan<'_>]) -> Vec<Vec<Slice>>,
) -> Report {
    let planned = planned(source, request, pins, cut);
    planned
        .merged((request.policy, request.policy_digest))
        .unwrap()
}

/// A plan, its lists, and the parts of its ranges.
pub(super) struct Documents {
    pub(super) plan: Plan,
    pub(super) written: Vec<u8>,
    pub(super) lists: Vec<Vec<u8>>,
    pub(super) parts: Vec<Vec<u8>>,
}

impl Documents {
    fn merged(&self, policy: (&TrustPolicy, Hash)) -> Result<Report, PartsError> {
        self.merged_with(policy, &self.parts)
    }

    /// Merged with other parts.
    pub(super) fn merged_with(
        &self,
        policy: (&TrustPolicy, Hash),
        parts: &[Vec<u8>],
    ) -> Result<Report, PartsError> {
        let mut read = |range: u64| {
            let at = usize::try_from(range).unwrap();
            let part = parts.get(at).cloned();
            Ok(OfRange {
                list: self.lists[at].clone(),
                part: part.ok_or(PartsError::Missing { range })?,
            })
        };
        merge(&self.plan, policy, &mut read, self.plan.made())
    }
}

/// A plan, its lists, and the parts of its ranges.
fn planned(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    cut: &dyn Fn(&mut [LogPlan<'_>]) -> Vec<Vec<Slice>>,
) -> Documents {
    let policy = (request.policy, request.policy_digest);
    let mut lists = Vec::new();
    let mut each = |_, list: Vec<u8>| {
        lists.push(list);
        Ok::<(), PartsError>(())
    };
    let written = plan_cut(source, request, pins, cut, &mut each).unwrap();
    let plan = Plan::parse(&written).unwrap();
    let parts = (0..)
        .zip(&lists)
        .map(|(range, list)| part(&plan, policy, (range, list), source, 1, &mut |_| {}).unwrap())
        .collect();
    Documents {
        plan,
        written,
        lists,
        parts,
    }
}

/// In memory: a range for each segment, and neighbours merged in any order.
fn in_any_order(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    random: &mut Random,
) -> Report {
    let chosen = choose_logs(source, request).unwrap();
    let mut record = Record::default();
    check_declared(request, &chosen, &mut record).unwrap();
    let explained = Explained::new(request.policy);
    let mut survey = survey(source, request, &chosen, pins, &explained, &mut record).unwrap();
    let slices = cut_at_each(&mut survey.plans);
    let moments = survey.moments;
    let of = |log| {
        Log::new(
            request,
            moments,
            source.has_storage(),
            log,
            pins,
            &explained,
        )
    };
    let logs: Vec<_> = chosen.iter().map(|log| of(log)).collect();
    let slices: Vec<_> = slices.into_iter().flatten().collect();
    let stretches = slices.iter().map(|slice| Stretch {
        range: RangeResult::anywhere(&logs[slice.log_at]),
        slots: Slots::All(&slice.slots),
        read: Read::All,
    });
    let results = look_at(source, 1, stretches.collect(), &mut |_| {});
    let mut of_logs: Vec<Vec<RangeResult<'_>>> = logs.iter().map(|_| Vec::new()).collect();
    for (slice, result) in slices.iter().zip(results) {
        of_logs[slice.log_at].push(result);
    }
    let wholes = logs.iter().zip(of_logs).map(|(log, mut ranges)| {
        while ranges.len() > 1 {
            let last = u64::try_from(ranges.len()).unwrap() - 2;
            let at = usize::try_from(random.number(0, last)).unwrap();
            let next = ranges.remove(at + 1);
            ranges[at].append(next);
        }
        let mut whole = RangeResult::at_beginning(log);
        for range in ranges {
            whole.append(range);
        }
        whole
    });
    let merged = wholes
        .zip(&survey.plans)
        .map(|(whole, plan)| finish(whole, &plan.left_out));
    let logs = merged.collect();
    State::of(source).judge(request, moments.ended, &mut record);
    let found = Found {
        record,
        logs,
        begun: moments.begun,
        run: Run::Merged {
            ranges: 1,
            plan: Hash::of(b""),
        },
    };
    conclude(&Target::of(source), request, &chosen, found)
}

/// The plan of a world in two ranges, and its parts.
pub(super) fn documents(world: &World) -> Documents {
    documents_of(world, &world.folder(), 2)
}

/// The plan of a world in so many ranges, and its parts.
pub(super) fn documents_of(world: &World, source: &dyn Source, ranges: u64) -> Documents {
    let policy = world.policy();
    let request = world.request(&policy);
    let cut = |plans: &mut [LogPlan<'_>]| split(plans, ranges);
    planned(source, &request, &world.pins, &cut)
}

/// Whoever can write to the parts can leave out a finding, and no more: without a key, the head stays what it is.
#[test]
fn a_part_with_another_byte_is_refused_or_leaves_the_head_as_it_is() {
    let world = World::new(Key::ed25519(), 6);
    let (documents, policy) = (documents(&world), world.policy());
    let of = (&policy, world.request(&policy).policy_digest);
    let merged = |parts: &[Vec<u8>]| documents.merged_with(of, parts);
    let parts = &documents.parts;
    let good = merged(parts).unwrap();
    let head = |report: &Report| {
        let verified = report.logs()[0].verified();
        verified.map(|head| head.pin().position)
    };
    assert!(head(&good).is_some());
    let mut refused = 0;
    for at in 0..parts.len() {
        for byte in (0..parts[at].len()).step_by(3) {
            let mut forged = parts.clone();
            forged[at][byte] ^= 1;
            match merged(&forged) {
                Err(_) => refused += 1,
                Ok(report) => {
                    let found = head(&report);
                    assert!(found.is_none() || found == head(&good), "{at}, byte {byte}");
                }
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

/// A log in two ranges, of which the second one's part is to be changed.
struct Parted {
    documents: Documents,
    policy: TrustPolicy,
    digest: Hash,
}

impl Parted {
    fn of(world: &World) -> Self {
        let policy = world.policy();
        Self {
            documents: documents(world),
            digest: world.request(&policy).policy_digest,
            policy,
        }
    }

    /// The second part, before and after the name of its rest.
    fn second(&self) -> (&str, &str) {
        let written = std::str::from_utf8(&self.documents.parts[1]).unwrap();
        written.split_once("\"rest\":").unwrap()
    }

    #[track_caller]
    fn refuses(&self, second: &str, name: &str) {
        let parts = [self.documents.parts[0].clone(), second.into()];
        let found = self
            .documents
            .merged_with((&self.policy, self.digest), &parts);
        assert!(
            matches!(found, Err(PartsError::Contradicts { range: 1, .. })),
            "{name}: {found:?}"
        );
    }
}

/// Whoever can write to the parts, and has no key, cannot say that a log ends with what nobody signed: a part that leaves out why its last
/// segment proves nothing contradicts itself.
#[test]
fn a_part_cannot_end_with_what_nobody_signed() {
    let world = World::new(Key::ed25519(), 6);
    let parted = Parted::of(&world);
    let (lead, rest) = parted.second();
    let between = |after: &str, before: &str| {
        let (_, text) = rest.split_once(after).unwrap();
        text.split_once(before).unwrap().0.to_owned()
    };
    let active = format!("\"active\":\"{}\"", between("\"active\":\"", "\""));
    let head = format!("\"head\":{{{}}}", between("\"head\":{", "}"));
    let checkpoint = between("\"signed\":\"", "\"");
    let signature = checkpoint.rsplit_once(' ').unwrap().1;
    // As long as the real one.
    let forged = signature.replacen(&signature[6..12], "AAAAAA", 1);
    for (name, edits) in [
        ("a forged signature", vec![(signature, forged.as_str())]),
        (
            "a forged signature of no key",
            vec![(signature, forged.as_str()), (&active, "\"active\":null")],
        ),
        (
            "a segment that is not sound, and no finding",
            vec![(&head, "\"head\":null"), (&active, "\"active\":null")],
        ),
        (
            "another number",
            vec![(
                "{\"position\":{\"segment\":5",
                "{\"position\":{\"segment\":4",
            )],
        ),
        ("another key", vec![(&active, "\"active\":null")]),
    ] {
        let mut rest = rest.to_owned();
        for (from, to) in edits {
            assert!(rest.contains(from), "{name}: {from}");
            rest = rest.replacen(from, to, 1);
        }
        parted.refuses(&format!("{lead}\"rest\":{rest}"), name);
    }
}

/// A part counts what its segments have: neither more, nor less.
#[test]
fn a_part_cannot_count_other_segments_or_entries_than_it_has() {
    let world = World::new(Key::ed25519(), 8);
    let parted = Parted::of(&world);
    let (lead, rest) = parted.second();
    let (before, after) = rest.split_once("\"segments\":").unwrap();
    let (segments, after) = after.split_once(",\"entries\":").unwrap();
    let (entries, after) = after.split_once(',').unwrap();
    for (forged_segments, forged_entries) in [
        (segments, "18446744073709551615"),
        (segments, "100"),
        (segments, "0"),
        ("0", entries),
        ("1", entries),
        ("4", entries),
        ("18446744073709551615", entries),
    ] {
        let name = format!("{forged_segments} segments, {forged_entries} entries");
        let counts = format!("\"segments\":{forged_segments},\"entries\":{forged_entries}");
        parted.refuses(&format!("{lead}\"rest\":{before}{counts},{after}"), &name);
    }
    let (before, after) = lead.split_once("\"events\":").unwrap();
    let (_, after) = after.split_once(',').unwrap();
    parted.refuses(
        &format!("{before}\"events\":100,{after}\"rest\":{rest}"),
        "lead",
    );
}

/// A plan that was made without a pin, of a log whose last segments were removed, shows no rollback: nobody compared it with the pin.
#[test]
fn a_plan_is_merged_with_the_pins_that_it_was_made_with() {
    let mut world = World::new(Key::ed25519(), 6);
    let report = world.verify(&world.folder());
    let mut pins = Pins::default();
    let taken = pins.take(report.logs()[0].verified().unwrap(), &Pins::default());
    assert_eq!(taken, Taken::Pinned);
    world.segments.remove(&5);
    let cut = world.verify(&world.folder());
    assert_eq!(cut.verdict(), Verdict::Verified);
    let unpinned = documents(&world).plan;
    assert_eq!(unpinned.check_pins(&Pins::default(), &cut), Ok(()));
    let refused = unpinned.check_pins(&pins, &cut).unwrap_err();
    assert!(matches!(refused, PartsError::OtherPins { .. }), "{refused}");
    world.pins = pins.clone();
    let rolled_back = world.verify(&world.folder());
    let pinned = documents(&world).plan;
    assert_eq!(pinned.check_pins(&pins, &rolled_back), Ok(()));
    let none = Pins::default();
    assert!(pinned.check_pins(&none, &rolled_back).is_err());
}

/// A merge moves the pins to its heads. It may be done again then, and finds the same.
#[test]
fn a_plan_is_merged_again_with_the_pins_that_its_merge_has_left() {
    let mut world = World::new(Key::ed25519(), 4);
    let first = world.verify(&world.folder());
    let before = first.logs()[0].verified().unwrap().clone();
    _ = world.pins.take(&before, &Pins::default());
    let time = opened(4);
    let segment = closed(world.head(), None, &["1"], time, time + 30);
    let signature = world.key.sign(&segment);
    world.add(segment, vec![signature]);
    let report = world.verify(&world.folder());
    let plan = documents(&world).plan;
    let mut left = world.pins.clone();
    let head = report.logs()[0].verified().unwrap();
    assert_eq!(left.take(head, &world.pins), Taken::Pinned);
    assert_ne!(left, world.pins);
    assert_eq!(plan.check_pins(&left, &report), Ok(()));
    // Not those of a run that saw less, or something else.
    assert!(plan.check_pins(&left, &first).is_err());
    let mut forked = *head.pin();
    forked.position.root = auditlog_chain::hash::leaf_hash(b"another tree");
    let forked = Pins::from_iter([(head.origin().clone(), forked)]);
    assert!(plan.check_pins(&forked, &report).is_err());
}

/// Where keys alternate without a key line, nobody can say in the middle of a log which segments are wrong: every second one is, from the
/// first one on. A range takes no more memory for that.
#[test]
fn keys_that_alternate_without_a_key_line_leave_no_long_lead() {
    let mut world = World::new(Key::p256(), 2);
    let other = Key::ed25519();
    world.authorise(&other);
    for number in 2..40 {
        let time = opened(number);
        let segment = closed(world.head(), None, &["1"], time, time + 30);
        let by = if number % 2 == 0 { &other } else { &world.key };
        let signature = by.sign(&segment);
        world.add(segment, vec![signature]);
    }
    let report = world.verify(&world.folder());
    let wrong = codes(&report)
        .into_iter()
        .filter(|code| code.starts_with("signature"));
    assert_eq!(wrong.count(), 19, "{}", report.to_text());
    for part in &documents(&world).parts {
        let part = String::from_utf8_lossy(part);
        assert_eq!(part.matches("\"seen\":").count(), 1, "{part}");
    }
}
