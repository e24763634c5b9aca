//! The report as one page that an auditor can file: it needs no other file, no network and no script.

mod controls;
mod declaration;
mod drawing;
mod findings;
mod log;
mod scale;
mod several;
mod verdict;

use auditlog_chain::policy::TrustPolicy;

use super::Report;
use super::markup::Markup;
use super::rules::{Outcome, Rules, Scope};
use drawing::HATCH;
use verdict::write_verdict;

/// What the page says beside the report.
#[derive(Clone, Copy, Debug)]
pub struct PageContext<'a> {
    /// The policy that the report is about.
    pub policy: &'a TrustPolicy,
    /// Name and version of the program.
    pub program: &'a str,
}

/// Nothing is loaded and nothing is run, even if some name got past the escaping.
const HEAD: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ",
    "base-uri 'none'; form-action 'none'\"/>\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
    "<meta name=\"referrer\" content=\"no-referrer\"/>\n<style>\n",
    include_str!("style.css"),
    "</style>\n",
);

const NEVER_PROVEN: [&str; 6] = [
    "That every event reached the sealer: what was never sealed leaves no trace.",
    "That somebody who could sign for a short time did not sign segments in advance.",
    "That a log was not rolled back before the first run with pins.",
    "That encrypted data stays readable.",
    "That the clock of the verifying machine is right, if the store sends a false date.",
    "In a folder: anything about versions, locks, and when something was stored.",
];

impl Report {
    /// The report as one HTML page. It has the same size for a log of a million segments as for one of a thousand.
    pub fn to_html(&self, context: &PageContext<'_>) -> String {
        let title = format!("{}: {}", self.verdict(), self.target);
        whole_page(&title, |page| {
            self.write_sections(page, "Verification of audit logs", context);
        })
    }

    fn write_sections(&self, page: &mut Markup, heading: &str, context: &PageContext<'_>) {
        self.write_summary(page, heading, context);
        self.write_rules(page);
        declaration::write(page, context.policy, self);
        log::write_all(page, context.policy, self);
        findings::write(page, self);
        controls::write(page, context.policy, self);
    }

    fn write_summary(&self, page: &mut Markup, heading: &str, context: &PageContext<'_>) {
        page.fixed("<header>\n").element("h1", &[], heading);
        page.fixed("\n");
        page.open("p", &[("class", "verdict")]);
        write_verdict(page, self.verdict());
        page.text(" ").text(&self.tail()).fixed("</p>\n<dl>\n");
        let digest = format!("SHA-256 {}", self.policy_digest);
        let exit = self.verdict().exit_code().to_string();
        let asked = if self.is_asked_for {
            " (asked for)"
        } else {
            ""
        };
        let read = self.not_read_again();
        let read = read.unwrap_or_else(|| "everything that was verified".to_owned());
        for (name, value) in [
            ("Target", self.target.as_str()),
            ("Declaration", &digest),
            (
                "Silence judged at",
                &format!("{}{asked}", self.at.to_rfc3339()),
            ),
            ("Verified at", &self.now.to_rfc3339()),
            ("Verified by", context.program),
            ("Read", &read),
            ("Exit code", &exit),
        ] {
            page.element("dt", &[], name)
                .element("dd", &[], value)
                .fixed("\n");
        }
        page.fixed("</dl>\n");
        if let [_, _, ..] = self.logs() {
            page.fixed("<ul>\n");
            for line in self.log_lines() {
                page.element("li", &[], &line).fixed("\n");
            }
            page.fixed("</ul>\n");
        }
        if !self.not_checked().is_empty() {
            page.fixed("<p>Not checked:</p>\n<ul>\n");
            for what in self.not_checked() {
                page.element("li", &[], &what.to_string()).fixed("\n");
            }
            page.fixed("</ul>\n");
        }
        page.fixed("</header>\n");
    }

