//! `tags` and `tags_all`, which every resource has.

use std::collections::BTreeMap;

use tf_provider::{Attribute, Diagnostic, Field, Plan, Result, Schema, Type, Value};

use crate::account::Account;
use crate::aws::{Clients, Tags, is_providers_own, merge_tags, own_tags};

/// The most tags of a bucket or a key.
pub(crate) const MAX_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// A map of tags that a configuration may set.
pub(crate) fn attribute(description: &str) -> Attribute {
    Attribute::optional(Type::map(Type::String))
        .description(description)
        .validate(|tags: Tags| check(&tags))
}

/// Adds both attributes.
pub(crate) fn add_to(schema: Schema) -> Schema {
    schema
        .attribute(
            "tags",
            attribute(
                "Tags of the resource by key. Default: none. A tag here wins over one of the provider's `default_tags` with the \
                 same key. A tag that somebody else adds is removed by the next apply, unless `ignore_tags` of the provider names \
                 it. Keys that begin with `aws:` or `auditlog:` are refused. A change is made in place.",
            ),
        )
        .attribute(
            "tags_all",
            Attribute::computed(Type::map(Type::String))
                .description(
                    "All tags of the resource: `tags` and the provider's `default_tags`, without those that AWS, `ignore_tags` or \
                     the provider's own bookkeeping (`auditlog:…`) owns.",
                ),
        )
}

fn check(tags: &Tags) -> std::result::Result<(), String> {
    if tags.len() > MAX_TAGS {
        return Err(format!(
            "{} tags are more than the {MAX_TAGS} that AWS allows.",
            tags.len()
        ));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            return Err(format!(
                "The key {key:?} does not have 1 to {MAX_KEY_CHARS} characters."
            ));
        }
        if value.chars().count() > MAX_VALUE_CHARS {
            return Err(format!(
                "The value of {key:?} has more than {MAX_VALUE_CHARS} characters."
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!(
                "The key {key:?} begins with \"aws:\", which AWS reserves."
            ));
        }
        if is_providers_own(key) {
            return Err(format!(
                "The key {key:?} begins with \"auditlog:\", which this provider reserves."
            ));
        }
    }
    Ok(())
}

/// Plans `tags_all` from `tags`, as far as both are known.
///
/// # Errors
/// A tag that `ignore_tags` names: it would be a difference that no apply ends.
pub(crate) fn plan(plan: &mut Plan, account: &Account) -> Result {
    let own = plan.planned.value("tags").clone();
    if let (Value::Map(own), Some(clients)) = (&own, account.known()) {
        refuse_ignored(own.keys(), clients)?;
    }
    let all = account
        .known()
        .filter(|_| !own.is_unknown())
        .map(|clients| {
            let defaults = clients.default_tags().iter();
            let mut all: BTreeMap<String, Value> = defaults
                .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
                .collect();
            if let Value::Map(own) = own {
                all.extend(own);
            }
            all
        });
    plan.planned
        .set("tags_all", all.map_or(Value::Unknown, Value::Map));
    Ok(())
}

fn refuse_ignored<'a>(mut keys: impl Iterator<Item = &'a String>, clients: &Clients) -> Result {
    let Some(ignored) = keys.find(|key| clients.leaves_alone(key)) else {
        return Ok(());
    };
    Err(Diagnostic::error(
        "Tag that the provider ignores",
        format!(
            "The tag {ignored:?} is set here, but `ignore_tags` of the provider block says to leave it alone. Remove it from one \
             of the two."
        ),
    )
    .at("tags")
    .into())
}

/// The tags that the resource should have.
pub(crate) fn wanted(defaults: &Tags, own: Option<&Tags>) -> Tags {
    merge_tags(defaults, own.unwrap_or(&Tags::new()))
}

/// Splits what the resource carries into `tags` and `tags_all`, given what the state knew of them.
pub(crate) fn split(
    actual: &Tags,
    defaults: &Tags,
    known_own: Option<&Tags>,
    known_all: &Field<Tags>,
) -> (Option<Tags>, Field<Tags>) {
    let none = Tags::new();
    let shown = |(key, _): &(&String, &String)| !is_providers_own(key);
    let pairs = actual.iter().filter(shown);
    let actual: Tags = pairs
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let own = own_tags(
        &actual,
        defaults,
        known_own.unwrap_or(&none),
        known_all.known().unwrap_or(&none),
    );
    // no tags and `tags = {}` are two configurations; the state keeps the one it has
    let own = (known_own.is_some() || !own.is_empty()).then_some(own);
    (own, Field::Known(actual))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: &[&str]) -> Tags {
        keys.iter()
            .map(|key| ((*key).to_owned(), "x".to_owned()))
            .collect()
    }

    #[test]
    fn tag_of_the_provider_is_not_shown() {
        let found = tags(&["auditlog:created", "team"]);
        let (own, all) = split(&found, &Tags::new(), None, &Field::Null);
        assert_eq!(own, Some(tags(&["team"])));
        assert_eq!(all.into_known(), Some(tags(&["team"])));
    }

    #[test]
    fn reserved_key_is_refused() {
        for (key, said) in [
            ("aws:x", "AWS reserves"),
            ("auditlog:lock", "this provider reserves"),
        ] {
            assert!(
                check(&tags(&[key])).is_err_and(|wrong| wrong.contains(said)),
                "{key}"
            );
        }
        assert_eq!(check(&tags(&["auditlog"])), Ok(()));
    }
}
