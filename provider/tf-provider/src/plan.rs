//! The planned state of a create or an update, as Terraform demands it of providers.
//!
//! What the configuration sets is kept. Any other attribute gets its default, if it has one. Without a default, it keeps the
//! value of the state as long as nothing changes. Once anything changes, it is unknown, unless it keeps its state.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::codec::conform;
use crate::schema::{Attribute, Block, Fields, Nested, Nesting, Shape};
use crate::{
    AttributePath, AttributePlan, Diagnostic, Diagnostics, Object, Plan, Result, Set, Value,
};

/// The plan before the resource itself has its say.
///
/// # Errors
/// What the modifiers of attributes object to.
pub(crate) fn plan(
    fields: &Fields,
    config: Object,
    prior: Option<Object>,
    blocks: Blocks,
) -> Result<Plan> {
    let run = |changed: bool| {
        let mut planner = Planner {
            changed,
            blocks,
            is_create: prior.is_none(),
            replace: Vec::new(),
            wrong: Diagnostics::new(),
        };
        let after = planner.object(fields, &config, prior.as_ref(), &AttributePath::root());
        (after, planner.replace, planner.wrong)
    };
    let unchanged = Some(run(false)).filter(|(after, ..)| prior.as_ref() == Some(after));
    let (planned, replace, wrong) = unchanged.unwrap_or_else(|| run(true));
    if wrong.has_errors() {
        return Err(wrong);
    }
    Ok(Plan {
        config,
        prior,
        planned,
        replace,
    })
}

/// The attributes for whose sake a new resource is made: those that the schema says and those that the resource asked for.
pub(crate) fn replacements(fields: &Fields, plan: &Plan) -> Vec<AttributePath> {
    let mut replace = plan.replace.clone();
    if let Some(prior) = &plan.prior {
        let sides = Sides {
            config: &plan.config,
            prior,
            planned: &plan.planned,
        };
        replacing(fields, &sides, &AttributePath::root(), &mut replace);
    }
    replace.sort();
    replace.dedup();
    replace
}

/// What the caller takes in place of blocks that are not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// No blocks.
    AsConfigured,
    /// What the provider sets, if the schema says that it does (protocol 6.11).
    MayBeComputed,
}

struct Planner {
    blocks: Blocks,
    /// Whether anything differs from the state, so that what is computed may too.
    changed: bool,
    is_create: bool,
    /// What modifiers ask for and object to.
    replace: Vec<AttributePath>,
    wrong: Diagnostics,
}

impl Planner {
    fn object(
        &mut self,
        fields: &Fields,
        config: &Object,
        prior: Option<&Object>,
        path: &AttributePath,
    ) -> Object {
        let of_prior = |name: &str| prior.map_or(&Value::Null, |prior| prior.value(name));
        let mut planned = Object::new();
        for (name, attribute) in &fields.attributes {
            let path = path.clone().attribute(name);
            let sides = [config.value(name), of_prior(name)];
            let value = self.attribute(attribute, sides, &path);
            planned.set(name, self.modified(attribute, sides, &path, value));
        }
        for (name, block) in &fields.blocks {
            let path = path.clone().attribute(name);
            let sides = [config.value(name), of_prior(name)];
            planned.set(name, self.block(block, sides, &path));
        }
        planned
    }

