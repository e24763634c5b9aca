//! The checks of the schema, run over a configuration.

use crate::schema::{Attribute, Fields, Sees, Shape, Source};
use crate::{AttributePath, Diagnostic, Diagnostics, Object, Step, Value};

/// Each required value that is null, and each value that a validator refuses, at any depth.
pub(crate) fn validate(fields: &Fields, config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    check_object(fields, config, &AttributePath::root(), &mut found);
    found
}

/// The attributes that are write-only and set, at any depth.
pub(crate) fn write_only_set(fields: &Fields, config: &Object) -> Vec<AttributePath> {
    let mut found = Vec::new();
    walk(fields, config, &AttributePath::root(), &mut |seen, path| {
        if let Seen::Attribute(attribute, value) = seen
            && attribute.write_only
            && !value.is_null()
        {
            found.push(path.clone());
        }
    });
    found
}

fn check_object(fields: &Fields, config: &Object, path: &AttributePath, found: &mut Diagnostics) {
    walk(fields, config, path, &mut |seen, path| {
        let here = match seen {
            Seen::Attribute(attribute, value) => wrong_value(attribute, value, path),
            Seen::Object(fields, object) => broken_rules(fields, object, path),
        };
        // The summary has the whole path.
        found.extend(here.into_iter().map(|one| {
            let place = place(fields, &one.path);
            one.at(place)
        }));
    });
}

fn wrong_value(attribute: &Attribute, value: &Value, path: &AttributePath) -> Vec<Diagnostic> {
    let null = null_where_a_value_is_required(attribute, value, path);
    if !null.is_empty() || value.is_null() || value.is_unknown() {
        return null;
    }
    refused_by_validators(attribute, value, path)
}

fn broken_rules(fields: &Fields, object: &Object, path: &AttributePath) -> Vec<Diagnostic> {
    let written = written(fields, object);
    let broken = fields.rules.iter().filter_map(|rule| rule.check(&written));
    broken
        .map(|broken| {
            let at = broken.at.clone();
            let at = at.map_or_else(|| path.clone(), |name| path.clone().attribute(name));
            broken.diagnostic(&path.to_string()).at(at)
        })
        .collect()
}

/// The object without blocks that are not written, which come as empty lists.
fn written(fields: &Fields, object: &Object) -> Object {
    let is_written = |name: &str, value: &Value| match value {
        Value::List(blocks) => !fields.blocks.contains_key(name) || !blocks.is_empty(),
        Value::Set(blocks) => !fields.blocks.contains_key(name) || !blocks.is_empty(),
        Value::Null
        | Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Map(_)
        | Value::Object(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => true,
    };
    let attributes = object.iter();
    attributes
        .filter(|(name, value)| is_written(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The part of a path whose line Terraform finds: through blocks up to an attribute, but not into an attribute.
fn place(fields: &Fields, path: &AttributePath) -> AttributePath {
    let mut place = AttributePath::root();
    let mut fields = fields;
    for step in path.steps() {
        place = place.then(step.clone());
        let Step::Attribute(name) = step else {
            continue;
        };
        match fields.blocks.get(name) {
            Some(block) => fields = &block.fields,
            None => break,
        }
    }
    place
}

fn refused_by_validators(
    attribute: &Attribute,
    value: &Value,
    path: &AttributePath,
) -> Vec<Diagnostic> {
    let known = value.is_wholly_known();
    let validators = attribute.validators.iter();
    let refused = validators
        .filter(|validator| known || validator.sees == Sees::PartlyKnown)
        .filter_map(|validator| (validator.check)(value, path).err());
    refused
        .map(|text| Diagnostic::error(format!("Invalid value for {path}"), text).at(path.clone()))
        .collect()
}

/// Terraform itself refuses a required argument that is left out, but lets null pass; and an element that is null has
/// neither a value nor attributes.
fn null_where_a_value_is_required(
    attribute: &Attribute,
    value: &Value,
    path: &AttributePath,
) -> Vec<Diagnostic> {
    let mut missing = Vec::new();
    if attribute.source == Source::Required && value.is_null() {
        missing.push(no_value(&path.to_string(), path.clone()));
    }
    match &attribute.shape {
        // What is in its elements is visited by itself.
        Shape::Nested(_) => missing.extend(null_elements(value, path)),
        Shape::Type(_) => add_null_elements(value, path, &mut missing),
    }
    missing
}

fn no_value(what: &str, path: AttributePath) -> Diagnostic {
    let text = "A value is required here, and null is not one.";
    Diagnostic::error(format!("No value for {what}"), text).at(path)
}

fn null_elements(value: &Value, path: &AttributePath) -> Vec<Diagnostic> {
    // An element of a set has no path of its own.
    let of = value.as_set().map_or("", |_| "an element of ");
    let null = elements(value, path).filter(|(_, element)| element.is_null());
    null.map(|(path, _)| no_value(&format!("{of}{path}"), path))
        .collect()
}

/// The elements that are null at any depth of a plain type. An object may leave out its attributes, and a value of open type
/// may hold anything.
fn add_null_elements(value: &Value, path: &AttributePath, found: &mut Vec<Diagnostic>) {
    found.extend(null_elements(value, path));
    for (path, element) in elements(value, path) {
        add_null_elements(element, &path, found);
    }
    if let Value::Object(object) = value {
        for (name, inside) in object {
            add_null_elements(inside, &path.clone().attribute(name), found);
        }
    }
}

/// The elements of a list, a map or a set, with their paths.
fn elements<'a>(
    value: &'a Value,
    path: &'a AttributePath,
) -> impl Iterator<Item = (AttributePath, &'a Value)> {
    let list = value.as_list().unwrap_or_default().iter().enumerate();
    let set = value.as_set().into_iter().flatten();
    let map = value.as_map().into_iter().flatten();
    list.map(|(at, element)| (path.clone().index(at), element))
        .chain(map.map(|(key, element)| (path.clone().key(key), element)))
        .chain(set.map(|element| (path.clone(), element)))
}

/// What a walk comes by.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Attribute(&'a Attribute, &'a Value),
    /// The whole, a block, or an element of a nested attribute.
    Object(&'a Fields, &'a Object),
}

type Visit<'a> = dyn FnMut(Seen<'_>, &AttributePath) + 'a;

fn walk(fields: &Fields, object: &Object, path: &AttributePath, visit: &mut Visit<'_>) {
    visit(Seen::Object(fields, object), path);
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        visit(Seen::Attribute(attribute, object.value(name)), &path);
        if let Shape::Nested(nested) = &attribute.shape {
            walk_into(&nested.fields, object.value(name), &path, visit);
        }
    }
    for (name, block) in &fields.blocks {
        walk_into(
            &block.fields,
            object.value(name),
            &path.clone().attribute(name),
            visit,
        );
    }
}

