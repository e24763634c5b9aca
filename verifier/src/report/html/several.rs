//! One page for several trust policies: which there are, and then for each what a page of its own would show.

use super::super::markup::Markup;
use super::super::several::{OfPolicy, Several};
use super::verdict::write_verdict;
use super::{PageContext, whole_page};
use crate::verdict::Verdict;

impl Several<'_> {
    /// The reports as one HTML page, with an overview. `program` is the name and the version of the program.
    pub fn to_html(&self, program: &str) -> String {
        let title = format!("{}: {}", self.verdict(), self.heading());
        whole_page(&title, |page| {
            self.write_overview(page, program);
            for (number, one) in (1..).zip(&self.0) {
                page.open("article", &[("id", &anchor(number))]);
                page.fixed("\n");
                write_one(page, one, program);
                page.fixed("</article>\n");
            }
        })
    }

    fn heading(&self) -> String {
        format!("Verification of {} trust policies", self.0.len())
    }

    fn write_overview(&self, page: &mut Markup, program: &str) {
        page.fixed("<header>\n").element("h1", &[], &self.heading());
        page.fixed("\n").open("p", &[("class", "verdict")]);
        write_verdict(page, self.verdict());
        page.text(" ").text(&self.counts()).fixed("</p>\n<dl>\n");
        let exit = self.verdict().exit_code().to_string();
        for (name, value) in [("Verified by", program), ("Exit code", &exit)] {
            page.element("dt", &[], name).element("dd", &[], value);
            page.fixed("\n");
        }
        page.fixed("</dl>\n<table>\n<thead><tr><th>Trust policy</th><th>Verdict</th><th>What was found</th></tr></thead>\n<tbody>\n");
        for (number, one) in (1..).zip(&self.0) {
            write_row(page, number, one);
        }
        page.fixed("</tbody>\n</table>\n</header>\n");
    }

    /// How many policies have which verdict.
    fn counts(&self) -> String {
        let kinds = [Verdict::Verified, Verdict::Fault, Verdict::NoVerdict];
        let count = |kind: &Verdict| {
            let of_kind = self.0.iter().filter(|one| one.verdict() == *kind);
            (of_kind.count(), *kind)
        };
        let counts = kinds.iter().map(count).filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, kind)| format!("{count} {kind}"));
        counts.collect::<Vec<_>>().join(", ")
    }
}

/// Where a policy begins on the page.
fn anchor(number: u64) -> String {
    format!("policy-{number}")
}

fn write_row(page: &mut Markup, number: u64, one: &OfPolicy<'_>) {
    let link = format!("#{}", anchor(number));
    page.fixed("<tr>").open("td", &[("class", "wrap")]);
    page.element("a", &[("href", &link)], &one.file);
    page.fixed("</td><td>");
    write_verdict(page, one.verdict());
    let found = match &one.result {
        Ok((report, _)) => report.tail(),
        Err(why) => why.error.clone(),
    };
    page.fixed("</td>").element("td", &[], &found);
    page.fixed("</tr>\n");
}

fn write_one(page: &mut Markup, one: &OfPolicy<'_>, program: &str) {
    match &one.result {
        Ok((report, policy)) => {
            report.write_sections(page, &one.file, &PageContext { policy, program });
        }
        Err(why) => {
            page.fixed("<header>\n").element("h1", &[], &one.file);
            page.fixed("\n").open("p", &[("class", "verdict")]);
            write_verdict(page, Verdict::NoVerdict);
            page.text(" ").text(&why.error).fixed("</p>\n");
            if let Some(hint) = &why.hint {
                page.fixed("<p>Hint: ").text(hint).fixed("</p>\n");
            }
            page.fixed("</header>\n");
        }
    }
}