    fn block(
        &mut self,
        block: &Block,
        [config, prior]: [&Value; 2],
        path: &AttributePath,
    ) -> Value {
        let is_computed = block.computed && self.blocks == Blocks::MayBeComputed;
        match is_computed && has_no_block(config) {
            true if self.changed => Value::Unknown,
            true => prior.clone(),
            false => self.nested(block.nesting, &block.fields, [config, prior], path),
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        [config, prior]: [&Value; 2],
        path: &AttributePath,
    ) -> Value {
        if attribute.write_only {
            return Value::Null;
        }
        if !config.is_null() {
            return match &attribute.shape {
                Shape::Type(_) => config.clone(),
                Shape::Nested(Nested { nesting, fields }) => {
                    self.nested(*nesting, fields, [config, prior], path)
                }
            };
        }
        match &attribute.plan.default {
            Some(default) => default.clone(),
            None if !attribute.is_computed() => Value::Null,
            None if !self.changed || (attribute.plan.use_state_for_unknown && !prior.is_null()) => {
                prior.clone()
            }
            None => Value::Unknown,
        }
    }

    /// What the attribute's own modifiers make of it.
    fn modified(
        &mut self,
        attribute: &Attribute,
        [config, prior]: [&Value; 2],
        path: &AttributePath,
        planned: Value,
    ) -> Value {
        if attribute.modifiers.is_empty() || attribute.write_only {
            return planned;
        }
        let mut change = AttributePlan {
            path,
            config,
            prior,
            is_create: self.is_create,
            replace: false,
            planned,
        };
        for modify in &attribute.modifiers {
            if let Err(text) = modify(&mut change) {
                let summary = format!("Impossible change of {path}");
                self.wrong
                    .push(Diagnostic::error(summary, text).at(path.clone()));
            }
        }
        if change.replace && !self.is_create {
            self.replace.push(path.clone());
        }
        match conform(change.planned, &attribute.ty(), path) {
            Ok(planned) => planned,
            Err(error) => {
                let detail = format!(
                    "A modifier planned what the schema does not allow: {error}. Please report this to the provider's authors."
                );
                let summary = format!("Wrong plan for {path}: bug in the provider");
                self.wrong
                    .push(Diagnostic::error(summary, detail).at(error.path));
                Value::Unknown
            }
        }
    }

    fn nested(
        &mut self,
        nesting: Nesting,
        fields: &Fields,
        [config, prior]: [&Value; 2],
        path: &AttributePath,
    ) -> Value {
        let mut element = |config: &Value, prior: Option<&Value>, path: &AttributePath| {
            let Value::Object(config) = config else {
                return config.clone();
            };
            let prior = prior.and_then(as_object);
            Value::Object(self.object(fields, config, prior, path))
        };
        match (nesting, config, prior) {
            (Nesting::Single, config, prior) => element(config, Some(prior), path),
            (_, Value::List(elements), prior) => {
                let prior = if let Value::List(prior) = prior {
                    prior.as_slice()
                } else {
                    &[]
                };
                let elements = elements.iter().enumerate();
                let planned = elements
                    .map(|(at, config)| element(config, prior.get(at), &path.clone().index(at)));
                Value::List(planned.collect())
            }
            (_, Value::Set(elements), prior) => {
                let none = Set::default();
                let prior = if let Value::Set(prior) = prior {
                    prior
                } else {
                    &none
                };
                let matching = |config: &Value| {
                    prior
                        .iter()
                        .find(|prior| says_the_same(fields, config, prior))
                };
                let elements = elements.iter();
                let planned = elements.map(|config| element(config, matching(config), path));
                let planned = Value::Set(planned.collect());
                // Elements of a set have no path of their own.
                for inside in &mut self.replace {
                    if inside.starts_with(path) {
                        *inside = path.clone();
                    }
                }
                planned
            }
            (_, Value::Map(elements), prior) => {
                let none = BTreeMap::new();
                let prior = if let Value::Map(prior) = prior {
                    prior
                } else {
                    &none
                };
                let planned = elements.iter().map(|(key, config)| {
                    let value = element(config, prior.get(key), &path.clone().key(key));
                    (key.clone(), value)
                });
                Value::Map(planned.collect())
            }
            // Null or unknown as a whole.
            (_, other, _) => other.clone(),
        }
    }
}

/// Whether no block of a kind is configured.
fn has_no_block(config: &Value) -> bool {
    match config {
        Value::Null => true,
        Value::List(blocks) => blocks.is_empty(),
        Value::Set(blocks) => blocks.is_empty(),
        Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Map(_)
        | Value::Object(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => false,
    }
}

fn as_object(value: &Value) -> Option<&Object> {
    if let Value::Object(object) = value {
        Some(object)
    } else {
        None
    }
}

/// Whether an element of a set in the state is what this element of the configuration became.
fn says_the_same(fields: &Fields, config: &Value, prior: &Value) -> bool {
    let (Value::Object(config), Value::Object(prior)) = (config, prior) else {
        return config == prior;
    };
    let attributes = fields.attributes.iter().all(|(name, attribute)| {
        let (config, prior) = (config.value(name), prior.value(name));
        match &attribute.plan.default {
            _ if attribute.write_only => true,
            Some(default) if config.is_null() => default == prior,
            _ => (config.is_null() && attribute.is_computed()) || config == prior,
        }
    });
    attributes
        && fields.blocks.iter().all(|(name, block)| {
            let (config, prior) = (config.value(name), prior.value(name));
            (block.computed && has_no_block(config)) || config == prior
        })
}

/// One object as configured, as it was and as it will be.
#[derive(Clone, Copy)]
struct Sides<'a> {
    config: &'a Object,
    prior: &'a Object,
    planned: &'a Object,
}

/// Collects what differs and cannot be changed in place.
fn replacing(
    fields: &Fields,
    sides: &Sides<'_>,
    path: &AttributePath,
    replace: &mut Vec<AttributePath>,
) {
    for (name, attribute) in &fields.attributes {
        let (prior, planned) = (sides.prior.value(name), sides.planned.value(name));
        // An attribute that is not configured and may come out differently does not ask for a replacement.
        let left_open = planned.is_unknown() && sides.config.value(name).is_null();
        if prior == planned || left_open {
            continue;
        }
        let path = path.clone().attribute(name);
        match &attribute.shape {
            _ if attribute.plan.requires_replace => replace.push(path),
            Shape::Type(_) => {}
            Shape::Nested(Nested { nesting, fields }) => {
                replacing_in(*nesting, fields, sides, name, &path, replace);
            }
        }
    }
    for (
        name,
        Block {
            nesting, fields, ..
        },
    ) in &fields.blocks
    {
        let (prior, planned) = (sides.prior.value(name), sides.planned.value(name));
        if prior != planned && !planned.is_unknown() {
            replacing_in(
                *nesting,
                fields,
                sides,
                name,
                &path.clone().attribute(name),
                replace,
            );
        }
    }
}

fn replacing_in(
    nesting: Nesting,
    fields: &Fields,
    sides: &Sides<'_>,
    name: &str,
    path: &AttributePath,
    replace: &mut Vec<AttributePath>,
) {
    let (config, prior, planned) = (
        sides.config.value(name),
        sides.prior.value(name),
        sides.planned.value(name),
    );
    let mut found = Vec::new();
    // What has no counterpart is compared with nothing: adding or removing it is a change of all that it holds.
    for (path, [config, prior, planned]) in counterparts(nesting, [config, prior, planned], path) {
        let none = Object::new();
        let object = |value: Option<&'_ Value>| {
            value
                .and_then(as_object)
                .cloned()
                .unwrap_or_else(|| none.clone())
        };
        let (config, prior, planned) = (object(config), object(prior), object(planned));
        replacing(
            fields,
            &Sides {
                config: &config,
                prior: &prior,
                planned: &planned,
            },
            &path,
            &mut found,
        );
    }
    // Elements of a set have no path of their own.
    if nesting == Nesting::Set {
        replace.extend(found.first().map(|_| path.clone()));
    } else {
        replace.extend(found);
    }
}