    /// By which rules: a row a group, a column a log as long as they are few.
    fn write_rules(&self, page: &mut Markup) {
        page.fixed(
            "<section>\n<h2>What was judged, by which rules</h2>\n<p>The rules have their numbers in \
             <code>docs/guides/verification.md</code>. A row without a finding holds for all logs that were verified.</p>\n\
             <table>\n<thead><tr><th>Rules</th><th>What holds if nothing is found</th><th>Result</th></tr></thead>\n<tbody>\n",
        );
        for group in [
            Rules::Declaration,
            Rules::Accounted,
            Rules::Segments,
            Rules::Neighbours,
            Rules::Keys,
            Rules::Absence,
            Rules::Locks,
            Rules::Time,
            Rules::Pins,
            Rules::Bucket,
            Rules::Clock,
        ] {
            page.fixed("<tr>").element("td", &[], group.numbers());
            page.element("td", &[], group.promise()).fixed("<td>");
            self.write_results(page, group);
            page.fixed("</td></tr>\n");
        }
        page.fixed("</tbody>\n</table>\n</section>\n");
    }

    fn write_results(&self, page: &mut Markup, group: Rules) {
        let outcome = |scope: Scope<'_>| self.outcome(scope, group);
        let of_logs = self.logs().iter().map(|log| outcome(Some(&log.origin)));
        let mut all: Vec<Outcome> = Vec::new();
        if Rules::OF_A_LOG.contains(&group) {
            all.extend(of_logs);
        }
        let of_bucket = outcome(None);
        if Rules::OF_THE_BUCKET.contains(&group) || of_bucket != Outcome::Clean {
            all.push(of_bucket);
        }
        let outcome = worst(&all).unwrap_or(Outcome::NotJudged("no log was verified"));
        let (class, words) = outcome_words(outcome);
        page.element("span", &[("class", class)], &words);
    }

    /// What the last line says after the verdict.
    fn tail(&self) -> String {
        let line = self.last_line();
        let verdict = format!("{}: ", self.verdict());
        line.strip_prefix(&verdict).unwrap_or(&line).to_owned()
    }
}

/// A page with what is written in between.
fn whole_page(title: &str, write: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::default();
    page.fixed(HEAD).element("title", &[], title);
    page.fixed("\n</head>\n<body>\n<main>\n").fixed(HATCH);
    write(&mut page);
    write_never_proven(&mut page);
    page.fixed("</main>\n</body>\n</html>\n");
    page.finish()
}

/// The outcome to show for several logs: the worst, with all that was counted in it.
fn worst(all: &[Outcome]) -> Option<Outcome> {
    let (mut faults, mut undecided, mut acknowledged) = (0_usize, 0_usize, 0_usize);
    for outcome in all {
        match outcome {
            Outcome::Faults(found) => faults = faults.saturating_add(*found),
            Outcome::Undecided(found) => undecided = undecided.saturating_add(*found),
            Outcome::Acknowledged(found) => acknowledged = acknowledged.saturating_add(*found),
            Outcome::Clean | Outcome::NotJudged(_) => {}
        }
    }
    let not_judged = all.iter().find(|one| matches!(one, Outcome::NotJudged(_)));
    match (faults, undecided, not_judged, acknowledged) {
        (0, 0, None, 0) => all.first().copied(),
        (0, 0, None, found) => Some(Outcome::Acknowledged(found)),
        (0, 0, Some(why), _) => Some(*why),
        (0, found, ..) => Some(Outcome::Undecided(found)),
        (found, ..) => Some(Outcome::Faults(found)),
    }
}

fn outcome_words(outcome: Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Clean => ("good", "no finding".to_owned()),
        Outcome::Acknowledged(found) => ("warn", format!("{found} acknowledged")),
        Outcome::Faults(found) => ("bad", format!("faults: {found}")),
        Outcome::Undecided(found) => ("open", format!("undecided: {found}")),
        Outcome::NotJudged(why) => ("muted", format!("not judged: {why}")),
    }
}

fn write_never_proven(page: &mut Markup) {
    page.fixed("<section>\n<h2>What no verification can prove</h2>\n<ul>\n");
    for limit in NEVER_PROVEN {
        page.element("li", &[], limit).fixed("\n");
    }
    page.fixed("</ul>\n</section>\n");
}
