//! The harness over a provider that does what its resources' names say.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{
    Attribute, Block, ConfigureContext, Context, DataSource, Deferral, Field, Fields, Function,
    FunctionError, IdentityAttribute, IdentitySchema, Parameter, Plan, Registry, Resource,
    Signature, Type, model,
};

struct Test;

model! { struct Config { region: Field<String>, settings: Field<Settings> } }

model! { struct Settings { ports: Field<Vec<Field<u32>>> } }

impl Provider for Test {
    type Config = Config;
    type Data = Vec<String>;

    fn schema(&self) -> Schema {
        let ports = Attribute::optional(Type::list(Type::Number));
        Schema::new()
            .attribute("region", Attribute::optional(Type::String).length(1..))
            .block(
                "settings",
                Block::single(Fields::new().attribute("ports", ports)),
            )
    }

    fn register(&self, registry: &mut Registry<Vec<String>>) {
        registry.resource(Thing(AtomicUsize::new(0)));
        registry.data_source(Lookup);
        registry.function(Join);
    }

    async fn configure(&self, cx: &ConfigureContext, _: Config) -> Result<Vec<String>> {
        Ok(cx.unknown().iter().map(ToString::to_string).collect())
    }
}

/// With the number of plans so far.
struct Thing(AtomicUsize);

model! {
    #[derive(Clone, Debug, PartialEq)]
    struct ThingModel => ThingPlan {
        name: String,
        kind: Option<String>,
        id: Field<String>,
        rule: Field<Vec<Rule>>,
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Rule => RulePlan { days: u32 }
}

impl Resource for Thing {
    const NAME: &'static str = "test_thing";
    type Data = Vec<String>;
    type Model = ThingModel;

    fn schema(&self) -> Schema {
        let rule = Fields::new().attribute("days", Attribute::required(Type::Number));
        Schema::new()
            .version(1)
            .attribute("name", Attribute::required(Type::String))
            .attribute("kind", Attribute::optional(Type::String).requires_replace())
            .attribute(
                "id",
                Attribute::computed(Type::String).use_state_for_unknown(),
            )
            .block("rule", Block::list(rule).computed())
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().attribute("id", IdentityAttribute::required(Type::String)))
    }

    async fn plan(&self, cx: &Context<Vec<String>>, plan: &mut Plan) -> Result {
        let mut sides = plan.typed::<ThingModel>()?;
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_string();
        match sides.planned.name.known().map(String::as_str) {
            Some("renamed") => sides.planned.name = "other".to_owned().into(),
            Some("fickle") => sides.planned.id = count.into(),
            Some("made up") if cx.keeps_planned_private() => {
                let earlier = cx.planned_private("id");
                let id = earlier.map_or(count, |id| String::from_utf8(id).unwrap());
                cx.set_private("id", id.clone());
                sides.planned.id = id.into();
            }
            Some("later") => {
                let otherwise = Diagnostic::error("Not yet", "");
                return Err(cx.defer(Deferral::AbsentPrerequisite, otherwise));
            }
            _ => {}
        }
        plan.set_planned(&sides.planned);
        Ok(())
    }

    async fn create(&self, cx: &Context<Vec<String>>, planned: ThingModel) -> Result<ThingModel> {
        let made = ThingModel {
            id: planned
                .id
                .into_known()
                .unwrap_or_else(|| "1".to_owned())
                .into(),
            rule: planned
                .rule
                .into_known()
                .unwrap_or_else(|| vec![Rule { days: 7 }])
                .into(),
            ..planned
        };
        if made.name == "half" {
            cx.keep(&made);
            return Err(Diagnostic::error("Failed half-way", "").into());
        }
        if made.name == "liar" {
            return Ok(ThingModel {
                kind: Some("x".to_owned()),
                ..made
            });
        }
        Ok(made)
    }

    async fn read(
        &self,
        _: &Context<Vec<String>>,
        state: ThingModel,
    ) -> Result<Option<ThingModel>> {
        Ok((state.name != "gone").then_some(state))
    }

    async fn update(
        &self,
        cx: &Context<Vec<String>>,
        _: ThingModel,
        planned: ThingModel,
    ) -> Result<ThingModel> {
        if planned.name == "half" {
            return Err(Diagnostic::error("Failed", "").into());
        }
        self.create(cx, planned).await
    }

    async fn plan_destroy(&self, cx: &Context<Vec<String>>, _: ThingModel) -> Result {
        cx.warn(Diagnostic::warning("It is gone for good", ""));
        Ok(())
    }

    async fn delete(&self, _: &Context<Vec<String>>, state: ThingModel) -> Result {
        if state.kind.as_deref() == Some("locked") {
            return Err(Diagnostic::error("Locked", "").into());
        }
        Ok(())
    }

    async fn import(&self, _: &Context<Vec<String>>, id: String) -> Result<ThingModel> {
        let (name, rule) = ("imported".to_owned(), Field::Known(Vec::new()));
        let id = id.into();
        Ok(ThingModel {
            name,
            kind: None,
            id,
            rule,
        })
    }

    async fn import_by_identity(
        &self,
        cx: &Context<Vec<String>>,
        identity: Object,
    ) -> Result<ThingModel> {
        self.import(cx, identity.get("id")?).await
    }

    fn upgrade(&self, _: i64, mut state: Object) -> Result<Object> {
        state.rename("title", "name");
        Ok(state)
    }
}

