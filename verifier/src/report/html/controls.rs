//! Which controls the checked facts bear on. "Shown" is about the fact in its row, never about the control as a whole.

use auditlog_chain::policy::{LockMode, TrustPolicy};

use super::super::Report;
use super::super::markup::Markup;
use super::super::rules::{Outcome, Rules};
use crate::not_checked::NotChecked;
use crate::verdict::Verdict;

/// The longest that six years can be, and a year.
const SIX_YEARS: u32 = 2192;
const TWELVE_MONTHS: u32 = 366;

/// What a verification can show about a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    /// Every segment is locked for at least so many days.
    Kept { days: u32 },
    /// The same, and nobody can lift the lock.
    KeptForGood { days: u32 },
    /// Nobody can change or remove a segment before its time.
    CannotBeChanged,
    /// A change, a removal or a replacement would have been found.
    ChangesAreFound,
    /// Nothing was silent for longer than declared.
    FailuresAreFound,
    /// The bucket keeps versions.
    Versions,
    /// Object Lock is enabled.
    ObjectLock,
    /// The logs could be read as a whole, now.
    AtHand,
    /// Nothing that a verification looks at; who shows it.
    Elsewhere(&'static str),
}

struct Control {
    name: &'static str,
    asks: &'static str,
    fact: Fact,
}

const fn control(name: &'static str, asks: &'static str, fact: Fact) -> Control {
    Control { name, asks, fact }
}

/// Each has a row with its source in `docs/guides/controls.md`: only clauses whose text was read.
const CONTROLS: [Control; 16] = [
    control(
        "SEC 17 CFR 240.17a-4(a)",
        "six years for the records that it names",
        Fact::Kept { days: SIX_YEARS },
    ),
    control(
        "SEC 17 CFR 240.17a-4(f)(2)(i)(B)",
        "records that can be neither rewritten nor erased, if there is not a complete audit trail of each change",
        Fact::KeptForGood { days: SIX_YEARS },
    ),
    control(
        "FINRA Rule 4511(b)",
        "six years where no other rule sets a period",
        Fact::Kept { days: SIX_YEARS },
    ),
    control(
        "HIPAA 45 CFR 164.316(b)(2)(i)",
        "six years for required documentation",
        Fact::Kept { days: SIX_YEARS },
    ),
    control(
        "PCI DSS 10.3.2",
        "audit logs are protected from modification",
        Fact::CannotBeChanged,
    ),
    control(
        "PCI DSS 10.3.4",
        "changes of audit logs are detected",
        Fact::ChangesAreFound,
    ),
    control(
        "PCI DSS 10.5.1",
        "twelve months of audit log history",
        Fact::Kept {
            days: TWELVE_MONTHS,
        },
    ),
    control(
        "PCI DSS 10.5.1",
        "the newest three months are available at once",
        Fact::AtHand,
    ),
    control(
        "PCI DSS 10.7.2",
        "failures of logging are detected",
        Fact::FailuresAreFound,
    ),
    control(
        "Security Hub S3.14",
        "versioning is enabled",
        Fact::Versions,
    ),
    control(
        "Security Hub S3.15",
        "Object Lock is enabled",
        Fact::ObjectLock,
    ),
    control(
        "Security Hub S3.2, S3.3, S3.8",
        "no public access",
        Fact::Elsewhere("the plan of the Terraform configuration shows the bucket's settings"),
    ),
    control(
        "Security Hub S3.5",
        "requests need TLS",
        Fact::Elsewhere("the plan of the Terraform configuration shows the bucket's policy"),
    ),
    control(
        "Security Hub S3.17",
        "objects are encrypted with a KMS key",
        Fact::Elsewhere("the plan of the Terraform configuration shows the bucket's encryption"),
    ),
    control(
        "Security Hub KMS.3",
        "no key is scheduled for deletion",
        Fact::Elsewhere("the plan of the Terraform configuration shows the signing key"),
    ),
    control(
        "GDPR Article 17",
        "personal data can be erased",
        Fact::Elsewhere("a lock forbids it; keep personal data out of events"),
    ),
];