type Counterparts<'a> = Vec<(AttributePath, [Option<&'a Value>; 3])>;

fn counterparts<'a>(
    nesting: Nesting,
    sides: [&'a Value; 3],
    path: &AttributePath,
) -> Counterparts<'a> {
    let set = |value: &'a Value| {
        if let Value::Set(set) = value {
            set.iter().collect()
        } else {
            Vec::new()
        }
    };
    match nesting {
        Nesting::Single => vec![(path.clone(), sides.map(Some))],
        Nesting::List => {
            let rows = sides.map(|value| {
                if let Value::List(row) = value {
                    row.as_slice()
                } else {
                    &[]
                }
            });
            let length = rows.iter().map(|row| row.len()).max().unwrap_or(0);
            (0..length)
                .map(|at| (path.clone().index(at), rows.map(|row| row.get(at))))
                .collect()
        }
        Nesting::Map => {
            let maps = sides.map(|value| {
                if let Value::Map(map) = value {
                    Some(map)
                } else {
                    None
                }
            });
            let keys: std::collections::BTreeSet<&String> =
                maps.iter().flatten().flat_map(|map| map.keys()).collect();
            let side = |key: &String| maps.map(|map| map.and_then(|map| map.get(key)));
            keys.into_iter()
                .map(|key| (path.clone().key(key), side(key)))
                .collect()
        }
        Nesting::Set => {
            let [_, prior, planned] = sides.map(set);
            let gone = prior.iter().filter(|element| !planned.contains(element));
            let new = planned.iter().filter(|element| !prior.contains(element));
            gone.map(|element| (path.clone(), [None, Some(*element), None]))
                .chain(new.map(|element| (path.clone(), [Some(*element), None, Some(*element)])))
                .collect()
        }
    }
}

/// Puts into the form that Terraform takes what a provider returned: write-only attributes are null in plan and state,
/// and a list or set of no blocks is empty, never null.
pub(crate) fn settle(fields: &Fields, mut object: Object) -> Object {
    for (name, attribute) in &fields.attributes {
        if attribute.write_only {
            object.set(name, Value::Null);
        } else if let Shape::Nested(nested) = &attribute.shape
            && let Some(value) = object.remove(name)
        {
            object.set(name, settle_in(&nested.fields, value));
        }
    }
    for (name, block) in &fields.blocks {
        let value = match (object.remove(name).unwrap_or_default(), block.nesting) {
            (Value::Null, Nesting::List) => Value::List(Vec::new()),
            (Value::Null, Nesting::Set) => Value::Set(Set::default()),
            (value, _) => settle_in(&block.fields, value),
        };
        object.set(name, value);
    }
    object
}

fn settle_in(fields: &Fields, value: Value) -> Value {
    let each = |value| settle_in(fields, value);
    match value {
        Value::Object(object) => Value::Object(settle(fields, object)),
        Value::List(elements) => Value::List(elements.into_iter().map(each).collect()),
        Value::Set(elements) => Value::Set(elements.into_iter().map(each).collect()),
        Value::Map(elements) => Value::Map(
            elements
                .into_iter()
                .map(|(key, value)| (key, each(value)))
                .collect(),
        ),
        Value::Null
        | Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => value,
    }
}

/// The same value with null in place of everything unknown.
pub(crate) fn unknown_as_null(value: Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::List(elements) => Value::List(elements.into_iter().map(unknown_as_null).collect()),
        Value::Tuple(elements) => Value::Tuple(elements.into_iter().map(unknown_as_null).collect()),
        Value::Set(elements) => Value::Set(elements.into_iter().map(unknown_as_null).collect()),
        Value::Map(elements) => Value::Map(
            elements
                .into_iter()
                .map(|(key, value)| (key, unknown_as_null(value)))
                .collect(),
        ),
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(name, value)| (name, unknown_as_null(value)))
                .collect(),
        ),
        Value::Dynamic(typed) => Value::Dynamic(Box::new((typed.0, unknown_as_null(typed.1)))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
