//! Lifecycle rules of a bucket: ours, as they are wanted, and all rules as they were found.
//!
//! S3 keeps all rules of a bucket in one configuration, and a put replaces it. Our rules have ids that begin with
//! `auditlog-`. A rule of somebody else can hide or delete what the lock has released, so it is drift.

use std::collections::BTreeSet;
use std::fmt;

use auditlog_chain::policy::TrustPolicy;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, Transition as SdkTransition, TransitionDefaultMinimumObjectSize,
    TransitionStorageClass,
};

/// Days after which an upload that was never completed is removed.
pub const ABORT_DAYS: u32 = 7;
/// Days after which a version that is no longer the current one expires, where there is an expiration. Object Lock keeps it
/// for as long as its lock lasts.
const NONCURRENT_DAYS: u32 = 1;

const UPLOADS: &str = "auditlog-uploads";
const STORAGE: &str = "auditlog-storage";
/// S3 accepts ids of at most 255 characters.
const MAX_ID_CHARS: usize = 255;
const MARKERS: &str = "auditlog-markers";
/// Not a rule, but a setting beside all rules.
const SMALL: &str = "(objects below 128 KB)";

/// Moves objects to another storage class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// Days after the object was stored.
    pub days: u32,
    /// The class, as S3 names it: `GLACIER_IR`.
    pub storage_class: String,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {}", self.storage_class, days(self.days))
    }
}

/// Where objects go with time, and when they are deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storage {
    /// Changes of storage class, by days.
    pub transitions: Vec<Transition>,
    /// Days after which objects are deleted; never without it.
    pub expiration_days: Option<u32>,
    /// Which objects this is for.
    pub reach: Reach,
}

/// The objects that a storage is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// All objects of the bucket.
    #[default]
    Everything,
    /// Those whose keys begin with one of these, each ending in `/`. A rule cannot leave a prefix out, so that each of these has a
    /// rule of its own.
    Prefixes(BTreeSet<String>),
}

impl Storage {
    /// The rules of a bucket with this storage.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        if self.expiration_days.is_some() {
            rules.push(Rule {
                removes_markers: true,
                ..Rule::named(MARKERS)
            });
        }
        if !self.transitions.is_empty() || self.expiration_days.is_some() {
            match &self.reach {
                Reach::Everything => rules.push(self.rule("")),
                Reach::Prefixes(prefixes) => {
                    rules.extend(prefixes.iter().map(|prefix| self.rule(prefix)));
                }
            }
        }
        rules.push(Rule {
            abort_days: Some(ABORT_DAYS),
            ..Rule::named(UPLOADS)
        });
        rules.sort();
        rules
    }

    /// The rule for the objects below a prefix; for all, where it is empty.
    ///
    /// Once an object has expired, its version is not current, and goes as soon as its lock allows. S3 refuses a rule that would move
    /// it to another class later than that.
    fn rule(&self, prefix: &str) -> Rule {
        let mut transitions = self.transitions.clone();
        transitions.sort();
        Rule {
            noncurrent_transitions: noncurrent_moves(&transitions, self.expiration_days).to_vec(),
            transitions,
            expiration_days: self.expiration_days,
            noncurrent_days: self.expiration_days.map(|_| NONCURRENT_DAYS),
            scope: scope_of(prefix),
            ..Rule::named(&storage_id(prefix))
        }
    }

    /// Whether it does the same with the objects that it is for.
    pub fn moves_as(&self, other: &Self) -> bool {
        self.transitions == other.transitions && self.expiration_days == other.expiration_days
    }

    /// The storage that these rules of a bucket make, as far as they are ours.
    pub fn of_rules(rules: &[Rule]) -> Self {
        let ours = || rules.iter().filter(|rule| rule.is_of_storage());
        let Some(first) = ours().next() else {
            return Self::default();
        };
        let prefixes: BTreeSet<String> = ours().map(|rule| rule.prefix().to_owned()).collect();
        Self {
            transitions: first.transitions.clone(),
            expiration_days: first.expiration_days,
            reach: if prefixes.contains("") {
                Reach::Everything
            } else {
                Reach::Prefixes(prefixes)
            },
        }
    }
}

