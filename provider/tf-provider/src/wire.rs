//! Between the protocol's messages and our own types.

use crate::codec;
use crate::proto::tfplugin6 as pb;
use crate::schema::{Attribute, Block, Fields, Nested, Nesting, Schema, Shape, Source};
use crate::{
    AttributePath, Deferral, Diagnostic, Diagnostics, IdentitySchema, Object, Parameter, Result,
    Severity, Signature, Step, Type, Value,
};

/// Reads a value that the request must hold. One that is absent is an error and never null: null destroys.
pub(crate) fn decode(value: Option<pb::DynamicValue>, ty: &Type, what: &str) -> Result<Value> {
    let value = value
        .filter(|value| !value.msgpack.is_empty() || !value.json.is_empty())
        .ok_or_else(|| {
            Diagnostic::error(
                "Request without a value",
                format!("Terraform sent no {what}."),
            )
        })?;
    let decoded = if value.msgpack.is_empty() {
        codec::decode_json(&value.json, ty)
    } else {
        codec::decode(&value.msgpack, ty)
    };
    Ok(decoded?)
}

/// Reads a value that must be an object, not null or unknown.
pub(crate) fn decode_object(
    value: Option<pb::DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Object> {
    match decode_optional(value, ty, what)? {
        Some(object) => Ok(object),
        None => {
            Err(Diagnostic::error("Request without a value", format!("The {what} is null.")).into())
        }
    }
}

/// Reads an object that may be null, as the state before a create is.
pub(crate) fn decode_optional(
    value: Option<pb::DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Option<Object>> {
    let value = decode(value, ty, what)?;
    if value.is_null() {
        return Ok(None);
    }
    if let Value::Object(object) = value {
        return Ok(Some(object));
    }
    Err(Diagnostic::error(
        "Request without a value",
        format!("The {what} is {}.", value.kind()),
    )
    .into())
}

/// Writes a value that conforms to `ty`.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<pb::DynamicValue> {
    Ok(pb::DynamicValue {
        msgpack: codec::encode(value, ty)?,
        json: Vec::new(),
    })
}

pub(crate) fn diagnostics(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: (!diagnostic.path.is_root()).then(|| path(&diagnostic.path)),
    }
}

pub(crate) fn path(path: &AttributePath) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let step = |step: &Step| pb::attribute_path::Step {
        selector: Some(match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        }),
    };
    pb::AttributePath {
        steps: path.steps().iter().map(step).collect(),
    }
}

pub(crate) fn deferred(why: Deferral) -> pb::Deferred {
    use pb::deferred::Reason;
    let reason = match why {
        Deferral::ResourceConfigUnknown => Reason::ResourceConfigUnknown,
        Deferral::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
        Deferral::AbsentPrerequisite => Reason::AbsentPrereq,
    };
    pb::Deferred {
        reason: reason.into(),
    }
}

pub(crate) fn identity_schema(identity: &IdentitySchema) -> pb::ResourceIdentitySchema {
    let attributes = identity.attributes.iter().map(|(name, of)| {
        pb::resource_identity_schema::IdentityAttribute {
            name: name.clone(),
            r#type: type_of(&of.ty),
            required_for_import: of.required,
            optional_for_import: !of.required,
            description: of.description.clone(),
        }
    });
    pb::ResourceIdentitySchema {
        version: identity.version,
        identity_attributes: attributes.collect(),
    }
}

pub(crate) fn function(signature: &Signature) -> pb::Function {
    let parameter = |parameter: &Parameter| pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_of(&parameter.ty),
        allow_null_value: parameter.allows_null,
        allow_unknown_values: parameter.allows_unknown,
        description: parameter.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
    };
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return {
            r#type: type_of(&signature.returns),
        }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: signature.deprecated.clone().unwrap_or_default(),
    }
}

/// Types are plain data, which always has a JSON form.
fn type_of(ty: &Type) -> Vec<u8> {
    serde_json::to_vec(ty).unwrap_or_default()
}

pub(crate) fn schema(schema: &Schema) -> pb::Schema {
    let block = pb::schema::Block {
        version: schema.version,
        description: schema.description.clone(),
        deprecated: schema.deprecated.is_some(),
        deprecation_message: schema.deprecated.clone().unwrap_or_default(),
        ..block_of(&schema.fields)
    };
    pb::Schema {
        version: schema.version,
        block: Some(block),
    }
}

fn block_of(fields: &Fields) -> pb::schema::Block {
    pb::schema::Block {
        attributes: attributes(fields),
        block_types: fields
            .blocks
            .iter()
            .map(|(name, block)| nested_block(name, block))
            .collect(),
        description_kind: pb::StringKind::Markdown.into(),
        ..pb::schema::Block::default()
    }
}

fn nested_block(name: &str, block: &Block) -> pb::schema::NestedBlock {
    use pb::schema::nested_block::NestingMode;
    let nesting = match block.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    let inside = pb::schema::Block {
        description: block.description.clone(),
        deprecated: block.deprecated.is_some(),
        deprecation_message: block.deprecated.clone().unwrap_or_default(),
        ..block_of(&block.fields)
    };
    pb::schema::NestedBlock {
        type_name: name.to_owned(),
        block: Some(inside),
        nesting: nesting.into(),
        min_items: block.at_least,
        max_items: block.at_most,
        computed: block.computed,
    }
}

fn attributes(fields: &Fields) -> Vec<pb::schema::Attribute> {
    fields
        .attributes
        .iter()
        .map(|(name, of)| attribute(name, of))
        .collect()
}

fn attribute(name: &str, attribute: &Attribute) -> pb::schema::Attribute {
    let (ty, nested_type) = match &attribute.shape {
        Shape::Type(ty) => (type_of(ty), None),
        Shape::Nested(nested) => (Vec::new(), Some(object(nested))),
    };
    pb::schema::Attribute {
        name: name.to_owned(),
        r#type: ty,
        nested_type,
        description: attribute.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        required: attribute.source == Source::Required,
        optional: matches!(
            attribute.source,
            Source::Optional | Source::OptionalComputed
        ),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecated.is_some(),
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn object(nested: &Nested) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object {
        attributes: attributes(&nested.fields),
        nesting: nesting.into(),
        ..Default::default()
    }
}
