//! Mistakes in schemas and models, found when the provider starts.

use std::collections::BTreeSet;

use super::agree::{check_model, fits};
use crate::schema::{Attribute, Fields, Shape, Source};
use crate::{AttributePath, IdentitySchema, Reads, Schema, Signature, Type};

/// Finds what Terraform would refuse, and where the model does not read what the schema has, before anyone else does.
pub(crate) fn check_schema(name: &str, schema: &Schema, reads: &Reads, problems: &mut Vec<String>) {
    let mut found = Vec::new();
    check_fields(&schema.fields, &AttributePath::root(), &mut found);
    check_model(&schema.fields, reads, &AttributePath::root(), &mut found);
    let found = found.into_iter();
    problems.extend(found.map(|problem| format!("{name}: {problem}")));
}

fn check_fields(fields: &Fields, path: &AttributePath, problems: &mut Vec<String>) {
    for name in &fields.twice {
        let path = path.clone().attribute(name);
        problems.push(format!("{path}: the schema has two of this name"));
    }
    check_rules(fields, path, problems);
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        if fields.blocks.contains_key(name) {
            problems.push(format!("{path}: is both an attribute and a block"));
        }
        check_name(name, &path, problems);
        check_attribute(attribute, &path, problems);
    }
    for (name, block) in &fields.blocks {
        let path = path.clone().attribute(name);
        check_name(name, &path, problems);
        check_fields(&block.fields, &path, problems);
    }
}

/// Each rule is about two or more things that a configuration can set.
fn check_rules(fields: &Fields, path: &AttributePath, problems: &mut Vec<String>) {
    let settable = |name: &str| {
        let attribute = fields.attributes.get(name);
        fields.blocks.contains_key(name)
            || attribute.is_some_and(|attribute| attribute.source != Source::Computed)
    };
    for rule in &fields.rules {
        let names = rule.names();
        let distinct: BTreeSet<_> = names.iter().collect();
        if names.len() < 2 || distinct.len() != names.len() {
            let names = names.join(", ");
            let path = if path.is_root() {
                "schema".to_owned()
            } else {
                path.to_string()
            };
            problems.push(format!(
                "{path}: a rule needs two different names, and has: {names}"
            ));
        }
        let unknown = names.into_iter().filter(|name| !settable(name));
        problems.extend(unknown.map(|name| {
            let path = path.clone().attribute(name);
            format!("{path}: a rule names it, but nothing of this name can be set")
        }));
    }
}

fn check_name(name: &str, path: &AttributePath, problems: &mut Vec<String>) {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(good) {
        problems.push(format!("{path}: a name has lower-case letters, digits and underscores, and begins with a letter"));
    }
}

fn check_attribute(attribute: &Attribute, path: &AttributePath, problems: &mut Vec<String>) {
    if attribute.write_only && !matches!(attribute.source, Source::Required | Source::Optional) {
        problems.push(format!("{path}: what is write-only cannot be computed"));
    }
    if attribute.source == Source::Computed && !attribute.validators.is_empty() {
        problems.push(format!(
            "{path}: nobody configures it, so there is nothing to validate"
        ));
    }
    for validator in &attribute.validators {
        if !fits(&attribute.ty(), &validator.reads) {
            let (ty, reads) = (attribute.ty(), &validator.reads);
            problems.push(format!(
                "{path}: the schema has {ty}, but a validator reads {reads}"
            ));
        }
    }
    if let Some(default) = &attribute.plan.default
        && let Err(error) = crate::codec::conform(default.clone(), &attribute.ty(), path)
    {
        problems.push(format!("default of {error}"));
    }
    if let Shape::Nested(nested) = &attribute.shape {
        if !nested.fields.blocks.is_empty() {
            problems.push(format!("{path}: a nested attribute holds no blocks"));
        }
        check_fields(&nested.fields, path, problems);
    }
}

/// Finds what Terraform would refuse in an identity.
pub(crate) fn check_identity(name: &str, identity: &IdentitySchema, problems: &mut Vec<String>) {
    let mut found = Vec::new();
    if identity.attributes.is_empty() {
        found.push("the identity has no attributes".to_owned());
    }
    for attribute in &identity.twice {
        let path = AttributePath::from("identity").attribute(attribute);
        found.push(format!("{path}: the identity has two of this name"));
    }
    for (attribute, of) in &identity.attributes {
        let path = AttributePath::from("identity").attribute(attribute);
        check_name(attribute, &path, &mut found);
        let element = if let Type::List(element) = &of.ty {
            element
        } else {
            &of.ty
        };
        if !matches!(element, Type::String | Type::Number | Type::Bool) {
            found.push(format!(
                "{path}: an identity holds strings, numbers, bools and lists of these"
            ));
        }
    }
    let found = found.into_iter();
    problems.extend(found.map(|problem| format!("{name}: {problem}")));
}