/// Where versions that are not current go, for where current ones go.
fn noncurrent_moves(transitions: &[Transition], expiration_days: Option<u32>) -> &[Transition] {
    match expiration_days {
        Some(_) => &[],
        None => transitions,
    }
}

fn scope_of(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        prefix => format!("{PREFIX}{prefix}"),
    }
}

/// How a scope that is a prefix begins.
const PREFIX: &str = "prefix ";

/// The id of the rule for a prefix; one that is too long for an id gives its digest.
fn storage_id(prefix: &str) -> String {
    let id = match prefix {
        "" => STORAGE.to_owned(),
        prefix => format!("{STORAGE}:{prefix}"),
    };
    if id.len() <= MAX_ID_CHARS {
        return id;
    }
    let digest = TrustPolicy::digest(prefix.as_bytes()).to_hex();
    format!("{STORAGE}:{digest}")
}

/// One lifecycle rule, in a form in which two rules of the same meaning are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Its id.
    pub id: String,
    disabled: bool,
    /// Which objects it is for; empty for all.
    scope: String,
    transitions: Vec<Transition>,
    noncurrent_transitions: Vec<Transition>,
    expiration_days: Option<u32>,
    noncurrent_days: Option<u32>,
    removes_markers: bool,
    abort_days: Option<u32>,
    /// What a rule of ours never says.
    other: Vec<String>,
}

impl Rule {
    pub(super) fn named(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }

