//! The checks that stand in the schema, run over a configuration.

use crate::schema::{Attribute, Fields, Shape};
use crate::{AttributePath, Diagnostic, Diagnostics, Object, Value};

/// What the validators of all attributes, at any depth, have to say.
pub(crate) fn validate(fields: &Fields, config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    check_object(fields, config, &AttributePath::root(), &mut found);
    found
}

/// The attributes that are write-only and set, at any depth.
pub(crate) fn write_only_set(fields: &Fields, config: &Object) -> Vec<AttributePath> {
    let mut found = Vec::new();
    walk(
        fields,
        config,
        &AttributePath::root(),
        &mut |attribute, value, path| {
            if attribute.write_only && !value.is_null() {
                found.push(path.clone());
            }
        },
    );
    found
}

fn check_object(fields: &Fields, config: &Object, path: &AttributePath, found: &mut Diagnostics) {
    walk(fields, config, path, &mut |attribute, value, path| {
        if value.is_null() || !value.is_wholly_known() {
            return;
        }
        let wrong = attribute
            .validators
            .iter()
            .filter_map(|check| check(value, path).err());
        found.extend(wrong.map(|text| {
            Diagnostic::error(format!("Invalid value for {path}"), text).at(path.clone())
        }));
    });
}

type Visit<'a> = dyn FnMut(&Attribute, &Value, &AttributePath) + 'a;

fn walk(fields: &Fields, object: &Object, path: &AttributePath, visit: &mut Visit<'_>) {
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        visit(attribute, object.value(name), &path);
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
