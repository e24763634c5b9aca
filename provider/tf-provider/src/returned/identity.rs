//! Identities: whole, and of the type's own schema.

use crate::codec;
use crate::proto::tfplugin6 as pb;
use crate::{
    AttributePath, Diagnostic, Diagnostics, IdentityAttribute, IdentitySchema, Object, Result,
    Value, wire,
};

pub(crate) fn encode(
    schema: &IdentitySchema,
    identity: &Value,
) -> Result<pb::ResourceIdentityData> {
    let identity_data = Some(wire::encode(identity, &schema.object_type())?);
    Ok(pb::ResourceIdentityData { identity_data })
}

/// What the provider's code gave, if it is an identity of this schema.
pub(crate) fn conformed(name: &str, schema: &IdentitySchema, identity: Object) -> Result<Value> {
    let root = AttributePath::root();
    codec::conform(Value::Object(identity), &schema.object_type(), &root).map_err(|error| {
        let detail = format!("{error}. Please report this to the provider's authors.");
        wrong(name, "returned a wrong identity", detail)
    })
}

/// The identity that the provider's code gave, as it is sent.
///
/// # Errors
/// It is not whole, or no identity of this schema.
pub(crate) fn whole_identity(
    name: &str,
    schema: &IdentitySchema,
    identity: Object,
) -> Result<pb::ResourceIdentityData> {
    let identity = conformed(name, schema, identity)?;
    check_whole(name, schema, &identity)?;
    encode(schema, &identity)
}

pub(crate) fn check_whole(name: &str, schema: &IdentitySchema, identity: &Value) -> Result {
    let Some(path) = incomplete(schema, identity) else {
        return Ok(());
    };
    let detail =
        format!("The identity lacks {path}. Please report this to the provider's authors.");
    let what = "returned an identity that is not complete";
    Err(wrong(name, what, detail))
}

/// The first attribute that an identity must have and this one has not.
pub(crate) fn incomplete(schema: &IdentitySchema, identity: &Value) -> Option<String> {
    let none = Object::new();
    let identity = if let Value::Object(identity) = identity {
        identity
    } else {
        &none
    };
    let mut attributes = schema.attributes.iter();
    let lacks = |(name, of): &(&String, &IdentityAttribute)| {
        let value = identity.value(name);
        !value.is_wholly_known() || (of.required && value.is_null())
    };
    attributes.find(lacks).map(|(name, _)| name.clone())
}

pub(crate) fn wrong(name: &str, what: &str, detail: String) -> Diagnostics {
    Diagnostic::error(format!("{name} {what}: bug in the provider"), detail).into()
}