fn walk_into(fields: &Fields, value: &Value, path: &AttributePath, visit: &mut Visit<'_>) {
    match value {
        Value::Object(object) => walk(fields, object, path, visit),
        Value::List(elements) => {
            for (at, element) in elements.iter().enumerate() {
                walk_into(fields, element, &path.clone().index(at), visit);
            }
        }
        Value::Set(elements) => elements
            .iter()
            .for_each(|element| walk_into(fields, element, path, visit)),
        Value::Map(elements) => {
            for (key, element) in elements {
                walk_into(fields, element, &path.clone().key(key), visit);
            }
        }
        Value::Null
        | Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Nested, ToValue, Type};

    fn fields() -> Fields {
        let rule = || {
            Fields::new()
                .attribute("days", Attribute::required(Type::Number))
                .attribute("note", Attribute::optional(Type::String))
        };
        Fields::new()
            .attribute("name", Attribute::required(Type::String))
            .attribute("one", Attribute::required(Nested::single(rule())))
            .attribute("many", Attribute::optional(Nested::list(rule())))
            .attribute("named", Attribute::optional(Nested::map(rule())))
            .attribute("id", Attribute::computed(Type::String))
            .block("block", Block::list(rule()))
    }

    fn rule(days: impl ToValue) -> Value {
        Value::Object(Object::new().with("days", days))
    }

    /// What is refused, and the place at which Terraform shows it.
    fn refused(config: &Object) -> Vec<(String, String)> {
        let found = validate(&fields(), config);
        let summary = |one: &Diagnostic| one.summary.replace("No value for ", "");
        found
            .iter()
            .map(|one| (summary(one), one.path.to_string()))
            .collect()
    }

    fn paths(config: &Object) -> Vec<String> {
        refused(config).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn null_in_place_of_a_required_value_is_refused_at_its_path() {
        let complete = Object::new().with("name", "a").with("one", rule(1));
        assert_eq!(paths(&complete), [""; 0]);
        let unknown = Object::new()
            .with("name", Value::Unknown)
            .with("one", rule(Value::Unknown));
        assert_eq!(paths(&unknown), [""; 0]);
        assert_eq!(paths(&Object::new()), ["name", "one"]);
        let nested = complete
            .clone()
            .with("one", rule(Value::Null))
            .with(
                "many",
                Value::List(vec![rule(1), rule(Value::Null), Value::Null]),
            )
            .with("named", Value::Map([("a".to_owned(), Value::Null)].into()))
            .with("block", Value::List(vec![rule(Value::Null)]));
        assert_eq!(
            paths(&nested),
            [
                "many[2]",
                "many[1].days",
                "named[\"a\"]",
                "one.days",
                "block[0].days"
            ]
        );
    }

    #[test]
    fn null_among_elements_is_refused_at_its_path_and_unknown_is_not() {
        let keyed = Type::object([("names", Type::list(Type::String)), ("note", Type::String)]);
        let first = |names: Vec<String>| match names {
            names if names.is_empty() => Err("none".to_owned()),
            _ => Ok(()),
        };
        let fields = Fields::new()
            .attribute("any", Attribute::optional(Type::Dynamic))
            .attribute("keyed", Attribute::optional(Type::list(keyed)))
            .attribute(
                "names",
                Attribute::optional(Type::list(Type::String)).validate(first),
            )
            .attribute(
                "tags",
                Attribute::optional(Type::map(Type::set(Type::String))),
            )
            .block(
                "one",
                Block::single(
                    Fields::new().attribute("ids", Attribute::optional(Type::set(Type::String))),
                ),
            );
        let text = || Value::from("a");
        let set = |elements: Vec<Value>| Value::Set(elements.into_iter().collect());
        let config = |gap: &Value| {
            let keyed = Object::new().with("names", Value::List(vec![gap.clone()]));
            let tags = [
                ("a", set(vec![text()])),
                ("b", set(vec![gap.clone()])),
                ("c", gap.clone()),
            ];
            let tags = tags.map(|(key, value)| (key.to_owned(), value));
            let open = (Type::list(Type::String), Value::List(vec![gap.clone()]));
            Object::new()
                .with("any", Value::Dynamic(Box::new(open)))
                .with(
                    "keyed",
                    Value::List(vec![Value::Object(keyed), gap.clone()]),
                )
                .with("names", Value::List(vec![text(), gap.clone(), gap.clone()]))
                .with("tags", Value::Map(tags.into()))
                .with(
                    "one",
                    Object::new().with("ids", set(vec![text(), gap.clone()])),
                )
        };
        let found = validate(&fields, &config(&Value::Null));
        let found: Vec<_> = found
            .iter()
            .map(|one| one.summary.replace("No value for ", ""))
            .collect();
        let expected = [
            "keyed[1]",
            "keyed[0].names[0]",
            "names[1]",
            "names[2]",
            "tags[\"c\"]",
            "an element of tags[\"b\"]",
            "an element of one.ids",
        ];
        assert_eq!(found, expected);
        assert!(validate(&fields, &config(&Value::Unknown)).is_empty());
        assert!(validate(&fields, &config(&text())).is_empty());
    }

    #[test]
    fn error_inside_an_attribute_is_shown_at_the_attribute_and_inside_a_block_in_the_block() {
        let config = Object::new()
            .with("name", "a")
            .with("one", rule(Value::Null))
            .with("block", Value::List(vec![rule(Value::Null)]));
        let shown = |path: &str, place: &str| (path.to_owned(), place.to_owned());
        assert_eq!(
            refused(&config),
            [
                shown("one.days", "one"),
                shown("block[0].days", "block[0].days")
            ]
        );
    }

    #[test]
    fn rules_hold_in_every_object_and_name_it() {
        let lock = || {
            Fields::new()
                .attribute("days", Attribute::optional(Type::Number))
                .attribute("years", Attribute::optional(Type::Number))
                .exactly_one_of(["days", "years"])
        };
        let logs = Fields::new().attribute("lock", Attribute::optional(Nested::single(lock())));
        let fields = Fields::new()
            .attribute("bucket", Attribute::optional(Type::String))
            .attribute("lock", Attribute::required(Nested::single(lock())))
            .attribute("logs", Attribute::optional(Nested::map(logs)))
            .block("rule", Block::list(lock()))
            .exactly_one_of(["bucket", "rule"]);
        let both = Object::new().with("days", 1).with("years", 1);
        let log = Object::new().with("lock", Object::new());
        let config = Object::new()
            .with("lock", both)
            .with("rule", Value::List(Vec::new()))
            .with(
                "logs",
                Value::Map([("a".to_owned(), Value::from(&log))].into()),
            );
        let found = validate(&fields, &config);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.summary.as_str(), one.path.to_string()))
            .collect();
        let shown: Vec<_> = shown.iter().map(|(a, b)| (*a, b.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("Missing argument", ""),
                ("Conflicting arguments in lock", "lock"),
                ("Missing argument in logs[\"a\"].lock", "logs"),
            ]
        );
        let unknown = Object::new().with("days", Value::Unknown);
        let config = Object::new().with("bucket", "a").with("lock", unknown);
        assert!(validate(&fields, &config).is_empty());
    }

    #[test]
    fn length_is_checked_before_the_elements_are_known() {
        let list = Attribute::required(Type::list(Type::String)).length(2..);
        let fields = Fields::new().attribute("names", list);
        let found = |names| validate(&fields, &Object::new().with("names", names));
        assert!(found(Value::Unknown).is_empty());
        assert!(found(Value::List(vec![Value::Unknown, Value::Unknown])).is_empty());
        let short = found(Value::List(vec![Value::Unknown]));
        let one = short.iter().next().unwrap();
        assert_eq!(one.summary, "Invalid value for names");
        assert_eq!(one.detail, "Expected at least 2 elements, found 1.");
    }
}
