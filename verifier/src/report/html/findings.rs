//! The findings, each with its place, both sides and what it means.

use super::super::Report;
use super::super::markup::Markup;
use super::super::stanza::{stanza, to_ascii_json};
use super::super::text::place_text;
use crate::fault::Fault;
use crate::place::Place;

/// Findings of a kind that the page shows; the rest is counted. The JSON has more of them.
const MAX_SHOWN: usize = 300;

pub(super) fn write(page: &mut Markup, report: &Report) {
    page.fixed("<section>\n<h2>Findings</h2>\n");
    write_kind(
        page,
        "Faults",
        report.faults(),
        report.fault_count(),
        |page, one| {
            let code = one.what.code();
            begin(page, "finding bad", code, &one.what.to_string());
            write_place(page, &one.place);
            write_sides(page, &one.what);
            if let Some(entry) = stanza(one, report.at) {
                page.fixed("<p>If this is explained, add it to <code>acknowledged</code> of the policy:</p>");
                page.element("pre", &[], &to_ascii_json(&entry));
            }
            page.fixed("</div>\n");
        },
    );
    let acknowledged = &report.record.acknowledged;
    let (listed, count) = (acknowledged.listed(), acknowledged.count());
    write_kind(page, "Acknowledged faults", listed, count, |page, one| {
        let fault = &one.what.fault;
        begin(page, "finding warn", fault.code(), &fault.to_string());
        write_place(page, &one.place);
        write_sides(page, fault);
        let reason = format!("Reason, of {}: {}", one.what.date, one.what.reason);
        page.element("p", &[], &reason).fixed("</div>\n");
    });
    let undecided = report.undecided();
    let count = report.undecided_count();
    write_kind(page, "Undecided", undecided, count, |page, one| {
        begin(page, "finding open", one.what.code(), &one.what.to_string());
        write_place(page, &one.place);
        if let Some(hint) = one.what.hint() {
            page.open("p", &[]).fixed("Hint: ").text(hint).close("p");
        }
        page.fixed("</div>\n");
    });
    let notes = &report.record.notes;
    let (listed, count) = (notes.listed(), notes.count());
    write_kind(page, "Notes", listed, count, |page, one| {
        begin(page, "finding note", one.what.code(), &one.what.to_string());
        write_place(page, &one.place);
        page.fixed("</div>\n");
    });
    page.fixed("</section>\n");
}

fn write_kind<T>(
    page: &mut Markup,
    title: &'static str,
    listed: &[T],
    count: u64,
    mut write: impl FnMut(&mut Markup, &T),
) {
    page.element("h3", &[], &format!("{title}: {count}"))
        .fixed("\n");
    for one in listed.iter().take(MAX_SHOWN) {
        write(page, one);
    }
    let shown = u64::try_from(listed.len().min(MAX_SHOWN)).unwrap_or(u64::MAX);
    let more = count.saturating_sub(shown);
    if more > 0 {
        let more = format!(
            "{more} more are not shown here; the JSON report lists up to 10,000 of each log."
        );
        page.element("p", &[], &more).fixed("\n");
    }
}

fn begin(page: &mut Markup, class: &'static str, code: &'static str, message: &str) {
    page.open("div", &[("class", class)]).fixed("<h4>");
    // Not a link: whoever files the page has no other file beside it.
    page.element("code", &[], code);
    page.fixed(": ").text(message).fixed("</h4>");
}

fn write_place(page: &mut Markup, place: &Place) {
    if let Some(place) = place_text(place) {
        page.open("p", &[("class", "mono")]).text(&place).close("p");
    }
}

fn write_sides(page: &mut Markup, fault: &Fault) {
    let (expected, found) = fault.sides();
    page.fixed("<dl>");
    for (name, value) in [("expected", &expected), ("found", &found)] {
        page.element("dt", &[], name).element("dd", &[], value);
    }
    page.fixed("</dl>");
}
