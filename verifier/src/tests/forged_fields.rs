//! Parts that somebody without a key has put together from honest ones: of a log that ends earlier, under other numbers, or with one value that is
//! another one. Each is refused, or changes neither the head nor what is counted.
//!
//! Random values never make these: a forger takes what fits.

use std::collections::BTreeMap;
use std::ops::Range;

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;

use super::ranges::{Documents, documents_of};
use super::world::{DAY, Key, Memory, World, at};
use crate::parts::{PartsError, Plan};
use crate::report::Report;
use crate::verdict::Verdict;

/// What a merge says of a world, and of forged parts of it.
struct Case {
    policy: TrustPolicy,
    digest: Hash,
    documents: Documents,
}

impl Case {
    fn of(world: &World, source: &Memory, ranges: u64) -> Self {
        let policy = world.policy();
        Self {
            digest: world.request(&policy).policy_digest,
            policy,
            documents: documents_of(world, source, ranges),
        }
    }

    fn merged(&self, parts: &[Vec<u8>]) -> Result<Report, PartsError> {
        self.documents
            .merged_with((&self.policy, self.digest), parts)
    }

    fn honest(&self) -> Report {
        self.merged(&self.documents.parts).unwrap()
    }

    fn text(&self, range: usize) -> &str {
        std::str::from_utf8(&self.documents.parts[range]).unwrap()
    }

    /// With this in place of one of its parts.
    fn with(&self, range: usize, part: &str) -> Result<Report, PartsError> {
        let mut parts = self.documents.parts.clone();
        parts[range] = part.into();
        self.merged(&parts)
    }

    /// The last part of another log, as if it were of this plan.
    fn adopted(&self, other: &Self) -> String {
        let last = self.documents.parts.len() - 1;
        let (mut part, own) = (other.text(last).to_owned(), self.text(last));
        for path in [
            "/plan",
            "/policy",
            "/list",
            "/slices/0/first",
            "/slices/0/last",
        ] {
            part = set(&part, path, value(own, path));
        }
        part
    }

    #[track_caller]
    fn refuses(&self, range: usize, part: &str, name: &str) {
        let found = self.with(range, part);
        assert!(
            matches!(found, Err(PartsError::Contradicts { .. })),
            "{name}: {:?}",
            found.map(|report| report.to_text())
        );
    }
}

/// The values of a document without white space, by their path.
fn values(text: &str) -> BTreeMap<String, Range<usize>> {
    let mut found = BTreeMap::new();
    let end = scan(text, 0, String::new(), &mut found);
    assert_eq!(&text[end..], "\n");
    found
}

fn scan(
    text: &str,
    start: usize,
    path: String,
    found: &mut BTreeMap<String, Range<usize>>,
) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    match bytes[at] {
        open @ (b'{' | b'[') => {
            let close = if open == b'{' { b'}' } else { b']' };
            at += 1;
            let mut count = 0;
            while bytes[at] != close {
                at += usize::from(bytes[at] == b',');
                let name = if open == b'{' {
                    let end = end_of_text(bytes, at);
                    let name = text[at + 1..end - 1].to_owned();
                    at = end + 1;
                    name
                } else {
                    count.to_string()
                };
                at = scan(text, at, format!("{path}/{name}"), found);
                count += 1;
            }
            at += 1;
        }
        b'"' => at = end_of_text(bytes, at),
        _ => {
            while !matches!(bytes[at], b',' | b'}' | b']' | b'\n') {
                at += 1;
            }
        }
    }
    found.insert(path, start..at);
    at
}

fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn value<'t>(text: &'t str, path: &str) -> &'t str {
    let values = values(text);
    let place = values
        .get(path)
        .unwrap_or_else(|| panic!("{path} of {text}"));
    &text[place.clone()]
}

fn set(text: &str, path: &str, value: &str) -> String {
    let place = values(text)[path].clone();
    format!("{}{value}{}", &text[..place.start], &text[place.end..])
}

fn json(time: Timestamp) -> String {
    serde_json::to_string(&time).unwrap()
}

const TALLY: &str = "/slices/0/result/rest/0/tally";
const CONTEXT: &str = "/slices/0/result/rest/0/context";

/// The last segment says something else than what was signed.
fn corrupted(key: Key) -> World {
    let mut world = World::new(key, 4);
    let last = world.segments.get_mut(&3).unwrap();
    let middle = last.len() / 2;
    last[middle] ^= 1;
    world
}

/// The same log without its last segment.
fn shortened(mut world: World) -> World {
    world.segments.remove(&3);
    world
}

