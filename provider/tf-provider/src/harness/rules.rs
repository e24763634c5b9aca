//! What Terraform demands of plans and results.

use crate::schema::{Attribute, Block, Fields, Nesting, Shape};
use crate::{AttributePath, Diagnostic, Diagnostics, Object, Value};

/// Whether a plan keeps what the configuration sets, and leaves null what it does not set and the provider does not compute.
/// Elements of sets are not compared.
pub(super) fn check_plan(
    fields: &Fields,
    config: &Object,
    prior: Option<&Object>,
    planned: &Object,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    let sides = Sides {
        config,
        prior,
        planned,
    };
    check_object(fields, sides, &AttributePath::root(), &mut found);
    found
}

/// Whether what came out is what was planned, as far as the plan knew it.
pub(super) fn check_result(planned: &Value, actual: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    check_same(planned, actual, &AttributePath::root(), &mut found);
    found
}

#[derive(Clone, Copy)]
struct Sides<'a> {
    config: &'a Object,
    prior: Option<&'a Object>,
    planned: &'a Object,
}

fn invalid(path: &AttributePath, detail: String) -> Diagnostic {
    Diagnostic::error("Invalid plan: bug in the provider", detail).at(path.clone())
}

fn check_object(fields: &Fields, sides: Sides<'_>, path: &AttributePath, found: &mut Diagnostics) {
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        let [config, prior, planned] = values(sides, name);
        check_attribute(attribute, [config, prior, planned], &path, found);
    }
    for (name, block) in &fields.blocks {
        let path = path.clone().attribute(name);
        check_block(block, values(sides, name), &path, found);
    }
}

fn values<'a>(sides: Sides<'a>, name: &str) -> [&'a Value; 3] {
    let prior = sides.prior.map_or(&Value::Null, |prior| prior.value(name));
    [sides.config.value(name), prior, sides.planned.value(name)]
}

fn check_attribute(
    attribute: &Attribute,
    [config, prior, planned]: [&Value; 3],
    path: &AttributePath,
    found: &mut Diagnostics,
) {
    let kept = planned == config || (!config.is_null() && planned == prior);
    if attribute.write_only {
        if !planned.is_null() {
            found.push(invalid(
                path,
                format!("{path} is write-only, but was planned."),
            ));
        }
    } else if config.is_null() && attribute.is_computed() || kept {
    } else if let (Shape::Nested(nested), false) = (&attribute.shape, config.is_null()) {
        let values = [config, prior, planned];
        check_nested(nested.nesting, &nested.fields, values, path, found);
    } else {
        let detail = format!("{path} is not what the configuration sets, and not what it was.");
        found.push(invalid(path, detail));
    }
}

fn check_block(
    block: &Block,
    [config, prior, planned]: [&Value; 3],
    path: &AttributePath,
    found: &mut Diagnostics,
) {
    let none = match config {
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
    };
    if planned != config && !(block.computed && none) {
        let values = [config, prior, planned];
        check_nested(block.nesting, &block.fields, values, path, found);
    }
}

fn check_nested(
    nesting: Nesting,
    fields: &Fields,
    values: [&Value; 3],
    path: &AttributePath,
    found: &mut Diagnostics,
) {
    let [config, prior, planned] = values;
    match (config, planned) {
        (Value::Object(_), Value::Object(_)) => check_element(fields, values, path, found),
        (Value::List(configs), Value::List(plans)) if configs.len() == plans.len() => {
            let priors: &[Value] = if let Value::List(prior) = prior {
                prior
            } else {
                &[]
            };
            for (at, (config, planned)) in configs.iter().zip(plans).enumerate() {
                let prior = priors.get(at).unwrap_or(&Value::Null);
                check_element(
                    fields,
                    [config, prior, planned],
                    &path.clone().index(at),
                    found,
                );
            }
        }
        (Value::Map(configs), Value::Map(plans)) if configs.keys().eq(plans.keys()) => {
            for ((key, config), planned) in configs.iter().zip(plans.values()) {
                let prior = if let Value::Map(prior) = prior {
                    prior.get(key)
                } else {
                    None
                };
                let values = [config, prior.unwrap_or(&Value::Null), planned];
                check_element(fields, values, &path.clone().key(key), found);
            }
        }
        (Value::Set(configs), Value::Set(plans)) if configs.len() == plans.len() => {}
        _ => {
            let what = if nesting == Nesting::Single {
                "value"
            } else {
                "elements"
            };
            found.push(invalid(
                path,
                format!("{path} does not have the {what} that the configuration sets."),
            ));
        }
    }
}