struct Lookup;

model! { struct LookupModel { of: String, unknown: Field<Vec<String>> } }

impl DataSource for Lookup {
    const NAME: &'static str = "test_lookup";
    type Data = Vec<String>;
    type Model = LookupModel;

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("of", Attribute::required(Type::String).one_of(["a"]))
            .attribute("unknown", Attribute::computed(Type::list(Type::String)))
    }

    async fn read(&self, cx: &Context<Vec<String>>, config: LookupModel) -> Result<LookupModel> {
        let unknown = cx.data().clone().into();
        Ok(LookupModel { unknown, ..config })
    }
}

struct Join;

impl Function for Join {
    const NAME: &'static str = "join";
    type Arguments = (String, Vec<String>);
    type Output = String;

    fn signature(&self) -> Signature {
        Signature::returning(Type::String)
            .parameter(Parameter::new("by", Type::String))
            .variadic(Parameter::new("parts", Type::String))
    }

    async fn call(&self, (by, parts): (String, Vec<String>)) -> Result<String, FunctionError> {
        if parts.is_empty() {
            return Err(FunctionError::new("Nothing to join."));
        }
        Ok(parts.join(&by))
    }
}

async fn start(client: Client) -> Harness<Test> {
    let started = Harness::start_for(Test, Object::new(), client).await;
    started.unwrap_or_else(|found| panic!("{found:?}"))
}

fn named(name: &str) -> Object {
    Object::new().with("name", name)
}

fn shown<T: std::fmt::Debug>(result: Result<T>) -> String {
    let found = result.unwrap_err();
    let one = found.iter().next().unwrap();
    format!("{}: {} ({})", one.summary, one.detail, one.path)
}

fn text(instance: &Instance<'_, Test>, name: &str) -> Option<String> {
    instance.state().and_then(|state| state.get(name).unwrap())
}

#[tokio::test]
async fn life_of_a_resource_from_create_to_destroy() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    assert_eq!(
        thing.plan(&named("a")).await.unwrap().change,
        Change::Create
    );
    thing.apply(&named("a")).await.unwrap();
    assert_eq!(text(&thing, "id").as_deref(), Some("1"));
    thing.refresh().await.unwrap();
    assert_eq!(
        thing.plan(&named("a")).await.unwrap().change,
        Change::Nothing
    );
    let update = thing.plan(&named("b")).await.unwrap();
    assert_eq!(update.change, Change::Update);
    assert_eq!(update.state.unwrap().value("id"), &Value::from("1"));
    let other = named("b").with("kind", "x");
    let replacement = thing.plan(&other).await.unwrap();
    assert_eq!(replacement.change, Change::Replace);
    assert_eq!(replacement.replace, ["kind".into()]);
    assert_eq!(replacement.warnings.iter().count(), 1);
    thing.apply(&other).await.unwrap();
    assert_eq!(text(&thing, "kind").as_deref(), Some("x"));
    assert_eq!(thing.destroy().await.unwrap().iter().count(), 1);
    assert_eq!(thing.state(), None);
}

