use super::*;
use crate::{Type, validate};

fn fields() -> Fields {
    let rule = Fields::new()
        .attribute("name", Attribute::required(Type::String))
        .attribute(
            "kind",
            Attribute::optional(Type::String)
                .default("plain")
                .requires_replace(),
        )
        .attribute("arn", Attribute::computed(Type::String))
        .attribute(
            "id",
            Attribute::computed(Type::String).use_state_for_unknown(),
        );
    Fields::new()
        .attribute("name", Attribute::required(Type::String).requires_replace())
        .attribute("text", Attribute::optional(Type::String))
        .attribute("mode", Attribute::optional(Type::String).default("0644"))
        .attribute(
            "region",
            Attribute::optional_computed(Type::String).requires_replace(),
        )
        .attribute("etag", Attribute::computed(Type::String))
        .attribute(
            "id",
            Attribute::computed(Type::String).use_state_for_unknown(),
        )
        .attribute("secret", Attribute::optional(Type::String).write_only())
        .attribute("rules", Attribute::optional(Nested::list(rule.clone())))
        .attribute("by_name", Attribute::optional(Nested::map(rule.clone())))
        .attribute("distinct", Attribute::optional(Nested::set(rule.clone())))
        .block("watch", Block::list(rule))
}

/// An object with every attribute of the fields, as the codec makes it.
fn whole(fields: &Fields, object: Object) -> Object {
    let ty = fields.object_type();
    let Value::Object(object) =
        crate::codec::conform(Value::Object(object), &ty, &AttributePath::root()).unwrap()
    else {
        panic!("an object")
    };
    settle(fields, object)
}

fn config(object: Object) -> Object {
    whole(&fields(), object.with("name", "x"))
}

fn prior(object: Object) -> Object {
    let computed = Object::new()
        .with("mode", "0644")
        .with("region", "here")
        .with("etag", "e1")
        .with("id", "i1");
    config(computed.into_iter().chain(object).collect())
}

fn rule(name: &str) -> Object {
    Object::new().with("name", name)
}

fn made_rule(name: &str) -> Object {
    rule(name)
        .with("kind", "plain")
        .with("arn", format!("arn-{name}"))
        .with("id", format!("id-{name}"))
}

fn planned(config: Object, prior: Option<Object>) -> Plan {
    plan(&fields(), config, prior, Blocks::AsConfigured).unwrap()
}