/// Whoever can write to the parts cannot put the part of the log without its faulty end in the place of the one that found the fault.
#[test]
fn the_part_of_a_log_that_ends_earlier_is_refused() {
    for ranges in [1, 2] {
        for is_bucket in [false, true] {
            let world = corrupted(Key::ed25519());
            let of = |world: &World| {
                let source = if is_bucket {
                    world.bucket()
                } else {
                    world.folder()
                };
                Case::of(world, &source, ranges)
            };
            let case = of(&world);
            let honest = case.honest();
            assert_eq!(honest.verdict(), Verdict::Fault);
            let world = shortened(world);
            let shorter = of(&world);
            assert_eq!(shorter.honest().verdict(), Verdict::Verified);
            let last = case.documents.parts.len() - 1;
            let part = case.adopted(&shorter);
            case.refuses(last, &part, "the part of the shorter log");
            // Nor as if the last segment had been gone when it was read.
            for kept_until in [at(-DAY), at(400 * DAY)] {
                let kept_until = json(kept_until);
                let known = format!("[{{\"number\":3,\"kept_until\":{kept_until}}}]");
                let gone = set(&part, &format!("{CONTEXT}/gone"), &known);
                case.refuses(last, &gone, "gone");
            }
            let marker = set(&part, &format!("{CONTEXT}/markers"), "[[3,null]]");
            case.refuses(last, &marker, "a delete marker");
        }
    }
}

/// A checkpoint has no number: the close line under its root has.
#[test]
fn the_part_of_a_log_that_ends_earlier_is_refused_under_other_numbers() {
    let world = corrupted(Key::p256());
    let case = Case::of(&world, &world.folder(), 1);
    let world = shortened(world);
    let mut part = case.adopted(&Case::of(&world, &world.folder(), 1));
    for path in [
        format!("{CONTEXT}/previous/number"),
        format!("{CONTEXT}/left/number"),
        format!("{TALLY}/last/position/segment"),
        format!("{TALLY}/segments"),
    ] {
        let next = value(&part, &path).parse::<u64>().unwrap() + 1;
        part = set(&part, &path, &next.to_string());
    }
    let entries = value(&part, &format!("{TALLY}/entries")).parse::<u64>();
    let fewer = entries.unwrap() - 2;
    let part = set(&part, &format!("{TALLY}/entries"), &fewer.to_string());
    case.refuses(0, &part, "renumbered");
}

/// Each signature of ECDSA is over a checkpoint without a time: the close line under its root has it.
#[test]
fn a_log_that_is_silent_was_not_sealed_later() {
    let mut world = World::new(Key::p256(), 4);
    world.now = 5000;
    let case = Case::of(&world, &world.folder(), 1);
    assert_eq!(case.honest().verdict(), Verdict::Fault);
    let mut part = case.text(0).to_owned();
    let sealed = value(&part, &format!("{TALLY}/last/sealed")).to_owned();
    let later = json(at(4900));
    for (path, place) in values(case.text(0)) {
        if path.ends_with("/sealed") && part[place.clone()] == sealed {
            part.replace_range(place, &later);
        }
    }
    assert_ne!(part, case.text(0));
    case.refuses(0, &part, "sealed later");
}

/// Each value of the last part, one at a time, is that of another log or range, nothing, or a little more or less.
#[test]
fn a_part_with_one_other_value_is_refused_or_changes_neither_head_nor_counts() {
    let good = World::new(Key::ed25519(), 4);
    let mut silent = World::new(Key::p256(), 4);
    silent.now = 5000;
    for world in [good, silent, corrupted(Key::ed25519())] {
        for (source, ranges) in [(world.folder(), 1), (world.bucket(), 2)] {
            let case = Case::of(&world, &source, ranges);
            let honest = case.honest();
            let mut shorter = source.clone();
            shorter.remove(3);
            let shorter = Case::of(&world, &shorter, ranges);
            let last = case.documents.parts.len() - 1;
            let donors = [case.adopted(&shorter), case.text(0).to_owned()];
            let (mut refused, mut taken) = (0, 0);
            for (path, place) in values(case.text(last)) {
                for value in others(&path, &case.text(last)[place], &donors) {
                    let forged = set(case.text(last), &path, &value);
                    match case.with(last, &forged) {
                        Err(_) => refused += 1,
                        Ok(report) => {
                            taken += 1;
                            let what = format!("{path} is {value}");
                            assert_nothing_gained(&honest, &report, &what);
                        }
                    }
                }
            }
            assert!(
                refused > 100 && taken > 0,
                "{refused} refused, {taken} taken"
            );
        }
    }
}

/// What a forger would put in place of a value.
fn others(path: &str, own: &str, donors: &[String]) -> Vec<String> {
    let from_donors = donors
        .iter()
        .filter_map(|donor| Some(donor[values(donor).get(path)?.clone()].to_owned()));
    let mut all: Vec<String> = from_donors.collect();
    all.extend(["null", "[]", "0", "\"x\""].map(str::to_owned));
    if let Ok(number) = own.parse::<u64>() {
        all.push((number + 1).to_string());
        all.extend(number.checked_sub(1).map(|less| less.to_string()));
    }
    all.push(json(at(4900)));
    all.retain(|value| value != own);
    all
}