/// Finds what Terraform would refuse in a function, and arguments that no parameter matches.
pub(crate) fn check_signature(
    name: &str,
    signature: &Signature,
    arguments: usize,
    problems: &mut Vec<String>,
) {
    let mut found = Vec::new();
    check_name(name, &AttributePath::root(), &mut found);
    let parameters = signature.parameters.iter().chain(&signature.variadic);
    let mut names = BTreeSet::new();
    for parameter in parameters.clone() {
        let path = AttributePath::from(parameter.name.as_str());
        check_name(&parameter.name, &path, &mut found);
        if !names.insert(&parameter.name) {
            found.push(format!("{path}: two parameters have this name"));
        }
    }
    let parameters = parameters.count();
    if parameters != arguments {
        found.push(format!(
            "the signature has {parameters} parameters, and the tuple of arguments {arguments}"
        ));
    }
    let found = found.into_iter();
    problems.extend(found.map(|problem| format!("function {name}: {problem}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, IdentityAttribute, Nested};

    fn problems(schema: &Schema) -> Vec<String> {
        let mut problems = Vec::new();
        check_schema("x", schema, &Reads::Object, &mut problems);
        problems
    }

    #[test]
    fn schema_and_model_must_agree() {
        let schema = Schema::new()
            .attribute("a", Attribute::required(Type::String))
            .block("b", Block::list(Fields::new()));
        let reads =
            |names: [&'static str; 2]| Reads::Fields(names.map(|name| (name, Reads::Any)).into());
        let mut found = Vec::new();
        check_schema("x", &schema, &reads(["a", "b"]), &mut found);
        assert_eq!(found, [""; 0]);
        check_schema("x", &schema, &reads(["b", "c"]), &mut found);
        assert_eq!(
            found,
            [
                "x: a: the model has no such field",
                "x: c: the schema has no such attribute"
            ]
        );
    }

    #[test]
    fn name_that_is_used_twice_is_refused_at_any_depth() {
        let text = || Attribute::optional(Type::String);
        let inside = Fields::new().attribute("c", text()).attribute("c", text());
        let schema = Schema::new()
            .attribute("a", text())
            .attribute("a", text())
            .block("b", Block::list(inside))
            .block(
                "b",
                Block::list(Fields::new().attribute("d", text()).attribute("d", text())),
            )
            .block("a", Block::single(Fields::new()));
        assert_eq!(
            problems(&schema),
            [
                "x: a: the schema has two of this name",
                "x: b: the schema has two of this name",
                "x: a: is both an attribute and a block",
                "x: b.d: the schema has two of this name",
            ]
        );
    }

    #[test]
    fn mistakes_in_a_schema_are_found_before_terraform_does() {
        let inside = Fields::new().block("c", Block::single(Fields::new()));
        let cases = [
            (
                Attribute::required(Type::Number).default("x"),
                "x: default of a: expected number, found a string",
            ),
            (
                Attribute::computed(Type::String).write_only(),
                "x: a: what is write-only cannot be computed",
            ),
            (
                Attribute::computed(Type::String).one_of(["b"]),
                "x: a: nobody configures it, so there is nothing to validate",
            ),
            (
                Attribute::optional(Type::String).range("days", 1..=2),
                "x: a: the schema has string, but a validator reads a number",
            ),
            (
                Attribute::optional(Nested::single(inside)),
                "x: a: a nested attribute holds no blocks",
            ),
        ];
        for (attribute, problem) in cases {
            assert_eq!(
                problems(&Schema::new().attribute("a", attribute)),
                [problem]
            );
        }
        let schema = Schema::new().attribute("Bad-name", Attribute::required(Type::String));
        assert!(problems(&schema)[0].contains("begins with a letter"));
    }

    #[test]
    fn rule_about_what_nobody_can_set_is_refused() {
        let inside = Fields::new()
            .attribute("a", Attribute::computed(Type::String))
            .attribute("b", Attribute::optional(Type::String))
            .exactly_one_of(["a", "b"])
            .required_with("b", ["c"])
            .conflicts_with("b", ["b"]);
        let schema = Schema::new().block("in", Block::list(inside));
        assert_eq!(
            problems(&schema),
            [
                "x: in.a: a rule names it, but nothing of this name can be set",
                "x: in.c: a rule names it, but nothing of this name can be set",
                "x: in: a rule needs two different names, and has: b, b",
            ]
        );
    }

    #[test]
    fn an_identity_is_flat() {
        let mut found = Vec::new();
        let ty = Type::map(Type::String);
        let identity = IdentitySchema::new()
            .attribute("a", IdentityAttribute::required(Type::list(Type::Number)))
            .attribute("b", IdentityAttribute::optional(ty))
            .attribute("a", IdentityAttribute::required(Type::Number));
        check_identity("x", &identity, &mut found);
        check_identity("y", &IdentitySchema::new(), &mut found);
        assert_eq!(
            found,
            [
                "x: identity.a: the identity has two of this name",
                "x: identity.b: an identity holds strings, numbers, bools and lists of these",
                "y: the identity has no attributes"
            ]
        );
    }

    #[test]
    fn a_signature_and_its_arguments_must_agree() {
        use crate::Parameter;
        let mut found = Vec::new();
        let signature = Signature::returning(Type::Bool)
            .parameter(Parameter::new("a", Type::String))
            .variadic(Parameter::new("a", Type::String));
        check_signature("f", &signature, 1, &mut found);
        assert_eq!(
            found,
            [
                "function f: a: two parameters have this name",
                "function f: the signature has 2 parameters, and the tuple of arguments 1"
            ]
        );
    }
}
