//! Configurations as Terraform sends them.

use crate::codec::conform;
use crate::schema::{Fields, Nesting};
use crate::{AttributePath, Object, Result, Set, Value};

/// The same with every attribute of the schema: what is not written is null, and no blocks are an empty list or set.
///
/// # Errors
/// It does not fit the schema.
pub(super) fn whole(fields: &Fields, config: Object) -> Result<Object> {
    let config = Value::Object(config);
    let config = conform(config, &fields.object_type(), &AttributePath::root())?;
    Ok(match config {
        Value::Object(config) => with_blocks(fields, config),
        // The type is that of an object.
        Value::Null
        | Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::List(_)
        | Value::Set(_)
        | Value::Map(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => Object::new(),
    })
}

fn with_blocks(fields: &Fields, mut object: Object) -> Object {
    for (name, block) in &fields.blocks {
        let value = match (object.remove(name).unwrap_or_default(), block.nesting) {
            (Value::Null, Nesting::List) => Value::List(Vec::new()),
            (Value::Null, Nesting::Set) => Value::Set(Set::default()),
            (Value::Object(inside), _) => Value::Object(with_blocks(&block.fields, inside)),
            (Value::List(blocks), _) => {
                let blocks = blocks.into_iter();
                Value::List(blocks.map(|one| in_block(&block.fields, one)).collect())
            }
            (Value::Set(blocks), _) => {
                let blocks = blocks.into_iter();
                Value::Set(blocks.map(|one| in_block(&block.fields, one)).collect())
            }
            (other, _) => other,
        };
        object.set(name, value);
    }
    object
}

fn in_block(fields: &Fields, value: Value) -> Value {
    if let Value::Object(object) = value {
        Value::Object(with_blocks(fields, object))
    } else {
        value
    }
}
