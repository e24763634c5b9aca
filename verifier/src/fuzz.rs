//! What a fuzzer does with everything that reads what others wrote: each target takes any bytes, and what it accepts has one
//! form only.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); not part of the crate otherwise.

mod parted;

use auditlog_chain::checkpoint::{SignedCheckpoint, format_checkpoint_line, parse_checkpoint_line};
use auditlog_chain::limits::MAX_SEGMENT;
use auditlog_chain::line::{format_line, parse_line};
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::segment::{Expected, FORMAT, check_segment};

pub(crate) use parted::Parted;

use crate::cache;
use crate::evidence;
use crate::parts::{Plan, is_part};
use crate::pins::document;
use crate::proof::case::{check_consistency_case, check_inclusion_case};
use crate::proof::consistency;
use crate::proof::tlog::TlogProof;
use crate::search::Wanted;
use crate::search::shape::summary;

/// The log that every segment is taken for.
pub const ORIGIN: &str = "acme.example/audit/payments";

/// The number of a segment in one byte, and its object.
pub fn segment(input: &[u8]) -> bool {
    let (Some((number, object)), Some(origin)) = (input.split_first(), Origin::parse(ORIGIN))
    else {
        return false;
    };
    let expected = Expected {
        origin: &origin,
        segment: u64::from(*number),
        format: FORMAT,
    };
    let segment = match check_segment(object, expected) {
        Ok(segment) => segment,
        Err(fault) => {
            assert!(!fault.fault.code().is_empty() && !fault.fault.to_string().is_empty());
            let (expected, found) = fault.fault.sides();
            assert!(expected != found, "{}: {expected}", fault.fault.code());
            return false;
        }
    };
    let lines = segment.size().checked_sub(segment.first_index());
    let key_line = u64::from(segment.key_change().is_some());
    // An open line, perhaps a key line, the entries, a close line.
    let counted = segment
        .events()
        .checked_add(2)
        .and_then(|lines| lines.checked_add(key_line));
    assert_eq!(lines, counted, "a line is counted twice, or not at all");
    assert_eq!(segment.root(), segment.head().range.root());
    assert_eq!(segment.number(), u64::from(*number));
    assert!(segment.sealed_before() <= segment.opened() && segment.opened() <= segment.sealed());
    true
}

/// A line of a segment: a leaf, or the checkpoint, or its note.
pub fn line(input: &[u8]) -> bool {
    let leaf = match parse_line(input) {
        Ok(line) => {
            assert_eq!(format_line(&line), input, "a line has two forms");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    };
    let checkpoint = match parse_checkpoint_line(input) {
        Ok(signed) => {
            assert_eq!(
                format_checkpoint_line(&signed),
                input,
                "a checkpoint has two forms"
            );
            assert_eq!(SignedCheckpoint::parse_note(&signed.note()), Some(signed));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    };
    let text = std::str::from_utf8(input).ok();
    let note = text.and_then(|text| Some((text, SignedCheckpoint::parse_note(text)?)));
    if let Some((text, signed)) = &note {
        assert_eq!(signed.note(), *text, "a note has two forms");
    }
    leaf || checkpoint || note.is_some()
}

/// A trust policy.
pub fn policy(input: &[u8]) -> bool {
    let policy = match TrustPolicy::parse(input) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let again = TrustPolicy::parse(policy.format().as_bytes());
    assert_eq!(again.as_ref(), Ok(&policy), "a policy does not come back");
    for log in &policy.document().logs {
        // The last number that a name has room for, and one beyond it.
        let last = MAX_SEGMENT.saturating_sub(1);
        assert_eq!(log.segment_of_key(&log.segment_key(last)), Some(last));
        assert_eq!(log.segment_of_key(&log.segment_key(MAX_SEGMENT)), None);
        assert!(
            log.verifier_keys
                .iter()
                .all(|key| policy.key(key).is_some())
        );
    }
    true
}

/// A pins file.
pub fn pins(input: &[u8]) -> bool {
    let Ok(pins) = document::parse(input) else {
        return false;
    };
    let text = document::format(&pins).unwrap_or_default();
    let again = document::parse(&text);
    assert_eq!(again.ok().as_ref(), Some(&pins), "pins do not come back");
    true
}

/// An inclusion proof, the document of a consistency proof, or a case.
pub fn proof(input: &[u8]) -> bool {
    if let Some(proof) = TlogProof::parse(input) {
        let again = TlogProof::parse(proof.format().as_bytes());
        assert_eq!(again, Some(proof), "a proof does not come back");
        return true;
    }
    let holds = check_inclusion_case(input).is_ok() || check_consistency_case(input).is_ok();
    holds || consistency::is_readable(input)
}

/// An evidence pack.
pub fn pack(input: &[u8]) -> bool {
    let Ok(files) = evidence::read(input) else {
        return false;
    };
    let again = evidence::write(&files).and_then(|zip| evidence::read(&zip).ok());
    assert_eq!(again, Some(files), "a pack does not come back");
    true
}

/// An event of a stranger: what is shown of it, and whether a value that a person looks for is in it.
pub fn event(input: &[u8]) -> bool {
    let Ok(json) = std::str::from_utf8(input) else {
        return false;
    };
    let wanted = ["/user=ada", "/a/0/~1=1", "=1"].map(str::parse::<Wanted>);
    let found = wanted
        .into_iter()
        .flatten()
        .any(|wanted| wanted.is_in(json));
    let summary = summary(json);
    if let Some(summary) = &summary {
        assert!(!summary.shape.is_empty());
        // What is shown is of the event, or a time that was rendered.
        assert!(
            summary
                .parts
                .iter()
                .all(|(_, value)| value.len() <= json.len().max(64))
        );
    }
    found || summary.is_some()
}

/// A plan of many ranges. What is read is written again as the same bytes, or it is refused.
pub fn plan(input: &[u8]) -> bool {
    Plan::parse(input).is_ok()
}

/// The partial result of a range. Where a merge takes it in place of an honest one, the head is the honest one, or there is none.
pub fn part(input: &[u8]) -> bool {
    // Most of what a fuzzer makes is not in the one form, which takes no merge to find out.
    if !is_part(input) {
        return false;
    }
    let parted = Parted::get();
    let heads = (0..2).filter_map(|range| parted.head_with(range, input).ok());
    for head in heads {
        let is_honest = head.is_none() || head == parted.honest_head();
        assert!(is_honest, "a part moved the head");
    }
    true
}

/// What an earlier run kept, where the pins name it.
pub fn cache(input: &[u8]) -> bool {
    Origin::parse(ORIGIN).is_some_and(|origin| cache::is_cache(input, &origin))
}
