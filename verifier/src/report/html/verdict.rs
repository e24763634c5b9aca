//! A verdict, as the page shows it.

use super::super::markup::Markup;
use crate::verdict::Verdict;

pub(super) fn write_verdict(page: &mut Markup, verdict: Verdict) {
    let class = match verdict {
        Verdict::Verified => "badge good",
        Verdict::Fault => "badge bad",
        Verdict::NoVerdict => "badge open",
    };
    page.element("strong", &[("class", class)], &verdict.to_string());
}