/// What was found, as far as controls look at it.
#[derive(Clone, Debug)]
struct Shown {
    /// The groups of rules without any finding, in all logs. None of them if the verification is partial or not a success: after a
    /// fault, nobody can say which facts still hold.
    clean: Vec<Rules>,
    /// Whether segments were not read again: nobody knows whether they could be.
    is_cached: bool,
    least_days: u32,
    weakest: LockMode,
}

pub(super) fn write(page: &mut Markup, policy: &TrustPolicy, report: &Report) {
    let shown = Shown::of(policy, report);
    page.fixed(
        "<section>\n<h2>Controls that the facts bear on</h2>\n<p><em>Shown</em> means that this verification showed the fact \
         in the last column, of all logs that were verified. It does not mean that the control as a whole is met, and it is not \
         legal advice. The source of each row is in <code>docs/guides/controls.md</code>.</p>\n",
    );
    if is_merged(report) {
        page.fixed(
            "<p>The segments were looked at in ranges, and the partial results were merged. What is shown here holds as far as \
             whoever can write to the plan or to the partial results left nothing out.</p>\n",
        );
    }
    page.fixed(
        "<table>\n<thead><tr><th>Control</th><th>asks for</th><th></th><th>Fact</th></tr></thead>\n<tbody>\n",
    );
    for Control { name, asks, fact } in &CONTROLS {
        let (class, word) = if shown.shows(*fact) {
            ("good", "shown")
        } else {
            ("muted", "not shown")
        };
        page.fixed("<tr>").element("td", &[("class", "wrap")], name);
        page.element("td", &[], asks);
        page.open("td", &[("class", class)]).text(word).close("td");
        page.element("td", &[], &shown.words(*fact))
            .fixed("</tr>\n");
    }
    page.fixed("</tbody>\n</table>\n</section>\n");
}

/// The rules that find a change, a removal or a replacement.
const OF_THE_CHAIN: [Rules; 5] = [
    Rules::Accounted,
    Rules::Segments,
    Rules::Neighbours,
    Rules::Keys,
    Rules::Absence,
];

/// The rules about locks.
const OF_LOCKS: [Rules; 2] = [Rules::Locks, Rules::Bucket];

impl Shown {
    fn of(policy: &TrustPolicy, report: &Report) -> Self {
        let verified = report.logs().iter();
        let verified = verified.filter_map(|log| policy.log(&log.origin));
        let spans = || verified.clone().flat_map(|log| policy.lock_of(log));
        let groups = Rules::OF_A_LOG.into_iter().chain(Rules::OF_THE_BUCKET);
        let clean = groups.filter(|group| is_whole(report) && is_clean(report, *group));
        Self {
            clean: clean.collect(),
            is_cached: report.cached_segments() > 0,
            least_days: spans().map(|span| span.retention_days).min().unwrap_or(0),
            weakest: spans()
                .map(|span| span.mode)
                .min()
                .unwrap_or(LockMode::Governance),
        }
    }

    fn shows(&self, fact: Fact) -> bool {
        let clean = |groups: &[Rules]| groups.iter().all(|group| self.clean.contains(group));
        let kept = |days: u32| clean(&OF_LOCKS) && self.least_days >= days;
        let for_good = self.weakest == LockMode::Compliance;
        match fact {
            Fact::Kept { days } => kept(days),
            Fact::KeptForGood { days } => kept(days) && for_good,
            Fact::CannotBeChanged => kept(0) && for_good,
            Fact::ChangesAreFound => clean(&OF_THE_CHAIN),
            Fact::AtHand => clean(&OF_THE_CHAIN) && !self.is_cached,
            Fact::FailuresAreFound => clean(&[Rules::Time]),
            Fact::Versions | Fact::ObjectLock => clean(&[Rules::Bucket]),
            Fact::Elsewhere(_) => false,
        }
    }