    /// Whether it is a rule for the storage of ours, by its id.
    fn is_of_storage(&self) -> bool {
        let rest = self.id.strip_prefix(STORAGE);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// The prefix that it is for; empty for all, as rules of ours are for one or the other.
    fn prefix(&self) -> &str {
        self.scope.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// The size below which S3 moves no object, where others have changed it: it is part of the same configuration, and put with it.
    pub(super) fn of_minimum(found: &TransitionDefaultMinimumObjectSize) -> Option<Self> {
        let other = *found != TransitionDefaultMinimumObjectSize::AllStorageClasses128K;
        other.then(|| Self {
            other: vec![format!("are moved as well ({})", found.as_str())],
            ..Self::named(SMALL)
        })
    }

    /// Reads a rule that S3 returned.
    pub(super) fn parse(rule: &LifecycleRule) -> Self {
        let mut other = Vec::new();
        let expiration = rule.expiration.as_ref();
        if let Some(date) = expiration.and_then(|expiration| expiration.date) {
            other.push(format!("expires on {}", day(date)));
        }
        let noncurrent = rule.noncurrent_version_expiration.as_ref();
        if let Some(kept) = noncurrent.and_then(|expiration| expiration.newer_noncurrent_versions) {
            other.push(format!("keeps {kept} noncurrent versions"));
        }
        let upload = rule.abort_incomplete_multipart_upload.as_ref();
        Self {
            id: rule.id.clone().unwrap_or_default(),
            disabled: rule.status != ExpirationStatus::Enabled,
            scope: scope(rule),
            transitions: transitions(rule, &mut other),
            noncurrent_transitions: noncurrent_transitions(rule),
            expiration_days: expiration
                .and_then(|expiration| expiration.days)
                .and_then(positive),
            noncurrent_days: noncurrent
                .and_then(|expiration| expiration.noncurrent_days)
                .and_then(positive),
            removes_markers: expiration
                .and_then(|expiration| expiration.expired_object_delete_marker)
                .unwrap_or(false),
            abort_days: upload
                .and_then(|upload| upload.days_after_initiation)
                .and_then(positive),
            other,
        }
    }

    /// The rule in the form that S3 accepts. Only rules of [`Storage::rules`] are put.
    pub(super) fn to_sdk(&self) -> Result<LifecycleRule, BuildError> {
        let expiration = (self.expiration_days.is_some() || self.removes_markers).then(|| {
            LifecycleExpiration::builder()
                .set_days(self.expiration_days.and_then(number))
                .set_expired_object_delete_marker(self.removes_markers.then_some(true))
                .build()
        });
        let noncurrent = self.noncurrent_days.map(|days| {
            NoncurrentVersionExpiration::builder()
                .set_noncurrent_days(number(days))
                .build()
        });
        let abort = self.abort_days.map(|days| {
            AbortIncompleteMultipartUpload::builder()
                .set_days_after_initiation(number(days))
                .build()
        });
        let moved = self.transitions.iter().map(sdk_transition).collect();
        let noncurrent_moved = self.noncurrent_transitions.iter();
        let noncurrent_moved = noncurrent_moved.map(sdk_noncurrent_transition).collect();
        LifecycleRule::builder()
            .id(&self.id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(self.prefix()).build())
            .set_transitions(non_empty(moved))
            .set_noncurrent_version_transitions(non_empty(noncurrent_moved))
            .set_expiration(expiration)
            .set_noncurrent_version_expiration(noncurrent)
            .set_abort_incomplete_multipart_upload(abort)
            .build()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said: Vec<String> = self.transitions.iter().map(ToString::to_string).collect();
        said.extend(
            self.expiration_days
                .map(|n| format!("expires after {}", days(n))),
        );
        let usual = noncurrent_moves(&self.transitions, self.expiration_days);
        if self.noncurrent_transitions != usual {
            let moved = self.noncurrent_transitions.iter();
            said.extend(moved.map(|moved| format!("noncurrent versions {moved}")));
            if self.noncurrent_transitions.is_empty() {
                said.push("noncurrent versions are not moved".to_owned());
            }
        }
        said.extend(
            self.noncurrent_days
                .map(|n| format!("noncurrent versions expire after {}", days(n))),
        );
        if self.removes_markers {
            said.push("removes expired delete markers".to_owned());
        }
        said.extend(
            self.abort_days
                .map(|n| format!("aborts incomplete uploads after {}", days(n))),
        );
        said.extend(self.other.iter().cloned());
        let id = if self.id.is_empty() {
            "(no id)"
        } else {
            &self.id
        };
        f.write_str(id)?;
        if !self.scope.is_empty() {
            write!(f, " for {}", self.scope)?;
        }
        write!(f, ": {}", said.join(", "))?;
        f.write_str(if self.disabled { " (disabled)" } else { "" })
    }
}

fn days(number: u32) -> String {
    match number {
        1 => "1 day".to_owned(),
        _ => format!("{number} days"),
    }
}

/// A date without its time, which is always midnight here.
fn day(date: aws_sdk_s3::primitives::DateTime) -> String {
    let text = super::answer::format_seconds(date).unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn positive(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

fn number(days: u32) -> Option<i32> {
    i32::try_from(days).ok()
}

fn non_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn sdk_transition(wanted: &Transition) -> SdkTransition {
    SdkTransition::builder()
        .set_days(number(wanted.days))
        .storage_class(TransitionStorageClass::from(wanted.storage_class.as_str()))
        .build()
}

fn sdk_noncurrent_transition(wanted: &Transition) -> NoncurrentVersionTransition {
    NoncurrentVersionTransition::builder()
        .set_noncurrent_days(number(wanted.days))
        .storage_class(TransitionStorageClass::from(wanted.storage_class.as_str()))
        .build()
}

fn transitions(rule: &LifecycleRule, other: &mut Vec<String>) -> Vec<Transition> {
    let mut found = Vec::new();
    for moved in rule.transitions() {
        let class = moved
            .storage_class
            .as_ref()
            .map_or("", |class| class.as_str());
        match (moved.days, moved.date) {
            (_, Some(date)) => other.push(format!("{class} on {}", day(date))),
            (days, None) => found.push(Transition {
                days: days.and_then(positive).unwrap_or(0),
                storage_class: class.to_owned(),
            }),
        }
    }
    found.sort();
    found
}

fn noncurrent_transitions(rule: &LifecycleRule) -> Vec<Transition> {
    let moved = rule.noncurrent_version_transitions().iter();
    let mut found: Vec<Transition> = moved
        .map(|moved| Transition {
            days: moved.noncurrent_days.and_then(positive).unwrap_or(0),
            storage_class: moved
                .storage_class
                .as_ref()
                .map_or_else(String::new, |class| class.as_str().to_owned()),
        })
        .collect();
    found.sort();
    found
}

/// Which objects a rule is for: `prefix x/`, `tag a=b`, `size > 5`. An empty prefix is all objects, however it is written.
fn scope(rule: &LifecycleRule) -> String {
    let mut parts = Vec::new();
    let mut prefix = |text: Option<&str>| {
        let text = text.filter(|text| !text.is_empty());
        parts.extend(text.map(|text| format!("{PREFIX}{text}")));
    };
    #[expect(deprecated, reason = "rules of another hand may still have it")]
    prefix(rule.prefix.as_deref());
    let filter = rule.filter.as_ref();
    let all = filter.and_then(|filter| filter.and.as_ref());
    prefix(filter.and_then(|filter| filter.prefix.as_deref()));
    prefix(all.and_then(|all| all.prefix.as_deref()));
    let one = filter.and_then(|filter| filter.tag.as_ref());
    let tags = one
        .into_iter()
        .chain(all.into_iter().flat_map(LifecycleRuleAndOperator::tags));
    parts.extend(tags.map(|tag| format!("tag {}={}", tag.key, tag.value)));
    let size = |one: Option<i64>, all: Option<i64>| one.or(all).filter(|size| *size > 0);
    let more = size(
        filter.and_then(|filter| filter.object_size_greater_than),
        all.and_then(|all| all.object_size_greater_than),
    );
    let less = size(
        filter.and_then(|filter| filter.object_size_less_than),
        all.and_then(|all| all.object_size_less_than),
    );
    parts.extend(more.map(|size| format!("size > {size}")));
    parts.extend(less.map(|size| format!("size < {size}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> Storage {
        Storage {
            transitions: vec![Transition {
                days: 90,
                storage_class: "GLACIER_IR".to_owned(),
            }],
            expiration_days: Some(2194),
            reach: Reach::Everything,
        }
    }

    /// The same for the objects below these prefixes.
    fn below(prefixes: &[&str]) -> Storage {
        Storage {
            reach: Reach::Prefixes(prefixes.iter().map(ToString::to_string).collect()),
            ..storage()
        }
    }

    fn texts(rules: &[Rule]) -> Vec<String> {
        rules.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn uploads_that_were_never_completed_are_always_removed() {
        assert_eq!(
            texts(&Storage::default().rules()),
            ["auditlog-uploads: aborts incomplete uploads after 7 days"]
        );
    }

    #[test]
    fn expiration_has_a_rule_for_noncurrent_versions_and_for_markers() {
        assert_eq!(
            texts(&storage().rules()),
            [
                "auditlog-markers: removes expired delete markers",
                "auditlog-storage: GLACIER_IR after 90 days, expires after 2194 days, noncurrent versions expire after 1 day",
                "auditlog-uploads: aborts incomplete uploads after 7 days",
            ]
        );
    }

    #[test]
    fn rules_come_back_from_s3_as_they_were_put() {
        let rules = storage().rules();
        let returned: Vec<Rule> = rules
            .iter()
            .map(|rule| Rule::parse(&rule.to_sdk().unwrap()))
            .collect();
        assert_eq!(returned, rules);
        assert_eq!(Storage::of_rules(&returned), storage());
        assert_eq!(Storage::of_rules(&[]), Storage::default());
    }

    #[test]
    fn each_prefix_has_a_rule_and_what_is_beside_them_has_none() {
        let long = format!("logs/{}/", "l".repeat(300));
        let storage = below(&["logs/payments/", "logs/payments-eu/", &long]);
        let rules = storage.rules();
        let returned: Vec<Rule> = rules
            .iter()
            .map(|rule| Rule::parse(&rule.to_sdk().unwrap()))
            .collect();
        assert_eq!(returned, rules);
        assert!(returned.is_sorted());
        assert!(rules.iter().all(|rule| rule.id.len() <= MAX_ID_CHARS));
        assert_eq!(Storage::of_rules(&returned), storage);
        let lines = texts(&below(&["logs/payments/"]).rules());
        assert_eq!(
            lines[1],
            "auditlog-storage:logs/payments/ for prefix logs/payments/: GLACIER_IR after 90 days, expires after 2194 days, noncurrent \
             versions expire after 1 day"
        );
        // nothing is for all of them but what deletes nothing
        let unscoped = rules.iter().filter(|rule| rule.scope.is_empty());
        assert!(unscoped.clone().count() == 2);
        assert!(unscoped.clone().all(|rule| rule.expiration_days.is_none()));
        assert_eq!(texts(&below(&[]).rules()).len(), 2);
    }

    #[test]
    fn noncurrent_versions_that_others_move_are_named() {
        let line = |transitions: &[Transition], expiration_days| {
            let rule = Rule {
                noncurrent_transitions: transitions.to_vec(),
                transitions: storage().transitions,
                expiration_days,
                ..Rule::named(STORAGE)
            };
            rule.to_string()
        };
        let moved = storage().transitions;
        let usual = "auditlog-storage: GLACIER_IR after 90 days";
        assert_eq!(line(&moved, None), usual);
        assert_eq!(
            line(&[], None),
            format!("{usual}, noncurrent versions are not moved")
        );
        assert_eq!(
            line(&moved, Some(400)),
            format!(
                "{usual}, expires after 400 days, noncurrent versions GLACIER_IR after 90 days"
            )
        );
    }

    #[test]
    fn minimum_size_of_others_is_a_line_of_its_own() {
        use TransitionDefaultMinimumObjectSize as Minimum;
        assert_eq!(Rule::of_minimum(&Minimum::AllStorageClasses128K), None);
        let changed = Rule::of_minimum(&Minimum::VariesByStorageClass).unwrap();
        assert_eq!(
            changed.to_string(),
            "(objects below 128 KB): are moved as well (varies_by_storage_class)"
        );
    }

    #[test]
    fn empty_prefix_is_the_same_as_no_filter() {
        let rule = |filter: Option<LifecycleRuleFilter>| {
            let rule = LifecycleRule::builder()
                .id("x")
                .status(ExpirationStatus::Enabled)
                .set_filter(filter);
            Rule::parse(&rule.build().unwrap())
        };
        let empty = LifecycleRuleFilter::builder().prefix("").build();
        assert_eq!(rule(None), rule(Some(empty)));
        let some = LifecycleRuleFilter::builder().prefix("logs/").build();
        assert_ne!(rule(None), rule(Some(some)));
    }

    #[test]
    fn rule_of_another_hand_is_shown_with_all_that_it_does() {
        let expiration = LifecycleExpiration::builder()
            .date(aws_sdk_s3::primitives::DateTime::from_secs(1_700_006_400))
            .build();
        let rule = LifecycleRule::builder()
            .id("cleanup")
            .status(ExpirationStatus::Disabled)
            .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
            .expiration(expiration)
            .build()
            .unwrap();
        assert_eq!(
            Rule::parse(&rule).to_string(),
            "cleanup for prefix logs/: expires on 2023-11-15 (disabled)"
        );
    }
}
