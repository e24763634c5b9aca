//! The section of each log: what was seen of it, the drawing, its keys and its gaps.

use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

use super::super::markup::Markup;
use super::super::words::shadowed;
use super::super::{LogReport, Report};
use super::drawing::{Drawing, LEGEND};
use super::verdict::write_verdict;
use crate::keys::key_id;
use crate::latest::{Latest, LatestEntry, LatestEvent};
use crate::verdict::Verdict;

/// Logs of a kind, verified or not, that have a section; the others are in the lines at the top.
const MAX_LOGS: usize = 40;

/// Keys and gaps of a log that are listed.
const MAX_ROWS: usize = 50;

pub(super) fn write_all(page: &mut Markup, policy: &TrustPolicy, report: &Report) {
    page.fixed("<section>\n<h2>The logs</h2>\n").fixed(LEGEND);
    let is_good = |log: &&LogReport| log.verdict == Verdict::Verified;
    let (good, bad): (Vec<_>, Vec<_>) = report.logs().iter().partition(is_good);
    let shown = bad.iter().take(MAX_LOGS);
    for log in shown.chain(good.iter().take(MAX_LOGS)) {
        if let Some(declared) = policy.log(&log.origin) {
            write_log(page, policy, report, log, declared);
        }
    }
    let over = |logs: &[&LogReport]| logs.len().saturating_sub(MAX_LOGS);
    let more = over(&good).saturating_add(over(&bad));
    if more > 0 {
        page.open("p", &[])
            .text(&format!("{more} more logs are not drawn."));
        page.close("p").fixed("\n");
    }
    page.fixed("</section>\n");
}

fn write_log(
    page: &mut Markup,
    policy: &TrustPolicy,
    report: &Report,
    log: &LogReport,
    declared: &LogPolicy,
) {
    page.fixed("<h3>");
    write_verdict(page, log.verdict);
    page.text(" ")
        .text(log.origin.as_str())
        .fixed("</h3>\n<dl>\n");
    for (name, value) in facts(log, declared) {
        page.element("dt", &[], name).element("dd", &[], &value);
        page.fixed("\n");
    }
    page.fixed("</dl>\n");
    Drawing::new(report, log, declared, policy).write(page);
    write_keys(page, policy, log, declared);
    write_holes(page, log);
    if let Some(latest) = &log.latest {
        write_latest(page, latest);
    }
}

fn facts(log: &LogReport, declared: &LogPolicy) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Stored under", format!("{}/", log.prefix)),
        ("Began", declared.began.to_rfc3339()),
    ];
    if let Some(ended) = &declared.ended {
        let (segment, sealed) = (ended.segment, ended.sealed.to_rfc3339());
        facts.push(("Ended", format!("with segment {segment}, sealed {sealed}")));
    }
    let (segments, entries) = (log.segments, log.entries);
    match (log.first_segment, log.opened, log.head) {
        (Some(first), Some(opened), Some(head)) => {
            let at = head.position;
            let last = at.segment;
            facts.push((
                "Sound segments",
                format!("{segments}, from {first} to {last}"),
            ));
            facts.push(("Entries", entries.to_string()));
            let (opened, sealed) = (opened.to_rfc3339(), head.sealed.to_rfc3339());
            facts.push(("Time", format!("{opened} to {sealed}")));
            let root = at.root.to_base64();
            facts.push(("Head", format!("size {}, root {root}", at.size)));
        }
        _ => facts.push(("Sound segments", "none".to_owned())),
    }
    if log.shadowed > 0 {
        facts.push(("Shadowed", shadowed(log.shadowed)));
    }
    facts
}

fn write_keys(page: &mut Markup, policy: &TrustPolicy, log: &LogReport, declared: &LogPolicy) {
    page.fixed(
        "<table>\n<thead><tr><th>Key</th><th>Kind</th><th>May sign from</th><th>to</th><th>Lost or compromised</th>\
         <th>Signed segments</th></tr></thead>\n<tbody>\n",
    );
    let day = |time: Option<Timestamp>| time.map_or(String::new(), Timestamp::to_rfc3339);
    for key in declared.verifier_keys.iter().take(MAX_ROWS) {
        let id = key_id(key);
        let said = policy.key(key);
        let signed = log.timeline.keys().find(|(signer, _)| *signer == id);
        let signed = signed.map(|(_, signed)| {
            format!(
                "{} from {} to {}",
                signed.segments, signed.first, signed.last
            )
        });
        let lost = said.and_then(|said| said.lost_at);
        let compromised = said.and_then(|said| Some(said.compromised.as_ref()?.at));
        let cells = [
            id.clone(),
            said.map_or(String::new(), |said| said.spec.as_str().to_owned()),
            day(said.map(|said| said.valid_from)),
            day(said.and_then(|said| said.retired_at)),
            day(compromised.or(lost)),
            signed.unwrap_or_else(|| "none".to_owned()),
        ];
        page.fixed("<tr>");
        for cell in &cells {
            page.element("td", &[], cell);
        }
        page.fixed("</tr>\n");
    }
    page.fixed("</tbody>\n</table>\n");
}

fn write_holes(page: &mut Markup, log: &LogReport) {
    if log.holes.count() == 0 {
        return;
    }
    page.fixed("<p>Segments that are absent, and not missing:</p>\n<ul>\n");
    for hole in log.holes.listed().iter().take(MAX_ROWS) {
        page.element("li", &[], &hole.to_string()).fixed("\n");
    }
    let listed = u64::try_from(MAX_ROWS).unwrap_or(u64::MAX);
    let more = log.holes.count().saturating_sub(listed);
    if more > 0 {
        page.element("li", &[], &format!("{more} more")).fixed("\n");
    }
    page.fixed("</ul>\n");
}

/// What happened last, as the events say it. Only verified logs have it.
fn write_latest(page: &mut Markup, latest: &Latest) {
    page.fixed(
        "<p>Last events, the newest first. They are in the log as they are here; whether they are true, nobody checked. An event \
         of a shape that is not known is shown as it is, with the time of the writer.</p>\n",
    );
    if !latest.entries.is_empty() {
        page.fixed(
            "<table>\n<thead><tr><th>Entry</th><th>Time</th><th>Actor</th><th>Action</th><th>Resource</th><th>Outcome</th>\
             <th>Sent by</th></tr></thead>\n<tbody>\n",
        );
        for entry in &latest.entries {
            write_entry(page, entry);
        }
        page.fixed("</tbody>\n</table>\n");
    }
    match &latest.unread {
        Some(why) => page.open("p", &[]).fixed("Not read again: ").text(why),
        None if latest.entries.is_empty() => page.fixed("<p>No events in the last segments."),
        None => return,
    };
    page.fixed("</p>\n");
}

fn write_entry(page: &mut Markup, entry: &LatestEntry) {
    let written = entry.written.to_rfc3339();
    page.fixed("<tr>");
    page.element("td", &[], &entry.index.to_string());
    page.element("td", &[], entry.event.part("time").unwrap_or(&written));
    match &entry.event {
        LatestEvent::Known { .. } => {
            for label in ["actor", "action", "resource", "outcome"] {
                page.element("td", &[], entry.event.part(label).unwrap_or_default());
            }
        }
        LatestEvent::Other(text) => {
            page.element("td", &[("colspan", "4")], text);
        }
    }
    page.element("td", &[], entry.source.as_deref().unwrap_or_default());
    page.fixed("</tr>\n");
}
