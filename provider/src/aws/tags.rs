//! Tags: those of the resource, the defaults of the provider, and those that AWS has.

use std::collections::{BTreeMap, BTreeSet};

/// Tags by key. Those that AWS itself sets (`aws:…`) are never among them.
pub type Tags = BTreeMap<String, String>;

/// What the tags begin with that the provider keeps for itself: what a resource was made for, and its lock spans.
pub const OWN_PREFIX: &str = "auditlog:";

/// Whether the provider keeps the tag for itself. It is neither shown in `tags` and `tags_all` nor accepted in them.
pub fn is_providers_own(key: &str) -> bool {
    has_prefix(key, OWN_PREFIX)
}

/// Whether AWS set the tag; such tags can be neither set nor removed by us.
pub(crate) fn is_reserved(key: &str) -> bool {
    has_prefix(key, "aws:")
}

/// AWS compares the prefix `aws:` in any case.
fn has_prefix(key: &str, prefix: &str) -> bool {
    key.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `ignore_tags` of the provider block: tags of others, on every resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredTags {
    /// Whole keys.
    pub keys: BTreeSet<String>,
    /// What keys begin with.
    pub key_prefixes: BTreeSet<String>,
}

impl IgnoredTags {
    /// Whether the tag is left alone: never shown, set, changed or removed.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
            || self
                .key_prefixes
                .iter()
                .any(|prefix| key.starts_with(prefix.as_str()))
    }
}

/// The tags that a resource should have: its own win over the provider's defaults.
pub fn merge_tags(defaults: &Tags, own: &Tags) -> Tags {
    let mut all = defaults.clone();
    all.extend(own.clone());
    all
}

/// Which of the tags on a resource are the resource's own, given what the state knew of it.
///
/// A tag belongs to the resource if its configuration named it, or if nobody did: one that was added behind
/// Terraform's back must show as a change. A tag that came from the defaults, today's or those of the last apply,
/// is not the resource's own; where its value differs, `tags_all` shows it.
pub fn own_tags(actual: &Tags, defaults: &Tags, known_own: &Tags, known_all: &Tags) -> Tags {
    actual
        .iter()
        .filter(|(key, _)| {
            known_own.contains_key(*key)
                || !(defaults.contains_key(*key) || known_all.contains_key(*key))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn ignored_tag_is_named_whole_or_by_its_beginning() {
        let set = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let ignored = IgnoredTags {
            keys: set(&["LastScanned"]),
            key_prefixes: set(&["kubernetes.io/"]),
        };
        for key in ["LastScanned", "kubernetes.io/", "kubernetes.io/cluster"] {
            assert!(ignored.contains(key), "{key}");
        }
        for key in ["lastscanned", "LastScannedBy", "x-kubernetes.io/"] {
            assert!(!ignored.contains(key), "{key}");
        }
        assert!(!IgnoredTags::default().contains(""));
    }

    #[test]
    fn tags_of_aws_and_of_the_provider_are_known_by_their_prefix() {
        assert!(is_reserved("aws:cloudformation:stack-name") && is_reserved("AWS:x"));
        assert!(is_providers_own("auditlog:created") && is_providers_own("Auditlog:x"));
        for key in ["aws", "awss:x", "auditlogs:x", "x:aws:", "ä"] {
            assert!(!is_reserved(key) && !is_providers_own(key), "{key}");
        }
    }

    #[test]
    fn own_tag_wins_over_default() {
        let all = merge_tags(
            &tags(&[("team", "a"), ("env", "x")]),
            &tags(&[("team", "b")]),
        );
        assert_eq!(all, tags(&[("team", "b"), ("env", "x")]));
    }

    #[test]
    fn default_tag_is_not_the_resources_own() {
        let own = own_tags(
            &tags(&[("env", "x")]),
            &tags(&[("env", "x")]),
            &Tags::new(),
            &Tags::new(),
        );
        assert!(own.is_empty());
    }

    #[test]
    fn default_tag_of_the_last_apply_is_not_the_resources_own() {
        let own = own_tags(
            &tags(&[("old", "x")]),
            &Tags::new(),
            &Tags::new(),
            &tags(&[("old", "x")]),
        );
        assert!(own.is_empty());
    }

    #[test]
    fn tag_added_behind_terraforms_back_shows() {
        let own = own_tags(
            &tags(&[("env", "x"), ("new", "y")]),
            &tags(&[("env", "x")]),
            &Tags::new(),
            &tags(&[("env", "x")]),
        );
        assert_eq!(own, tags(&[("new", "y")]));
    }

    #[test]
    fn own_tag_equal_to_a_default_stays_own() {
        let known = tags(&[("env", "x")]);
        let own = own_tags(&known, &known, &known, &known);
        assert_eq!(own, known);
    }
}
