//! What the page for auditors shows beside the report: the last entries of each log, with who did what, when and how it ended.

use auditlog_chain::policy::TrustPolicy;

use crate::report::Report;
use crate::search::latest;
use crate::source::Source;
use crate::trail::Trail;
use crate::verdict::Verdict;

/// Logs of which entries are read.
const MAX_LOGS: usize = 40;

/// Reads the last entries of each log that verified, for [`Report::to_html`]. The versions are those that were verified. Nothing that is found here
/// changes the report: what cannot be read again is named on the page.
pub fn read_latest(
    report: &mut Report,
    source: &dyn Source,
    policy: &TrustPolicy,
    max_skew_seconds: u32,
) {
    let verified = report
        .logs
        .iter_mut()
        .filter(|log| log.verdict == Verdict::Verified);
    for log in verified.take(MAX_LOGS) {
        let (Some(head), Some(declared)) = (log.head, policy.log(&log.origin)) else {
            continue;
        };
        let ends = std::mem::take(&mut log.ends);
        let trail = Trail::of(source, policy, declared, (max_skew_seconds, ends));
        log.latest = Some(latest(&trail, &head.position));
    }
}
