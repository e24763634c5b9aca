//! Reports on several trust policies: one document, and no name becomes markup in it.

use super::page::{HOSTILE, policy, structure, with_name};
use super::{at, full};
use crate::report::{NoReport, OfPolicy, Several};
use crate::verdict::Verdict;

fn no_report(name: &str) -> OfPolicy<'static> {
    let (error, hint) = (name.to_owned(), Some(name.to_owned()));
    let now = at("23T00:00:00");
    OfPolicy {
        file: name.to_owned(),
        result: Err(NoReport { error, hint, now }),
    }
}

#[test]
fn no_name_becomes_markup_or_begins_a_line() {
    let policy = policy(&["payments"]);
    let of = |name: &str| {
        let file = name.to_owned();
        let result = Ok((with_name(name), &policy));
        Several(vec![OfPolicy { file, result }, no_report(name)])
    };
    let (hostile, harmless) = (of(HOSTILE), of("nothing-strange"));
    let program = "auditlog-verify 0.1.0";
    for (bad, good) in [
        (hostile.to_html(program), harmless.to_html(program)),
        (hostile.to_junit(), harmless.to_junit()),
    ] {
        assert_eq!(structure(&bad), structure(&good));
        assert!(bad.contains("&lt;script&gt;"));
    }
    let (bad, good) = (hostile.to_text(), harmless.to_text());
    assert_eq!(bad.lines().count(), good.lines().count(), "{bad}");
    let strange = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{ffff}".contains(c);
    assert!(!bad.contains(strange), "{bad}");
}

#[test]
fn what_a_page_of_its_own_shows_is_on_the_page_of_several() {
    let policy = policy(&["payments", "orders", "users"]);
    let of = |file: &str, result| OfPolicy {
        file: file.to_owned(),
        result: Ok((result, &policy)),
    };
    let all = vec![of("a.json", full()), of("b.json", full())];
    let page = Several(all).to_html("auditlog-verify 0.1.0");
    let alone = super::page::page(&full(), &policy);
    let begin = alone.find("<p class=\"verdict\">").unwrap();
    let end = alone.find("<section>\n<h2>What no verification").unwrap();
    assert_eq!(page.matches(&alone[begin..end]).count(), 2);
    // Once for all of them.
    for part in ["id=\"hatch\"", "<main>", "What no verification can prove"] {
        assert_eq!(page.matches(part).count(), 1, "{part}");
    }
    structure(&page);
}

#[test]
fn the_worst_verdict_counts_and_a_policy_without_a_report_has_none() {
    let policy = policy(&["payments", "orders", "users"]);
    let verified = || {
        let log = super::log("payments", Verdict::Verified);
        let result = super::report(vec![log], crate::record::Record::default(), vec![]);
        OfPolicy {
            file: "good.json".to_owned(),
            result: Ok((result, &policy)),
        }
    };
    let faulty = OfPolicy {
        file: "bad.json".to_owned(),
        result: Ok((full(), &policy)),
    };
    let verdict = |all: &[&OfPolicy<'_>]| {
        let all = all.iter().copied().cloned();
        Several(all.collect()).verdict()
    };
    let (good, none) = (verified(), no_report("nowhere.json"));
    assert_eq!(verdict(&[&good, &good]), Verdict::Verified);
    assert_eq!(verdict(&[&good, &none]), Verdict::NoVerdict);
    assert_eq!(verdict(&[&none, &good]), Verdict::NoVerdict);
    assert_eq!(verdict(&[&none, &faulty, &good]), Verdict::Fault);
}