fn paths(plan: &Plan) -> Vec<String> {
    replacements(&fields(), plan)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_create_knows_what_is_configured_or_default_and_nothing_else() {
    let plan = planned(
        config(
            Object::new()
                .with("text", Value::Unknown)
                .with("secret", "s"),
        ),
        None,
    );
    assert_eq!(plan.planned.value("name"), &Value::from("x"));
    assert_eq!(plan.planned.value("text"), &Value::Unknown);
    assert_eq!(plan.planned.value("mode"), &Value::from("0644"));
    for computed in ["region", "etag", "id"] {
        assert_eq!(plan.planned.value(computed), &Value::Unknown, "{computed}");
    }
    assert_eq!(plan.planned.value("secret"), &Value::Null);
    assert!(plan.is_create() && paths(&plan).is_empty());
}

#[test]
fn nothing_changed_is_an_empty_plan() {
    let rules = |made: fn(&str) -> Object| {
        let row = || vec![made("a"), made("b")];
        Object::new()
            .with("rules", row())
            .with("distinct", row())
            .with("watch", row())
    };
    let before = prior(rules(made_rule));
    let plan = planned(
        config(rules(rule).with("secret", "s")),
        Some(before.clone()),
    );
    assert_eq!(plan.planned, before);
    assert!(paths(&plan).is_empty());
}

#[test]
fn a_change_makes_computed_values_unknown_unless_they_keep_their_state() {
    let plan = planned(
        config(Object::new().with("text", "new")),
        Some(prior(Object::new())),
    );
    assert_eq!(plan.planned.value("etag"), &Value::Unknown);
    assert_eq!(plan.planned.value("id"), &Value::from("i1"));
    assert_eq!(
        paths(&plan),
        Vec::<String>::new(),
        "a region that nobody configured does not cause a replacement"
    );
}

#[test]
fn what_is_removed_from_the_configuration_becomes_null_or_default() {
    let before = prior(Object::new().with("text", "old").with("mode", "0600"));
    let plan = planned(config(Object::new()), Some(before));
    assert_eq!(plan.planned.value("text"), &Value::Null);
    assert_eq!(plan.planned.value("mode"), &Value::from("0644"));
}

#[test]
fn replacement_is_asked_for_where_the_value_differs() {
    let to = |object: Object| paths(&planned(config(object), Some(prior(Object::new()))));
    assert_eq!(to(Object::new().with("region", "there")), ["region"]);
    assert_eq!(
        to(Object::new().with("region", "here")),
        Vec::<String>::new()
    );
    assert_eq!(to(Object::new().with("region", Value::Unknown)), ["region"]);
}

#[test]
fn nested_attributes_are_planned_element_by_element() {
    let before = prior(Object::new().with("rules", vec![made_rule("a")]));
    let plan = planned(
        config(Object::new().with("rules", vec![rule("a"), rule("b")])),
        Some(before),
    );
    let rules: Vec<Object> = plan.planned.get("rules").unwrap();
    assert_eq!(rules[0], made_rule("a").with("arn", Value::Unknown));
    assert_eq!(
        rules[1],
        rule("b")
            .with("kind", "plain")
            .with("arn", Value::Unknown)
            .with("id", Value::Unknown)
    );
    assert_eq!(paths(&plan), ["rules[1].kind"]);
}

#[test]
fn elements_of_a_map_and_a_set_are_found_again() {
    let map = |made: Object| {
        [("k".to_owned(), made)]
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let before = prior(
        Object::new()
            .with("by_name", map(made_rule("a")))
            .with("distinct", vec![made_rule("b"), made_rule("a")]),
    );
    let after = Object::new()
        .with("by_name", map(rule("a").with("kind", "other")))
        .with("distinct", vec![rule("a"), rule("c")]);
    let plan = planned(config(after), Some(before));
    assert_eq!(paths(&plan), [r#"by_name["k"].kind"#, "distinct"]);
    let distinct: Vec<Object> = plan.planned.get("distinct").unwrap();
    let ids: Vec<_> = distinct
        .iter()
        .map(|rule| rule.value("id").clone())
        .collect();
    assert!(ids.contains(&Value::from("id-a")) && ids.contains(&Value::Unknown));
}

#[test]
fn an_unknown_nested_attribute_stays_unknown_as_a_whole() {
    let plan = planned(config(Object::new().with("rules", Value::Unknown)), None);
    assert_eq!(plan.planned.value("rules"), &Value::Unknown);
}

#[test]
fn no_blocks_are_an_empty_list() {
    let settled = settle(&fields(), Object::new());
    assert_eq!(settled.value("watch"), &Value::List(Vec::new()));
}

#[test]
fn validators_name_the_attribute_and_pass_over_what_is_not_known() {
    let day = |day: u32| {
        if day < 366 {
            Ok(())
        } else {
            Err(format!("{day} days are too many."))
        }
    };
    let rule = Fields::new().attribute("days", Attribute::required(Type::Number).validate(day));
    let fields = Fields::new().attribute("rules", Attribute::optional(Nested::list(rule)));
    let days = |days: Value| Object::new().with("days", days);
    let rules = vec![
        days(Value::Unknown),
        days(Value::Null),
        days((&400).into()),
        days((&-1).into()),
        days((&3).into()),
    ];
    let found = validate::validate(&fields, &Object::new().with("rules", rules));
    let found: Vec<_> = found
        .iter()
        .map(|found| format!("{} at {}: {}", found.summary, found.path, found.detail))
        .collect();
    assert_eq!(
        found,
        [
            "No value for rules[1].days at rules: A value is required here, and null is not one.",
            "Invalid value for rules[2].days at rules: 400 days are too many.",
            "Invalid value for rules[3].days at rules: Expected a whole number from 0 to 4294967295, found -1.",
        ]
    );
}

/// Plans one attribute with its modifiers, inside a list and outside.
fn modified(attribute: Attribute, config: Value, prior: Option<Value>) -> Result<Plan> {
    let inside = Fields::new().attribute("in", attribute.clone());
    let fields = Fields::new()
        .attribute("out", attribute)
        .attribute("rows", Attribute::optional(Nested::list(inside.clone())))
        .attribute("set", Attribute::optional(Nested::set(inside)))
        .attribute("etag", Attribute::computed(Type::String));
    let object = |value: Value, etag: Value| {
        let row = Object::new().with("in", value.clone());
        let object = Object::new().with("out", value);
        let object = object
            .with("rows", vec![row.clone()])
            .with("set", vec![row]);
        whole(&fields, object.with("etag", etag))
    };
    let prior = prior.map(|value| object(value, "e".into()));
    plan(
        &fields,
        object(config, Value::Null),
        prior,
        Blocks::AsConfigured,
    )
}

fn without_case() -> Attribute {
    let lower = |value: &Value| {
        if let Value::String(text) = value {
            text.to_lowercase()
        } else {
            String::new()
        }
    };
    Attribute::required(Type::String).plan_with(move |change| {
        if lower(change.config()) == "no" {
            return Err(format!("{} cannot be.", change.path()));
        }
        if lower(change.config()) == lower(change.prior()) {
            change.planned = change.prior().clone();
        } else if !change.is_create() {
            change.require_replace();
        }
        Ok(())
    })
}

#[test]
fn a_modifier_passes_over_a_change_that_means_nothing() {
    let plan = modified(without_case(), "ABC".into(), Some("abc".into())).unwrap();
    let prior = plan.prior.unwrap();
    for same in ["out", "rows"] {
        assert_eq!(plan.planned.value(same), prior.value(same));
    }
}

#[test]
fn a_modifier_asks_for_replacement_at_its_attribute() {
    let plan = modified(without_case(), "x".into(), Some("abc".into())).unwrap();
    let asked: Vec<_> = plan.replace.iter().map(ToString::to_string).collect();
    // A row is found again by its place; an element of a set that differs is another one.
    assert_eq!(asked, ["out", "rows[0].in", "set"]);
    assert_eq!(plan.planned.value("etag"), &Value::Unknown);
    let create = modified(without_case(), "x".into(), None).unwrap();
    assert!(create.replace.is_empty());
}

#[test]
fn what_a_modifier_objects_to_has_its_path() {
    let wrong = modified(without_case(), "no".into(), None).unwrap_err();
    let details: Vec<_> = wrong.iter().map(|found| found.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "out cannot be.",
            "rows[0].in cannot be.",
            "set.in cannot be."
        ]
    );
    let bug = Attribute::optional_computed(Type::Number).plan_with(|change| {
        change.planned = "x".into();
        Ok(())
    });
    let wrong = modified(bug, Value::Null, None).unwrap_err();
    let found = wrong.iter().next().unwrap();
    assert_eq!(found.summary, "Wrong plan for out: bug in the provider");
}

#[test]
fn computed_block_that_is_not_configured_is_left_to_the_provider_where_the_caller_takes_that() {
    let rule = Fields::new().attribute("days", Attribute::required(Type::Number));
    let fields = Fields::new()
        .attribute("name", Attribute::required(Type::String))
        .block("rule", Block::list(rule).computed());
    let rules = |days: &[i64]| {
        let rules = days.iter().map(|days| Object::new().with("days", days));
        Value::List(rules.map(Value::Object).collect())
    };
    let object = |name: &str, rules: Value| Object::new().with("name", name).with("rule", rules);
    let planned = |config: Object, prior: Option<Object>, blocks| {
        let plan = plan(&fields, config, prior, blocks).unwrap();
        plan.planned.value("rule").clone()
    };
    let prior = || Some(object("a", rules(&[3])));
    let computed = Blocks::MayBeComputed;
    for none in [rules(&[]), Value::Null] {
        assert_eq!(
            planned(object("a", none.clone()), None, computed),
            Value::Unknown
        );
        assert_eq!(
            planned(object("a", none.clone()), prior(), computed),
            rules(&[3])
        );
        assert_eq!(
            planned(object("b", none), prior(), computed),
            Value::Unknown
        );
    }
    assert_eq!(
        planned(object("b", rules(&[1])), prior(), computed),
        rules(&[1])
    );
    assert_eq!(
        planned(object("b", rules(&[])), prior(), Blocks::AsConfigured),
        rules(&[])
    );
}