    fn words(&self, fact: Fact) -> String {
        let Self {
            least_days,
            weakest,
            ..
        } = self;
        match fact {
            Fact::Kept { days } => {
                format!("that each segment is locked for {days} days; {least_days} are declared")
            }
            Fact::KeptForGood { days } => format!(
                "that each segment is locked in mode COMPLIANCE for {days} days; {weakest} for {least_days} is declared"
            ),
            Fact::CannotBeChanged => format!(
                "that each segment has one version, locked in mode COMPLIANCE; {weakest} is declared"
            ),
            Fact::ChangesAreFound => {
                "that hashes, signatures, order and completeness of all segments are right"
                    .to_owned()
            }
            Fact::AtHand => "that all segments that are present could be read".to_owned(),
            Fact::FailuresAreFound => "that no log was silent for longer than declared".to_owned(),
            Fact::Versions => "that the bucket keeps versions".to_owned(),
            Fact::ObjectLock => {
                "that Object Lock of the bucket is enabled, with a default retention".to_owned()
            }
            Fact::Elsewhere(where_shown) => {
                format!("a verification does not look at it: {where_shown}")
            }
        }
    }
}

/// Whether everything that the policy declares was verified, with success.
fn is_whole(report: &Report) -> bool {
    let is_partial = |what: &NotChecked| {
        matches!(
            what,
            NotChecked::Log { .. }
                | NotChecked::Before { .. }
                | NotChecked::Behind { .. }
                | NotChecked::Outside { .. }
        )
    };
    let partial = report.not_checked().iter().any(is_partial);
    report.verdict() == Verdict::Verified && !report.logs().is_empty() && !partial
}

/// Whether partial results say what was found.
fn is_merged(report: &Report) -> bool {
    let all = report.not_checked().iter();
    all.clone()
        .any(|what| matches!(what, NotChecked::Parts { .. }))
}

/// Whether a group of rules was judged without any finding, wherever it is judged.
fn is_clean(report: &Report, group: Rules) -> bool {
    let clean = |scope| report.outcome(scope, group) == Outcome::Clean;
    let mut of_logs = report.logs().iter().map(|log| clean(Some(&log.origin)));
    let in_logs = !Rules::OF_A_LOG.contains(&group) || of_logs.all(|one| one);
    let in_bucket = !Rules::OF_THE_BUCKET.contains(&group) || clean(None);
    in_logs && in_bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Shown {
        Shown {
            clean: [Rules::OF_A_LOG.as_slice(), &Rules::OF_THE_BUCKET].concat(),
            is_cached: false,
            least_days: 2192,
            weakest: LockMode::Compliance,
        }
    }

    fn count(shown: &Shown) -> usize {
        CONTROLS.iter().filter(|one| shown.shows(one.fact)).count()
    }

    #[test]
    fn each_fact_is_shown_only_if_it_was_checked() {
        assert_eq!(count(&all()), 11);
        for (group, facts) in [
            (Rules::Accounted, 9),
            (Rules::Segments, 9),
            (Rules::Neighbours, 9),
            (Rules::Keys, 9),
            (Rules::Absence, 9),
            (Rules::Locks, 5),
            (Rules::Bucket, 3),
            (Rules::Time, 10),
            (Rules::Pins, 11),
        ] {
            let mut shown = all();
            shown.clean.retain(|clean| *clean != group);
            assert_eq!(count(&shown), facts, "{group:?}");
        }
        // What was not read again may not be at hand.
        let cached = Shown {
            is_cached: true,
            ..all()
        };
        assert_eq!(count(&cached), 10);
        for (least_days, weakest, facts) in [
            (2191, LockMode::Compliance, 7),
            (365, LockMode::Compliance, 6),
            (2192, LockMode::Governance, 9),
        ] {
            let shown = Shown {
                least_days,
                weakest,
                ..all()
            };
            assert_eq!(count(&shown), facts, "{shown:?}");
        }
    }
}