#[tokio::test]
async fn what_terraform_refuses_is_refused() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    assert_eq!(
        shown(thing.apply(&named("renamed")).await),
        "Invalid plan: bug in the provider: name is not what the configuration sets, and not what it was. (name)"
    );
    assert_eq!(
        shown(thing.apply(&named("fickle")).await),
        "Inconsistent result: bug in the provider: id is not what was planned. (id)"
    );
    assert_eq!(thing.state(), None);
    assert_eq!(
        shown(thing.apply(&named("liar")).await),
        "Inconsistent result: bug in the provider: kind is not what was planned. (kind)"
    );
    assert!(thing.state().is_some());
    let invalid = Object::new().with("name", Value::Null);
    assert!(shown(thing.plan(&invalid).await).starts_with("No value for name"));
}

#[tokio::test]
async fn half_made_resource_is_tainted_and_the_next_apply_replaces_it() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    assert_eq!(
        shown(thing.apply(&named("half")).await),
        "Failed half-way:  ()"
    );
    assert!(thing.is_tainted() && thing.state().is_some());
    thing.apply(&named("a")).await.unwrap();
    assert!(!thing.is_tainted());
    // An update that fails does not taint.
    assert_eq!(shown(thing.apply(&named("half")).await), "Failed:  ()");
    assert!(!thing.is_tainted());
    assert_eq!(text(&thing, "name").as_deref(), Some("a"));
}

#[tokio::test]
async fn destroy_that_fails_keeps_the_state_and_what_is_gone_has_none() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    let locked = named("a").with("kind", "locked").with("id", "1");
    thing.set_state(locked).unwrap();
    assert_eq!(shown(thing.destroy().await), "Locked:  ()");
    assert!(thing.state().is_some());
    thing.set_state(named("gone").with("id", "1")).unwrap();
    thing.refresh().await.unwrap();
    assert_eq!(thing.state(), None);
}

#[tokio::test]
async fn state_is_imported_and_upgraded() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    thing.import("7").await.unwrap();
    assert_eq!(text(&thing, "id").as_deref(), Some("7"));
    thing
        .import_by_identity(Object::new().with("id", "8"))
        .await
        .unwrap();
    let identity = thing.identity().unwrap().unwrap();
    assert_eq!(identity.value("id"), &Value::from("8"));
    thing
        .upgrade(0, r#"{"title":"old","id":"9"}"#)
        .await
        .unwrap();
    assert_eq!(text(&thing, "name").as_deref(), Some("old"));
}

/// `OpenTofu` before 1.12 and Terraform before 1.12 neither ask for identities nor send any.
#[tokio::test]
async fn client_that_never_sends_identities_can_do_everything_else() {
    for client in [
        Client::oldest(),
        Client::newest().without(Capability::Identity),
    ] {
        let provider = start(client).await;
        let mut thing = provider.resource("test_thing").unwrap();
        thing.import("7").await.unwrap();
        thing.refresh().await.unwrap();
        let config = named("imported");
        assert_eq!(thing.plan(&config).await.unwrap().change, Change::Nothing);
        thing.apply(&named("a")).await.unwrap();
        thing.apply(&named("a").with("kind", "x")).await.unwrap();
        thing.refresh().await.unwrap();
        thing
            .upgrade(1, r#"{"name":"a","kind":"x","id":"1","rule":[]}"#)
            .await
            .unwrap();
        thing.refresh().await.unwrap();
        thing.destroy().await.unwrap();
        assert_eq!(thing.state(), None);
        thing.apply(&named("b")).await.unwrap();
        assert_eq!(text(&thing, "name").as_deref(), Some("b"));
    }
}

#[tokio::test]
async fn value_that_is_made_up_in_a_plan_lasts_where_the_client_gives_it_back() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    thing.apply(&named("made up")).await.unwrap();
    assert_eq!(text(&thing, "id").as_deref(), Some("0"));
    let provider = start(Client::newest().without(Capability::PlannedPrivate)).await;
    let mut thing = provider.resource("test_thing").unwrap();
    let planned = thing.plan(&named("made up")).await.unwrap();
    assert_eq!(planned.state.unwrap().value("id"), &Value::Unknown);
    thing.apply(&named("made up")).await.unwrap();
    assert_eq!(text(&thing, "id").as_deref(), Some("1"));
}

