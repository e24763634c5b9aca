//! Somebody who writes to the partial results, has no key, and writes neither to the plan nor to the pins.
//!
//! A merge cannot check what a part leaves out, and its report says so. But whatever is written, no head is verified that is not the one of
//! the log, nothing goes back behind a pin, and what was made for another plan is refused.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::TrustPolicy;

use super::histories::Random;
use super::ranges::Documents;
use crate::not_checked::NotChecked;
use crate::parts::PartsError;
use crate::report::Report;
use crate::verdict::Verdict;

/// Forgeries of each set of parts.
const TRIES: u64 = 6;

thread_local! {
    /// The plan and the parts of the last run of this test.
    static BEFORE: RefCell<Option<(Hash, Vec<Vec<u8>>)>> = const { RefCell::new(None) };

    /// Forgeries so far.
    static FORGERIES: Cell<Forgeries> = const { Cell::new(Forgeries { refused: 0, taken: 0 }) };
}

/// Forgeries that a merge refused, and such that it could not see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forgeries {
    pub(super) refused: u64,
    pub(super) taken: u64,
}

/// What became of the forgeries that were tried while this ran.
pub(super) fn forgeries_during(run: impl FnOnce()) -> Forgeries {
    let before = FORGERIES.get();
    run();
    let after = FORGERIES.get();
    Forgeries {
        refused: after.refused - before.refused,
        taken: after.taken - before.taken,
    }
}

fn count(more: Forgeries) {
    let so_far = FORGERIES.get();
    FORGERIES.set(Forgeries {
        refused: so_far.refused + more.refused,
        taken: so_far.taken + more.taken,
    });
}

pub(super) fn assert_forged_parts_do_not_pass(
    documents: &Documents,
    policy: (&TrustPolicy, Hash),
    whole: &Report,
    seed: u64,
) {
    let parts = &documents.parts;
    let mut random = Random::new(seed);
    replay(documents, policy, &mut random);
    let mut without = parts.clone();
    if without.pop().is_some() {
        let error = documents.merged_with(policy, &without).unwrap_err();
        assert!(matches!(error, PartsError::Missing { .. }), "{error}");
    }
    for _ in 0..TRIES {
        let Some((forged, what)) = forge(&mut random, parts) else {
            continue;
        };
        let Ok(report) = documents.merged_with(policy, &forged) else {
            count(Forgeries {
                refused: 1,
                taken: 0,
            });
            continue;
        };
        count(Forgeries {
            refused: 0,
            taken: 1,
        });
        compare(whole, &report, &what);
    }
}

/// A part of an earlier run, in the place of one of this one.
fn replay(documents: &Documents, policy: (&TrustPolicy, Hash), random: &mut Random) {
    let (digest, parts) = (documents.plan.digest(), &documents.parts);
    let before = BEFORE.replace(Some((digest, parts.clone())));
    let Some((_, old)) = before.filter(|(before, old)| *before != digest && !old.is_empty()) else {
        return;
    };
    let Some(at) = index(random, parts.len()) else {
        return;
    };
    let mut replayed = parts.clone();
    replayed[at].clone_from(&old[at % old.len()]);
    let error = documents.merged_with(policy, &replayed).unwrap_err();
    assert!(matches!(error, PartsError::Foreign { .. }), "{error}");
}

fn compare(whole: &Report, forged: &Report, what: &str) {
    let (text, other) = (whole.to_text(), forged.to_text());
    let is_said = |one: &NotChecked| matches!(one, NotChecked::Parts { .. });
    let says = forged.not_checked().iter().any(is_said);
    assert!(
        says,
        "{what}: the report does not say that parts are trusted"
    );
    for (whole, forged) in whole.logs().iter().zip(forged.logs()) {
        let Some(head) = forged.verified() else {
            continue;
        };
        let honest = whole.head.map(|head| head.position);
        assert_eq!(
            Some(head.pin().position),
            honest,
            "{what}: the verified head is another one\n{text}\n{other}"
        );
    }
    let is_back =
        |one: &crate::place::Placed<crate::fault::Fault>| one.what.code() == "head-rolled-back";
    if whole.faults().iter().any(is_back) {
        assert_ne!(
            forged.verdict(),
            Verdict::Verified,
            "{what}: a log that went back is verified\n{text}\n{other}"
        );
    }
}