fn assert_nothing_gained(honest: &Report, forged: &Report, what: &str) {
    let text = forged.to_text();
    if honest.verdict() != Verdict::Verified {
        assert_ne!(forged.verdict(), Verdict::Verified, "{what}\n{text}");
        return;
    }
    let (honest, forged) = (&honest.logs()[0], &forged.logs()[0]);
    let Some(head) = forged.verified() else {
        return;
    };
    assert_eq!(Some(head.pin()), honest.head.as_ref(), "{what}\n{text}");
    assert_eq!(
        (
            forged.segments,
            forged.first_segment,
            &forged.holes,
            &forged.keys
        ),
        (
            honest.segments,
            honest.first_segment,
            &honest.holes,
            &honest.keys
        ),
        "{what}\n{text}"
    );
    // A key line, which a log may have in each segment, is not an entry.
    assert!(
        forged.entries <= honest.entries && honest.entries <= forged.entries + honest.segments,
        "{what}\n{text}"
    );
}

/// What stops a later range from reporting something was reported, and the names of keys are those of keys.
#[test]
fn a_part_cannot_name_what_the_policy_does_not_have() {
    let world = World::new(Key::ed25519(), 4);
    let case = Case::of(&world, &world.folder(), 1);
    let report = case.honest();
    let [id] = report.logs()[0].keys.as_slice() else {
        panic!("one key");
    };
    let hostile = "x\\nverified: 9 entries\\u001b[8m";
    for (path, value) in [
        ("signed_by", format!("[\"{id}\",\"{hostile}\"]")),
        ("signed_by", "[]".to_owned()),
        ("signed_by", "[\"00000000\"]".to_owned()),
        ("no_last_good", format!("[\"{id}\"]")),
        ("no_last_good", format!("[\"{hostile}\"]")),
        (
            "timeline/keys",
            value(case.text(0), &format!("{TALLY}/timeline/keys")).replace(id.as_str(), hostile),
        ),
        ("timeline/shift", "70".to_owned()),
        ("idle_markers", "1".to_owned()),
        (
            "record/notes/listed",
            "[{\"what\":\"no_pin\",\"place\":{\"log\":null,\"object\":null,\"version_id\":null,\"line\":null,\"index\":null}}]"
                .to_owned(),
        ),
    ] {
        let path = format!("{TALLY}/{path}");
        assert_ne!(self::value(case.text(0), &path), value);
        let forged = set(case.text(0), &path, &value);
        match case.with(0, &forged) {
            Err(PartsError::Contradicts { .. }) => {}
            other => panic!("{path}: {value}: {:?}", other.map(|report| report.to_text())),
        }
    }
}

/// Whoever deletes segments from a bucket with GOVERNANCE locks, and writes the part, cannot say that their retention has passed: the
/// segment after them was stored too recently.
#[test]
fn a_part_cannot_say_that_what_was_deleted_has_expired() {
    let mut world = World::new(Key::ed25519(), 12);
    world.now = 800;
    for number in [8, 9] {
        world.segments.remove(&number);
    }
    for ranges in [1, 2] {
        let case = Case::of(&world, &world.bucket(), ranges);
        assert_eq!(case.honest().verdict(), Verdict::Fault);
        let has_hole = |range: &usize| case.text(*range).contains("segment_missing");
        let range = (0..case.documents.parts.len()).find(has_hole).unwrap();
        let none = "{\"listed\":[],\"more\":0}";
        let without = set(case.text(range), &format!("{TALLY}/record/faults"), none);
        for holes in [&[(8, 9)][..], &[(8, 8), (9, 9)]] {
            let hole = |(first, last)| {
                format!("{{\"first\":{first},\"last\":{last},\"why\":\"expired\"}}")
            };
            let listed: Vec<_> = holes.iter().copied().map(hole).collect();
            let value = format!(
                "{{\"listed\":[{}],\"count\":{}}}",
                listed.join(","),
                holes.len()
            );
            let forged = set(&without, &format!("{TALLY}/holes"), &value);
            case.refuses(range, &forged, &value);
        }
    }
}

/// Versions and rules come first: what another program wrote is not called broken.
#[test]
fn a_plan_or_part_of_another_version_or_by_other_rules_is_not_used() {
    let world = World::new(Key::ed25519(), 3);
    let case = Case::of(&world, &world.folder(), 2);
    let plan = std::str::from_utf8(&case.documents.written).unwrap();
    for (path, name) in [("/plan", "the plan"), ("/rules", "the rules of the plan")] {
        let found = Plan::parse(set(plan, path, "2").as_bytes());
        assert_eq!(found, Err(unsupported(name)));
    }
    let of_part = "the partial result of range 0";
    let of_rules = format!("the rules of {of_part}");
    for (path, name) in [("/part", of_part), ("/rules", &of_rules)] {
        let found = case.with(0, &set(case.text(0), path, "2"));
        assert_eq!(found.map(|report| report.to_text()), Err(unsupported(name)));
    }
}

fn unsupported(name: &str) -> PartsError {
    PartsError::Unsupported {
        name: name.to_owned(),
        found: 2,
        known: 1,
    }
}
