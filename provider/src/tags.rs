//! `tags` and `tags_all`, which every resource has.

use std::collections::BTreeMap;

use tf_provider::{Attribute, Field, Plan, Schema, Type, Value};

use crate::account::Account;
use crate::aws::{Tags, merge_tags, own_tags};

const MAX_TAGS: usize = 50;
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
            attribute("Tags by key. They win over the provider's `default_tags`."),
        )
        .attribute(
            "tags_all",
            Attribute::computed(Type::map(Type::String))
                .description("All tags of the resource: `tags` and the provider's `default_tags`."),
        )
}

fn check(tags: &Tags) -> Result<(), String> {
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
    }
    Ok(())
}

/// Plans `tags_all` from `tags`, as far as both are known.
pub(crate) fn plan(plan: &mut Plan, account: &Account) {
    let own = plan.planned.value("tags").clone();
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
    let own = own_tags(
        actual,
        defaults,
        known_own.unwrap_or(&none),
        known_all.known().unwrap_or(&none),
    );
    // no tags and `tags = {}` are two configurations; the state keeps the one it has
    let own = (known_own.is_some() || !own.is_empty()).then_some(own);
    (own, Field::Known(actual.clone()))
}