/// One value of one part is another one, of the same kind, and what that is, in words. `None` where nothing changes.
fn forge(random: &mut Random, parts: &[Vec<u8>]) -> Option<(Vec<Vec<u8>>, String)> {
    let texts: Vec<&str> = parts
        .iter()
        .map(|part| std::str::from_utf8(part).unwrap())
        .collect();
    let at = index(random, texts.len())?;
    let values = values(texts[at]);
    let kind = random.number(0, 5);
    let of_kind: Vec<&Range<usize>> = values
        .iter()
        .filter(|(found, _)| *found == kinds(kind))
        .map(|(_, place)| place)
        .collect();
    let place = of_kind.get(index(random, of_kind.len())?)?;
    let old = &texts[at][(*place).clone()];
    let new = match kind {
        0 => old.parse::<u64>().ok()?.wrapping_add(1).to_string(),
        1 => old.parse::<u64>().ok()?.checked_sub(1)?.to_string(),
        2 => "[]".to_owned(),
        _ => other_value(random, &texts, kinds(kind))?,
    };
    let text = format!(
        "{}{new}{}",
        &texts[at][..place.start],
        &texts[at][place.end..]
    );
    let what = format!("part {at}: {old} at {} is {new}", place.start);
    let mut forged = parts.to_vec();
    forged[at] = text.into_bytes();
    (forged != parts).then_some((forged, what))
}

/// A value of this kind, from whichever part.
fn other_value(random: &mut Random, texts: &[&str], kind: Kind) -> Option<String> {
    let from = texts[index(random, texts.len())?];
    let values: Vec<Range<usize>> = values(from)
        .into_iter()
        .filter(|(found, _)| *found == kind)
        .map(|(_, place)| place)
        .collect();
    let place = values.get(index(random, values.len())?)?;
    Some(from[place.clone()].to_owned())
}

fn index(random: &mut Random, length: usize) -> Option<usize> {
    let last = u64::try_from(length).unwrap().checked_sub(1)?;
    usize::try_from(random.number(0, last)).ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    List,
    Object,
}

const fn kinds(kind: u64) -> Kind {
    match kind {
        0 | 1 => Kind::Number,
        3 => Kind::Text,
        4 => Kind::Object,
        _ => Kind::List,
    }
}

/// The values of a document without white space, and where they are.
fn values(text: &str) -> Vec<(Kind, Range<usize>)> {
    let bytes = text.as_bytes();
    let (mut found, mut open, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'[' | b'{' => open.push(start),
            b']' => found.push((Kind::List, open.pop().unwrap()..at)),
            b'}' => found.push((Kind::Object, open.pop().unwrap()..at)),
            b'"' => {
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if bytes.get(at) != Some(&b':') {
                    found.push((Kind::Text, start..at));
                }
            }
            b'0'..=b'9' => {
                while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                found.push((Kind::Number, start..at));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn values_of_a_document_are_found() {
    let text = r#"{"a":[1,"b\"]",23],"c":{"d":"e"},"f":[],"g":null}"#;
    let found: Vec<(Kind, &str)> = values(text)
        .into_iter()
        .map(|(kind, place)| (kind, &text[place]))
        .collect();
    assert_eq!(
        found,
        [
            (Kind::Number, "1"),
            (Kind::Text, r#""b\"]""#),
            (Kind::Number, "23"),
            (Kind::List, r#"[1,"b\"]",23]"#),
            (Kind::Text, r#""e""#),
            (Kind::Object, r#"{"d":"e"}"#),
            (Kind::List, "[]"),
            (Kind::Object, text),
        ]
    );
}
