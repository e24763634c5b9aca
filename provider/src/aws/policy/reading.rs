//! Whether a policy keeps the readers of one log from the others.

use super::access::{Reading, reads};
use super::found::Enforced;
use super::logs::Logs;
use super::model::{BucketPolicy, LogAccess};

impl BucketPolicy {
    /// Whether a reader of one log may read another one under this policy, where the policy before denied that: as it was declared, or as
    /// it was found.
    pub fn opens_reading(&self, before: Option<&Self>, found: &str) -> bool {
        let found = Enforced::of(found);
        let was_closed = |log: &LogAccess| {
            let declared = before.is_some_and(|before| before.keeps_readers_from_other_logs(log));
            let one_statement = before.is_some_and(Self::has_one_group_of_readers);
            match found.reading_of(&log.prefix) {
                Some(Reading::OfEachLog) => true,
                Some(Reading::OfAllLogs) => declared && one_statement,
                None => declared,
            }
        };
        self.readers_are_shared()
            && self
                .logs
                .iter()
                .any(|log| log.is_closed() && was_closed(log))
    }

    fn keeps_readers_from_other_logs(&self, log: &LogAccess) -> bool {
        let mut same = self.logs.iter().filter(|one| one.prefix == log.prefix);
        same.any(LogAccess::is_closed) && !self.readers_are_shared()
    }

    /// One statement is then the same as one for each log.
    fn has_one_group_of_readers(&self) -> bool {
        reads(self, &Logs::of(self), Reading::OfEachLog).len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::samples::{log, policy, role};

    fn many(number: usize) -> BucketPolicy {
        let one = |at| {
            let name = |who: &str| format!("acme-audit-{who}-payments-{at:02}");
            log(
                &format!("logs/payments-eu-{at:02}"),
                &name("sealer"),
                &name("reader"),
            )
        };
        policy("acme-audit-production", (0..number).map(one).collect())
    }

    #[test]
    fn more_logs_than_have_a_statement_each_open_reading() {
        let (few, more, most) = (many(23), many(24), many(25));
        let [each, shared] = [&few, &more].map(|policy| policy.render().unwrap());
        assert!(more.opens_reading(Some(&few), &each));
        assert!(
            more.opens_reading(None, &each),
            "an import has no declaration"
        );
        assert!(
            more.opens_reading(Some(&few), "{}"),
            "others removed the policy"
        );
        assert!(
            !most.opens_reading(Some(&more), &shared),
            "it was open before"
        );
        assert!(!many(22).opens_reading(Some(&few), &each));
    }

    #[test]
    fn one_statement_opens_reading_only_where_it_was_for_the_same_readers() {
        let mut alike = many(23);
        for log in &mut alike.logs {
            (log.writers, log.readers) = (Some(vec![role("sealer")]), Some(vec![role("auditor")]));
        }
        let found = alike.render().unwrap();
        assert!(many(24).opens_reading(Some(&alike), &found));
        assert!(
            !many(24).opens_reading(Some(&many(23)), &found),
            "it was found open"
        );
        for log in &mut alike.logs {
            log.readers = None;
        }
        let found = alike.render().unwrap();
        assert!(
            !many(24).opens_reading(Some(&alike), &found),
            "nobody was denied"
        );
    }
}
