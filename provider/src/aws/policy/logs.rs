//! The logs of a bucket, by what statements need of them.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{BucketPolicy, Delivery, LogAccess};
use super::resources::{bucket_arn, cover};
use super::statement::Place;

/// The logs of a policy.
pub(super) struct Logs<'a> {
    policy: &'a BucketPolicy,
    bucket: String,
    prefixes: BTreeSet<&'a str>,
    /// What is declared beside the logs.
    others: Vec<String>,
}

impl<'a> Logs<'a> {
    pub(super) fn of(policy: &'a BucketPolicy) -> Self {
        let delivered = policy.deliveries.iter().map(Delivery::declared_prefix);
        let declared = policy.declared_prefixes.iter().cloned();
        Self {
            policy,
            bucket: bucket_arn(&policy.partition, &policy.bucket),
            prefixes: policy.logs.iter().map(|log| log.prefix.as_str()).collect(),
            others: declared.chain(delivered).collect(),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Where the logs are.
    pub(super) fn everywhere(&self) -> Place {
        self.place(&self.prefixes)
    }

    /// Where the logs are that have the same of something, for each of it.
    pub(super) fn places<K: Ord>(&self, key: impl Fn(&'a LogAccess) -> K) -> Vec<(K, Place)> {
        let groups = self.groups(|log| Some(key(log))).into_iter();
        groups
            .map(|(key, prefixes)| (key, self.place(&prefixes)))
            .collect()
    }

    /// The objects of the logs that have the same of something, for each of it: the logs or their folder.
    pub(super) fn objects_by<K: Ord>(
        &self,
        key: impl Fn(&'a LogAccess) -> Option<K>,
    ) -> Vec<(K, Vec<String>)> {
        let groups = self.groups(key).into_iter();
        groups
            .map(|(key, prefixes)| (key, self.under(&prefixes)))
            .collect()
    }

    /// The same for what is allowed: the logs themselves, and nothing beside them in a folder.
    pub(super) fn exactly_by<K: Ord>(
        &self,
        key: impl Fn(&'a LogAccess) -> Option<K>,
    ) -> Vec<(K, Vec<String>)> {
        let objects = |prefix: &str| format!("{}/{prefix}/*", self.bucket);
        let groups = self.groups(key).into_iter();
        groups
            .map(|(key, prefixes)| (key, prefixes.into_iter().map(objects).collect()))
            .collect()
    }

    fn groups<K: Ord>(
        &self,
        key: impl Fn(&'a LogAccess) -> Option<K>,
    ) -> BTreeMap<K, BTreeSet<&'a str>> {
        let mut groups: BTreeMap<K, BTreeSet<&str>> = BTreeMap::new();
        for log in &self.policy.logs {
            if let Some(key) = key(log) {
                groups.entry(key).or_default().insert(&log.prefix);
            }
        }
        groups
    }

    fn under(&self, prefixes: &BTreeSet<&str>) -> Vec<String> {
        cover(&self.bucket, prefixes, &self.prefixes, &self.others)
    }

    /// Where these logs are, as the shorter of two lists: they themselves, or everything else that is declared. The second also
    /// holds for keys that were never declared, where nothing may be.
    fn place(&self, prefixes: &BTreeSet<&str>) -> Place {
        let named = self.under(prefixes);
        let rest: BTreeSet<&str> = self.prefixes.difference(prefixes).copied().collect();
        let others = self
            .others
            .iter()
            .map(|other| format!("{}/{other}*", self.bucket));
        let outside: Vec<_> = self.under(&rest).into_iter().chain(others).collect();
        if named.len() <= outside.len().max(1) || self.overlaps() {
            Place::In(named)
        } else if outside.is_empty() {
            Place::In(vec![format!("{}/*", self.bucket)])
        } else {
            Place::Outside(outside)
        }
    }

    /// Whether a log is inside of something else, or the reverse: then only its own name says where it is.
    fn overlaps(&self) -> bool {
        let overlap = |prefix: &&str| {
            let log = format!("{prefix}/");
            let mut others = self.others.iter();
            others.any(|other| log.starts_with(other.as_str()) || other.starts_with(&log))
        };
        self.prefixes.iter().any(overlap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::samples::policy_of;

    fn place(prefixes: &[&str], declared: &[&str]) -> Place {
        let mut policy = policy_of(prefixes);
        policy.declared_prefixes = declared.iter().map(ToString::to_string).collect();
        Logs::of(&policy).everywhere()
    }

    fn arns(keys: &[&str]) -> Vec<String> {
        keys.iter()
            .map(|key| format!("arn:aws:s3:::trail/{key}"))
            .collect()
    }

    #[test]
    fn few_places_are_named_and_many_are_what_nothing_else_has() {
        assert_eq!(place(&["a/x"], &["c/", "d/"]), Place::In(arns(&["a/x/*"])));
        assert_eq!(
            place(&["a/x", "b/x"], &["c/", "d/"]),
            Place::In(arns(&["a/x/*", "b/x/*"]))
        );
        assert_eq!(
            place(&["a/x", "b/x", "e/x"], &["c/", "d/"]),
            Place::Outside(arns(&["c/*", "d/*"]))
        );
        assert_eq!(place(&["a/x", "b/x"], &[]), Place::In(arns(&["*"])));
    }

    #[test]
    fn log_inside_of_something_declared_is_named() {
        assert_eq!(
            place(&["a/x", "b/x"], &["a/"]),
            Place::In(arns(&["a/x/*", "b/x/*"]))
        );
        assert_eq!(
            place(&["a/x", "b/x"], &["a/x/y/"]),
            Place::In(arns(&["a/x/*", "b/x/*"]))
        );
    }

    #[test]
    fn group_of_logs_is_all_but_the_others() {
        let mut policy = policy_of(&["a/x", "b/x", "c/x", "d/x"]);
        policy.declared_prefixes.clear();
        policy.logs[0].lock.max_days = 400;
        let logs = Logs::of(&policy);
        assert_eq!(
            logs.places(|log| log.lock.max_days),
            [
                (33, Place::Outside(arns(&["a/x/*"]))),
                (400, Place::In(arns(&["a/x/*"])))
            ]
        );
    }
}
