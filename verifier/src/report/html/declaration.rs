//! What was declared: the part of the trust policy by which the report judges.

use auditlog_chain::policy::{LockSpan, Store, TrustPolicy};

use super::super::Report;
use super::super::markup::Markup;

/// Rows of a table; the policy itself has all of them.
const MAX_ROWS: usize = 100;

pub(super) fn write(page: &mut Markup, policy: &TrustPolicy, report: &Report) {
    let document = policy.document();
    page.fixed("<section>\n<h2>What was declared</h2>\n<p>The trust policy with SHA-256 ");
    page.element("code", &[], &report.policy_digest.to_string());
    page.fixed(". Terraform wrote it from what it applied.</p>\n<dl>\n");
    let store = document.store.as_ref().map(Store::s3);
    let store = store.map_or_else(
        || "a folder".to_owned(),
        |s3| {
            format!(
                "bucket {} in {}, of account {}",
                s3.bucket, s3.region, s3.account
            )
        },
    );
    let prefixes = match document.declared_prefixes.as_slice() {
        [] => "none".to_owned(),
        some => some.join(", "),
    };
    let acknowledged = document.acknowledged.len().to_string();
    for (name, value) in [
        ("Store", &store),
        ("Other prefixes", &prefixes),
        ("Acknowledged findings", &acknowledged),
    ] {
        page.element("dt", &[], name)
            .element("dd", &[], value)
            .fixed("\n");
    }
    page.fixed(
        "</dl>\n<table>\n<thead><tr><th>Log</th><th>Lock</th><th>At most silent for</th></tr></thead>\n<tbody>\n",
    );
    for log in document.logs.iter().take(MAX_ROWS) {
        let silence = log.max_silence.iter().map(|span| {
            let from = span.from.to_rfc3339();
            format!("{} seconds from {from}", span.seconds)
        });
        page.fixed("<tr>");
        page.element("td", &[("class", "wrap")], log.origin.as_str());
        write_cell(page, policy.lock_of(log).iter().map(span_words));
        write_cell(page, silence);
        page.fixed("</tr>\n");
    }
    page.fixed("</tbody>\n</table>\n");
    let more = document.logs.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        page.element("p", &[], &format!("{more} more logs are not listed."))
            .fixed("\n");
    }
    page.fixed("</section>\n");
}

fn write_cell(page: &mut Markup, lines: impl Iterator<Item = String>) {
    page.fixed("<td>");
    for (at, line) in lines.take(MAX_ROWS).enumerate() {
        if at > 0 {
            page.fixed("<br/>");
        }
        page.text(&line);
    }
    page.fixed("</td>");
}

fn span_words(span: &LockSpan) -> String {
    let (mode, days, from) = (span.mode, span.retention_days, span.from.to_rfc3339());
    format!("{mode} for {days} days from {from}")
}