#[tokio::test]
async fn computed_blocks_are_left_to_the_provider_where_the_client_takes_them() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    let planned = thing.plan(&named("a")).await.unwrap();
    assert_eq!(planned.state.unwrap().value("rule"), &Value::Unknown);
    thing.apply(&named("a")).await.unwrap();
    let days = |thing: &Instance<'_, Test>| -> Vec<u32> {
        let rules: Vec<Rule> = thing.state().unwrap().get("rule").unwrap();
        rules.into_iter().map(|rule| rule.days).collect()
    };
    assert_eq!(days(&thing), [7]);
    assert_eq!(
        thing.plan(&named("a")).await.unwrap().change,
        Change::Nothing
    );
    let own = named("a").with("rule", vec![Object::new().with("days", 3)]);
    thing.apply(&own).await.unwrap();
    assert_eq!(days(&thing), [3]);

    let provider = start(Client::newest().without(Capability::ComputedBlocks)).await;
    let mut thing = provider.resource("test_thing").unwrap();
    thing.apply(&named("a")).await.unwrap();
    assert_eq!(days(&thing), [0; 0]);
}

#[tokio::test]
async fn operation_is_put_off_only_where_the_client_takes_that() {
    let provider = start(Client::newest()).await;
    let mut thing = provider.resource("test_thing").unwrap();
    assert_eq!(shown(thing.apply(&named("later")).await), "Not yet:  ()");
    let provider = start(Client::newest().with(Capability::Deferral)).await;
    let mut thing = provider.resource("test_thing").unwrap();
    let planned = thing.plan(&named("later")).await.unwrap();
    assert_eq!(planned.deferred, Some(Deferral::AbsentPrerequisite));
    assert_eq!(
        shown(thing.apply(&named("later")).await),
        "Put off: AbsentPrerequisite ()"
    );
}

#[tokio::test]
async fn configuration_is_checked_and_its_unknown_paths_reach_the_provider() {
    let refused = Harness::start(Test, Object::new().with("region", "")).await;
    assert!(shown(refused.map(drop)).starts_with("Invalid value for region: Expected at least 1"));
    let ports = Object::new().with("ports", Value::List(vec![Value::from(&1), Value::Unknown]));
    let config = Object::new()
        .with("region", Value::Unknown)
        .with("settings", ports);
    let provider = Harness::start(Test, config)
        .await
        .map_err(|found| format!("{found:?}"));
    let found = provider
        .unwrap()
        .data_source("test_lookup", &Object::new().with("of", "a"))
        .await;
    let unknown: Vec<String> = found.unwrap().get("unknown").unwrap();
    assert_eq!(unknown, ["region", "settings.ports[1]"]);
}

#[tokio::test]
async fn data_sources_and_functions_answer_or_say_why_not() {
    let provider = start(Client::newest()).await;
    let refused = provider
        .data_source("test_lookup", &Object::new().with("of", "b"))
        .await;
    assert_eq!(
        shown(refused),
        "Invalid value for of: \"b\" is not one of \"a\". (of)"
    );
    let words = ["-", "a", "b"].map(Value::from);
    assert_eq!(
        provider.call("join", &words).await.unwrap(),
        Value::from("a-b")
    );
    let alone = provider.call("join", &words[..1]).await;
    assert_eq!(
        shown(alone),
        "Error in a function call: Nothing to join. ()"
    );
    assert!(shown(provider.resource("test_other").map(drop)).starts_with("No resource test_other"));
    assert!(shown(provider.call("other", &[]).await).starts_with("No function other"));
}

/// A data source whose model has another name inside than its schema.
struct Misnamed;

model! { struct MisnamedModel { rules: Vec<MisnamedRule> } }

model! { struct MisnamedRule { day: Option<u32> } }

impl DataSource for Misnamed {
    const NAME: &'static str = "test_misnamed";
    type Data = ();
    type Model = MisnamedModel;

    fn schema(&self) -> Schema {
        let days = Attribute::optional(Type::Number);
        let rule = crate::Nested::list(Fields::new().attribute("days", days));
        Schema::new().attribute("rules", Attribute::required(rule))
    }

    async fn read(&self, _: &Context<()>, config: MisnamedModel) -> Result<MisnamedModel> {
        Ok(config)
    }
}

struct Wrong;

impl Provider for Wrong {
    type Config = ();
    type Data = ();

    fn register(&self, registry: &mut Registry<()>) {
        registry.data_source(Misnamed);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn provider_whose_model_differs_from_its_schema_inside_does_not_start() {
    let started = Harness::start(Wrong, Object::new()).await;
    assert_eq!(
        shown(started.map(drop)),
        "Mistakes in schemas: test_misnamed: rules.days: the model has no such field\n\
         test_misnamed: rules.day: the schema has no such attribute ()"
    );
}
