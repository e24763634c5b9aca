//! Whether a model reads what its schema has, at every depth.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Attribute, Block, Fields, Nesting, Shape, Source};
use crate::{AttributePath, Reads, Type};

/// Adds each place where the model cannot read what the schema has: a name that one of them lacks, another type, or a
/// field that does not take null where the schema allows it.
pub(super) fn check_model(
    fields: &Fields,
    reads: &Reads,
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    match reads.not_null() {
        Reads::Any | Reads::Object => {}
        Reads::Fields(read) => check_named(fields, read, path, problems),
        Reads::Map(element) => {
            for (name, attribute) in &fields.attributes {
                let path = path.clone().attribute(name);
                check_attribute(attribute, element, &path, problems);
            }
        }
        other @ (Reads::String
        | Reads::Number
        | Reads::Bool
        | Reads::Elements(_)
        | Reads::Optional(_)) => differ(&fields.object_type(), other, path, problems),
    }
}

fn check_named(
    fields: &Fields,
    read: &[(&'static str, Reads)],
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    let attributes = fields.attributes.keys().chain(fields.blocks.keys());
    check_names(attributes.map(String::as_str), read, path, problems);
    for (name, reads) in read {
        let path = path.clone().attribute(*name);
        if let Some(attribute) = fields.attributes.get(*name) {
            check_attribute(attribute, reads, &path, problems);
        } else if let Some(block) = fields.blocks.get(*name) {
            check_block(block, reads, &path, problems);
        }
    }
}

fn check_names<'a>(
    attributes: impl Iterator<Item = &'a str>,
    read: &[(&'static str, Reads)],
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    let attributes: BTreeSet<_> = attributes.collect();
    let fields: BTreeSet<_> = read.iter().map(|(name, _)| *name).collect();
    let mut add = |names: Vec<&&str>, what: &str| {
        problems.extend(
            names
                .into_iter()
                .map(|name| format!("{}: {what}", path.clone().attribute(*name))),
        );
    };
    add(
        attributes.difference(&fields).collect(),
        "the model has no such field",
    );
    add(
        fields.difference(&attributes).collect(),
        "the schema has no such attribute",
    );
}

fn check_attribute(
    attribute: &Attribute,
    reads: &Reads,
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    if may_be_null(attribute) && !reads.takes_null() {
        refuses_null(path, problems);
    }
    match &attribute.shape {
        Shape::Type(ty) => check_type(ty, reads, path, problems),
        Shape::Nested(nested) => {
            check_nested(nested.nesting, &nested.fields, reads, path, problems);
        }
    }
}

/// Whether null reaches the model. What the provider computes is its own affair.
fn may_be_null(attribute: &Attribute) -> bool {
    attribute.write_only
        || (attribute.source == Source::Optional && attribute.plan.default.is_none())
}

fn check_block(block: &Block, reads: &Reads, path: &AttributePath, problems: &mut Vec<String>) {
    if (block.computed || block.nesting == Nesting::Single) && !reads.takes_null() {
        refuses_null(path, problems);
    }
    check_nested(block.nesting, &block.fields, reads, path, problems);
}

fn check_nested(
    nesting: Nesting,
    fields: &Fields,
    reads: &Reads,
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    match (nesting, reads.not_null()) {
        (_, Reads::Any) => {}
        (Nesting::Single, reads) => check_model(fields, reads, path, problems),
        (Nesting::List | Nesting::Set, Reads::Elements(element))
        | (Nesting::Map, Reads::Map(element)) => check_model(fields, element, path, problems),
        (_, reads) => differ(&nesting.of(fields.object_type()), reads, path, problems),
    }
}

fn check_type(ty: &Type, reads: &Reads, path: &AttributePath, problems: &mut Vec<String>) {
    match (ty, reads.not_null()) {
        (Type::Dynamic, _)
        | (_, Reads::Any)
        | (Type::String, Reads::String)
        | (Type::Number, Reads::Number)
        | (Type::Bool, Reads::Bool)
        | (Type::Object(_), Reads::Object) => {}
        (Type::List(ty) | Type::Set(ty), Reads::Elements(reads))
        | (Type::Map(ty), Reads::Map(reads)) => check_type(ty, reads, path, problems),
        (Type::Tuple(types), Reads::Elements(reads)) => {
            for (at, ty) in types.iter().enumerate() {
                check_type(ty, reads, &path.clone().index(at), problems);
            }
        }
        (Type::Object(types), Reads::Map(reads)) => {
            for (name, ty) in types {
                check_type(ty, reads, &path.clone().attribute(name), problems);
            }
        }
        (Type::Object(types), Reads::Fields(read)) => check_object(types, read, path, problems),
        (ty, reads) => differ(ty, reads, path, problems),
    }
}

/// Whether a value of the type can be read.
pub(super) fn fits(ty: &Type, reads: &Reads) -> bool {
    let mut problems = Vec::new();
    check_type(ty, reads, &AttributePath::root(), &mut problems);
    problems.is_empty()
}

fn check_object(
    types: &BTreeMap<String, Type>,
    read: &[(&'static str, Reads)],
    path: &AttributePath,
    problems: &mut Vec<String>,
) {
    check_names(types.keys().map(String::as_str), read, path, problems);
    for (name, reads) in read {
        if let Some(ty) = types.get(*name) {
            check_type(ty, reads, &path.clone().attribute(*name), problems);
        }
    }
}

fn differ(ty: &Type, reads: &Reads, path: &AttributePath, problems: &mut Vec<String>) {
    problems.push(format!(
        "{path}: the schema has {ty}, but the model reads {reads}"
    ));
}

fn refuses_null(path: &AttributePath, problems: &mut Vec<String>) {
    problems.push(format!(
        "{path}: may be null, so the field in the model must be an Option or a Field"
    ));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Field, FromValue, Nested, Object, Value, model};

    model! {
        struct Rule { days: Option<u32>, note: Option<String> }

        struct Trail { rules: Vec<Rule>, by_name: BTreeMap<String, Rule>, one: Option<Rule>, tags: Option<Vec<String>> }
    }

    fn rule() -> Fields {
        Fields::new()
            .attribute("days", Attribute::optional(Type::Number))
            .attribute("note", Attribute::optional(Type::String))
    }

    fn trail(rule: &Fields) -> Fields {
        Fields::new()
            .attribute("rules", Attribute::required(Nested::list(rule.clone())))
            .attribute("by_name", Attribute::required(Nested::map(rule.clone())))
            .attribute("tags", Attribute::optional(Type::set(Type::String)))
            .block("one", Block::single(rule.clone()))
    }

    fn problems<M: FromValue>(fields: &Fields) -> Vec<String> {
        let mut found = Vec::new();
        check_model(fields, &M::reads(), &AttributePath::root(), &mut found);
        found
    }

    #[test]
    fn model_that_reads_what_the_schema_has_is_accepted() {
        assert_eq!(problems::<Trail>(&trail(&rule())), [""; 0]);
    }

    #[test]
    fn nested_name_that_differs_is_found_with_its_path() {
        let renamed = Fields::new()
            .attribute("day", Attribute::optional(Type::Number))
            .attribute("note", Attribute::optional(Type::String));
        let each = |path: &str| {
            [
                format!("{path}.day: the model has no such field"),
                format!("{path}.days: the schema has no such attribute"),
            ]
        };
        assert_eq!(
            problems::<Trail>(&trail(&renamed)),
            ["rules", "by_name", "one"].map(each).concat()
        );
    }

    #[test]
    fn nested_type_that_differs_is_found_with_its_path() {
        let retyped = rule().attribute("more", Attribute::optional(Type::list(Type::Number)));
        model! { struct Retyped { days: Option<String>, note: Option<Vec<String>>, more: Option<Vec<bool>> } }
        assert_eq!(
            problems::<Retyped>(&retyped),
            [
                "days: the schema has number, but the model reads a string",
                "note: the schema has string, but the model reads a list or set",
                "more: the schema has number, but the model reads a bool",
            ]
        );
        let single = Fields::new().attribute("rules", Attribute::required(Nested::single(rule())));
        model! { struct Many { rules: Vec<Rule> } }
        assert_eq!(
            problems::<Many>(&single),
            ["rules: the schema has object, but the model reads a list or set"]
        );
    }

    #[test]
    fn object_types_are_compared_attribute_by_attribute() {
        model! { struct Typed { rule: Option<Rule> } }
        let of = |ty| {
            let types = Type::object([("days", ty)]);
            Fields::new().attribute("rule", Attribute::optional(types))
        };
        assert_eq!(
            problems::<Typed>(&of(Type::Bool)),
            [
                "rule.note: the schema has no such attribute",
                "rule.days: the schema has bool, but the model reads a number",
            ]
        );
    }

    #[test]
    fn null_must_be_readable_where_the_schema_allows_it() {
        let fields = Fields::new()
            .attribute("a", Attribute::optional(Type::String))
            .attribute("b", Attribute::optional(Type::String).default("x"))
            .attribute("c", Attribute::required(Type::String).write_only())
            .block("d", Block::single(Fields::new()))
            .block("e", Block::list(Fields::new()));
        model! { struct Bare { a: String, b: String, c: String, d: Object, e: Vec<Object> } }
        let refused = |name| {
            format!("{name}: may be null, so the field in the model must be an Option or a Field")
        };
        assert_eq!(problems::<Bare>(&fields), ["a", "c", "d"].map(refused));
        model! { struct Soft { a: Field<String>, b: String, c: Option<String>, d: Value, e: Value } }
        assert_eq!(problems::<Soft>(&fields), [""; 0]);
    }
}
