//! Where a value is not known yet.

use super::{Object, Value};
use crate::AttributePath;

impl Value {
    /// Where something is known only after apply, in order. A path into a set ends at the set.
    ///
    /// ```
    /// use tf_provider::{Object, Value};
    ///
    /// let rule = Object::new().with("days", Value::Unknown);
    /// let config = Object::new().with("name", Value::Unknown).with("rules", vec![rule]);
    /// let paths = config.unknown_paths();
    /// assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["name", "rules[0].days"]);
    /// ```
    pub fn unknown_paths(&self) -> Vec<AttributePath> {
        let mut found = Vec::new();
        collect(self, &AttributePath::root(), &mut found);
        found.dedup();
        found
    }
}

impl Object {
    /// Where something is known only after apply: see [`Value::unknown_paths`].
    pub fn unknown_paths(&self) -> Vec<AttributePath> {
        let mut found = Vec::new();
        for (name, value) in self {
            collect(value, &AttributePath::from(name.as_str()), &mut found);
        }
        found.dedup();
        found
    }
}

fn collect(value: &Value, path: &AttributePath, found: &mut Vec<AttributePath>) {
    match value {
        Value::Unknown => found.push(path.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::List(elements) | Value::Tuple(elements) => {
            for (at, element) in elements.iter().enumerate() {
                collect(element, &path.clone().index(at), found);
            }
        }
        Value::Set(elements) => {
            for element in elements {
                // Elements of a set have no path of their own.
                if !element.is_wholly_known() {
                    found.push(path.clone());
                }
            }
        }
        Value::Map(elements) => {
            for (key, element) in elements {
                collect(element, &path.clone().key(key), found);
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                collect(value, &path.clone().attribute(name), found);
            }
        }
        Value::Dynamic(typed) => collect(&typed.1, path, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn paths(value: &Value) -> Vec<String> {
        let paths = value.unknown_paths().into_iter();
        paths.map(|path| path.to_string()).collect()
    }

    #[test]
    fn unknowns_are_found_at_every_depth() {
        let inside = Object::new().with("a", Value::Unknown).with("b", "known");
        let set: super::super::Set = [Value::from(&inside), Value::Unknown].into_iter().collect();
        let map = [("k".to_owned(), Value::from(&inside))];
        let typed = Value::Dynamic(Box::new((Type::String, Value::Unknown)));
        let object = Object::new()
            .with("list", vec![Object::new(), inside.clone()])
            .with("map", Value::Map(map.into()))
            .with("open", typed)
            .with("set", Value::Set(set))
            .with("single", &inside);
        let expected = ["list[1].a", "map[\"k\"].a", "open", "set", "single.a"];
        assert_eq!(paths(&Value::from(&object)), expected);
        assert_eq!(paths(&Value::Unknown), [""]);
        assert_eq!(paths(&Value::from("known")), [""; 0]);
    }
}
