//! Tags: those of the resource, the defaults of the provider, and those that AWS has.

use std::collections::BTreeMap;

/// Tags by key. Those that AWS itself sets (`aws:…`) are never among them.
pub type Tags = BTreeMap<String, String>;

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

/// Whether AWS set the tag; such tags can be neither set nor removed by us.
pub(super) fn is_reserved(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
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