fn check_element(
    fields: &Fields,
    [config, prior, planned]: [&Value; 3],
    path: &AttributePath,
    found: &mut Diagnostics,
) {
    if let (Value::Object(config), Value::Object(planned)) = (config, planned) {
        let prior = if let Value::Object(prior) = prior {
            Some(prior)
        } else {
            None
        };
        let sides = Sides {
            config,
            prior,
            planned,
        };
        check_object(fields, sides, path, found);
    } else if config != planned {
        found.push(invalid(
            path,
            format!("{path} is not what the configuration sets."),
        ));
    }
}

fn check_same(planned: &Value, actual: &Value, path: &AttributePath, found: &mut Diagnostics) {
    match (planned, actual) {
        (planned, _) if planned.is_unknown() => {}
        (Value::Object(planned), Value::Object(actual)) => {
            for (name, planned) in planned {
                check_same(
                    planned,
                    actual.value(name),
                    &path.clone().attribute(name),
                    found,
                );
            }
        }
        (Value::List(planned), Value::List(actual))
        | (Value::Tuple(planned), Value::Tuple(actual))
            if planned.len() == actual.len() =>
        {
            for (at, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                check_same(planned, actual, &path.clone().index(at), found);
            }
        }
        (Value::Map(planned), Value::Map(actual)) if planned.keys().eq(actual.keys()) => {
            for ((key, planned), actual) in planned.iter().zip(actual.values()) {
                check_same(planned, actual, &path.clone().key(key), found);
            }
        }
        // Elements that were not known may have turned out to be any.
        (planned @ Value::Set(_), Value::Set(_)) if !planned.is_wholly_known() => {}
        (planned, actual) if planned == actual => {}
        _ => {
            let detail = format!("{path} is not what was planned.");
            let summary = "Inconsistent result: bug in the provider";
            found.push(Diagnostic::error(summary, detail).at(path.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Nested, Type};

    fn fields() -> Fields {
        let rule = Fields::new()
            .attribute("days", Attribute::required(Type::Number))
            .attribute("id", Attribute::computed(Type::String));
        Fields::new()
            .attribute("name", Attribute::required(Type::String))
            .attribute("note", Attribute::optional(Type::String))
            .attribute("size", Attribute::computed(Type::Number))
            .attribute("secret", Attribute::optional(Type::String).write_only())
            .attribute("rules", Attribute::optional(Nested::list(rule.clone())))
            .attribute("named", Attribute::optional(Nested::map(rule.clone())))
            .block("watch", Block::list(rule))
    }

    fn paths(found: &Diagnostics) -> Vec<String> {
        found.iter().map(|one| one.path.to_string()).collect()
    }

    fn planned(config: &Object, planned: &Object) -> Vec<String> {
        paths(&check_plan(&fields(), config, None, planned))
    }

    fn rule(days: i64) -> Object {
        Object::new().with("days", days)
    }

    #[test]
    fn plan_keeps_what_the_configuration_sets_at_every_depth() {
        let config = Object::new()
            .with("name", "a")
            .with("secret", "s")
            .with("rules", vec![rule(1), rule(2)])
            .with(
                "named",
                Value::Map([("a".to_owned(), Value::from(&rule(1)))].into()),
            )
            .with("watch", vec![rule(1)]);
        let good = config.clone().with("secret", Value::Null).with("size", 3);
        assert_eq!(planned(&config, &good), [""; 0]);
        let wrong = good
            .clone()
            .with("name", "b")
            .with("note", "n")
            .with("secret", "s")
            .with("rules", vec![rule(1).with("id", "x"), rule(3)])
            .with(
                "named",
                Value::Map([("b".to_owned(), Value::from(&rule(1)))].into()),
            )
            .with("watch", vec![rule(1), rule(2)]);
        let expected = ["name", "named", "note", "rules[1].days", "secret", "watch"];
        assert_eq!(planned(&config, &wrong), expected);
        let kept = good.clone().with("name", "old");
        let prior = Object::new().with("name", "old");
        assert!(check_plan(&fields(), &config, Some(&prior), &kept).is_empty());
    }

    #[test]
    fn result_is_what_was_planned_as_far_as_that_was_known() {
        let planned = Object::new()
            .with("name", "a")
            .with("size", Value::Unknown)
            .with("rules", vec![rule(1).with("id", Value::Unknown)]);
        let actual = Object::new()
            .with("name", "a")
            .with("size", 3)
            .with("rules", vec![rule(1).with("id", "x")]);
        let check =
            |actual: &Object| paths(&check_result(&Value::from(&planned), &Value::from(actual)));
        assert_eq!(check(&actual), [""; 0]);
        let wrong = actual.with("name", "b").with("rules", vec![rule(2)]);
        assert_eq!(check(&wrong), ["name", "rules[0].days"]);
    }
}
