//! States: what the schema allows, and nothing unknown once an operation has ended.

use crate::codec;
use crate::plan::settle;
use crate::{AttributePath, Diagnostic, Result, Schema, Value};

/// What the provider's code returned, in the form that Terraform takes.
pub(crate) fn conformed(name: &str, schema: &Schema, value: Value) -> Result<Value> {
    let value = codec::conform(value, &schema.object_type(), &AttributePath::root()).map_err(|error| {
        let detail = format!("The provider returned what its own schema does not allow: {error}. Please report this to its authors.");
        Diagnostic::error(format!("{name} returned a wrong value: bug in the provider"), detail).at(error.path)
    })?;
    Ok(if let Value::Object(object) = value {
        Value::Object(settle(&schema.fields, object))
    } else {
        value
    })
}

/// The same for a state, in which nothing may be unknown.
pub(crate) fn finish(name: &str, schema: &Schema, value: Value) -> Result<Value> {
    let value = conformed(name, schema, value)?;
    let Some(path) = value.unknown_paths().into_iter().next() else {
        return Ok(value);
    };
    let detail = format!(
        "After the operation, {path} is still unknown. Please report this to the provider's authors."
    );
    Err(Diagnostic::error(
        format!("{name} returned an unknown value: bug in the provider"),
        detail,
    )
    .at(path)
    .into())
}
