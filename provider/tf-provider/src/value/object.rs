//! Attributes by name.

use std::collections::BTreeMap;

use super::convert::{expected, open};
use super::{FromValue, Reads, ToValue, Value, ValueError};
use crate::AttributePath;

/// The attributes of a resource, block or nested object by name, any of them perhaps null or not known yet.
///
/// Before apply, anything that a configuration refers to may be unknown. Validation and planning therefore see
/// an `Object` and say attribute by attribute what they can deal with, while create, read, update and delete get a
/// plain struct.
///
/// ```
/// use tf_provider::{Field, Object};
///
/// let mut config = Object::new();
/// config.set("days", 30);
/// let days: Field<u32> = config.get("days")?;
/// let mode: Option<String> = config.get("mode")?;
/// assert_eq!((days, mode), (Field::Known(30), None));
/// # Ok::<(), tf_provider::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(BTreeMap<String, Value>);

impl Object {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an attribute; one that is absent is null.
    ///
    /// # Errors
    /// The attribute is not what `T` asks for. Only [`Field`](super::Field) and [`Value`] take an unknown.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T, ValueError> {
        T::from_value(self.value(name).clone(), &AttributePath::from(name))
    }

    /// An attribute as it is; one that is absent is null.
    pub fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: impl Into<String>, value: impl ToValue) {
        self.0.insert(name.into(), value.to_value());
    }

    /// The same with an attribute set; for building objects in one expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToValue) -> Self {
        self.set(name, value);
        self
    }

    /// Takes an attribute out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Gives an attribute another name, where it is there: for upgrading state.
    pub fn rename(&mut self, from: &str, to: impl Into<String>) {
        if let Some(value) = self.0.remove(from) {
            self.0.insert(to.into(), value);
        }
    }

    /// Whether there is an attribute of the name, null or not.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> std::collections::btree_map::Iter<'_, String, Value> {
        self.0.iter()
    }

    /// Reads the whole into a struct or any other type made of an object.
    ///
    /// # Errors
    /// An attribute is not what its field asks for.
    pub fn decode<T: FromValue>(&self) -> Result<T, ValueError> {
        T::from_value(Value::Object(self.clone()), &AttributePath::root())
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a String, &'a Value);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromValue for Object {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let value = open(value);
        if let Value::Object(object) = value {
            Ok(object)
        } else {
            expected(path, "an object", &value)
        }
    }

    fn reads() -> Reads {
        Reads::Object
    }
}

impl ToValue for Object {
    fn to_value(&self) -> Value {
        Value::Object(self.clone())
    }
}
