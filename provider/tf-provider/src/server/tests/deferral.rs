//! Operations that are put off, and provider configuration that is not known yet.

use super::*;
use crate::{
    Attribute, ConfigureContext, Context, DataSource, Deferral, Diagnostic, Field, Plan, Registry,
    Resource, Result, Schema, model,
};

struct Test;

model! {
    struct Config {
        region: Field<String>,
        endpoint: String,
    }
}

impl Provider for Test {
    type Config = Config;
    type Data = Field<String>;

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("region", Attribute::optional(Type::String))
            .attribute("endpoint", Attribute::required(Type::String))
    }

    fn register(&self, registry: &mut Registry<Field<String>>) {
        registry.resource(Thing);
        registry.data_source(Thing);
    }

    fn validate(&self, config: &Object) -> Result {
        let region: Field<String> = config.get("region")?;
        if region.known().is_some_and(String::is_empty) {
            return Err(Diagnostic::error("No region", "").at("region").into());
        }
        Ok(())
    }

    async fn configure(&self, _: &ConfigureContext, config: Config) -> Result<Field<String>> {
        Ok(config.region)
    }
}

/// Does what its `name` says; both a resource and a data source.
struct Thing;

model! {
    #[derive(Clone)]
    struct Model {
        name: String,
        id: Field<String>,
    }
}

type Cx = Context<Field<String>>;

fn put_off(cx: &Cx) -> Result {
    if cx.data().is_unknown() {
        let otherwise = Diagnostic::error("Region is not known yet", "");
        return Err(cx.defer(Deferral::AbsentPrerequisite, otherwise));
    }
    Ok(())
}

impl Resource for Thing {
    const NAME: &'static str = "test_thing";
    type Data = Field<String>;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("name", Attribute::required(Type::String))
            .attribute("id", Attribute::computed(Type::String))
    }

    async fn plan(&self, cx: &Cx, _: &mut Plan) -> Result {
        put_off(cx)
    }

    async fn create(&self, _: &Cx, planned: Model) -> Result<Model> {
        Ok(planned)
    }

    async fn read(&self, cx: &Cx, state: Model) -> Result<Option<Model>> {
        put_off(cx).map(|()| Some(state))
    }

    async fn update(&self, _: &Cx, _: Model, planned: Model) -> Result<Model> {
        Ok(planned)
    }

    async fn delete(&self, _: &Cx, _: Model) -> Result {
        Ok(())
    }

    async fn import(&self, cx: &Cx, name: String) -> Result<Model> {
        let id = Field::Null;
        put_off(cx).map(|()| Model { name, id })
    }
}

impl DataSource for Thing {
    const NAME: &'static str = "test_thing";
    type Data = Field<String>;
    type Model = Model;

    fn schema(&self) -> Schema {
        Resource::schema(self)
    }

    async fn read(&self, cx: &Cx, config: Model) -> Result<Model> {
        put_off(cx).map(|()| config)
    }
}

fn thing(id: impl Into<Value>) -> Value {
    Value::Object(Object::new().with("name", "x").with("id", id.into()))
}

fn ty() -> Type {
    Resource::schema(&Thing).object_type()
}

fn config(region: impl Into<Value>, endpoint: impl Into<Value>) -> Value {
    let config = Object::new().with("region", region.into());
    Value::Object(config.with("endpoint", endpoint.into()))
}

async fn configured(config: &Value, deferral: bool) -> (Running, Vec<pb::Diagnostic>) {
    let mut running = start(Test).await;
    let ty = Test.schema().object_type();
    let found = running.configure(config, &ty, deferral).await;
    (running, found)
}

struct Answers {
    plan: pb::plan_resource_change::Response,
    destroy: pb::plan_resource_change::Response,
    read: pb::read_resource::Response,
    import: pb::import_resource_state::Response,
    look_up: pb::read_data_source::Response,
}

async fn all(running: &mut Running, deferral: bool) -> Answers {
    let type_name = "test_thing".to_owned();
    let wanted = Some(encode(&thing(Value::Null), &ty()));
    let null = Some(encode(&Value::Null, &ty()));
    let plan = pb::plan_resource_change::Request {
        type_name: type_name.clone(),
        prior_state: null.clone(),
        proposed_new_state: wanted.clone(),
        config: wanted.clone(),
        client_capabilities: Some(client(deferral)),
        ..Default::default()
    };
    let destroy = pb::plan_resource_change::Request {
        prior_state: Some(encode(&thing("1"), &ty())),
        proposed_new_state: null.clone(),
        config: null,
        ..plan.clone()
    };
    let read = pb::read_resource::Request {
        type_name: type_name.clone(),
        current_state: Some(encode(&thing("1"), &ty())),
        client_capabilities: Some(client(deferral)),
        ..Default::default()
    };
    let import = pb::import_resource_state::Request {
        type_name: type_name.clone(),
        id: "x".into(),
        client_capabilities: Some(client(deferral)),
        ..Default::default()
    };
    let look_up = pb::read_data_source::Request {
        type_name,
        config: wanted,
        client_capabilities: Some(client(deferral)),
        ..Default::default()
    };
    let client = &mut running.client;
    Answers {
        plan: client
            .plan_resource_change(plan)
            .await
            .unwrap()
            .into_inner(),
        destroy: client
            .plan_resource_change(destroy)
            .await
            .unwrap()
            .into_inner(),
        read: client.read_resource(read).await.unwrap().into_inner(),
        import: client
            .import_resource_state(import)
            .await
            .unwrap()
            .into_inner(),
        look_up: client.read_data_source(look_up).await.unwrap().into_inner(),
    }
}

fn is_deferred(answers: Answers, reason: pb::deferred::Reason) {
    let why = Some(pb::Deferred {
        reason: reason.into(),
    });
    let Answers {
        plan,
        read,
        import,
        look_up,
        ..
    } = answers;
    assert_eq!((plan.deferred, plan.diagnostics), (why, vec![]));
    assert_eq!(decode(plan.planned_state, &ty()), thing(Value::Unknown));
    assert_eq!((read.deferred, read.diagnostics), (why, vec![]));
    assert_eq!(decode(read.new_state, &ty()), thing("1"));
    assert_eq!((import.deferred, import.diagnostics), (why, vec![]));
    let state = import.imported_resources[0].state.clone();
    assert_eq!(decode(state, &ty()), Value::Unknown);
    assert_eq!((look_up.deferred, look_up.diagnostics), (why, vec![]));
    assert_eq!(decode(look_up.state, &ty()), thing(Value::Unknown));
}

#[tokio::test]
async fn an_unknown_setting_reaches_the_provider_which_puts_off_what_needs_it() {
    let (mut running, found) = configured(&config(Value::Unknown, "e"), true).await;
    assert_eq!(found, []);
    let answers = all(&mut running, true).await;
    assert_eq!(answers.destroy.deferred, None);
    is_deferred(answers, pb::deferred::Reason::AbsentPrereq);
}

#[tokio::test]
async fn where_the_caller_takes_no_deferral_it_is_an_error() {
    let (mut running, _) = configured(&config(Value::Unknown, "e"), false).await;
    let answers = all(&mut running, false).await;
    let expected = ["Region is not known yet"];
    assert_eq!(summaries(&answers.plan.diagnostics), expected);
    assert_eq!(summaries(&answers.read.diagnostics), expected);
    assert_eq!(summaries(&answers.import.diagnostics), expected);
    assert_eq!(summaries(&answers.look_up.diagnostics), expected);
    assert_eq!(decode(answers.read.new_state, &ty()), thing("1"));
    assert!(answers.plan.deferred.is_none() && answers.read.deferred.is_none());
}

#[tokio::test]
async fn an_unknown_setting_that_the_provider_cannot_do_without_puts_everything_off() {
    let unknown = config("r", Value::Unknown);
    let (mut running, found) = configured(&unknown, true).await;
    assert_eq!(found, []);
    let answers = all(&mut running, true).await;
    assert!(answers.destroy.deferred.is_some());
    is_deferred(answers, pb::deferred::Reason::ProviderConfigUnknown);

    let (_, found) = configured(&unknown, false).await;
    assert_eq!(
        summaries(&found),
        ["Provider configuration is not known yet"]
    );
    assert!(found[0].attribute.is_some() && found[0].detail.contains("endpoint"));
}

#[tokio::test]
async fn a_provider_configuration_is_checked_as_far_as_it_is_known() {
    let mut running = start(Test).await;
    let ty = Test.schema().object_type();
    for (region, expected) in [
        (Value::Unknown, &[][..]),
        ("r".into(), &[]),
        ("".into(), &["No region"]),
    ] {
        let config = Some(encode(&config(region, Value::Unknown), &ty));
        let request = pb::validate_provider_config::Request { config };
        let response = running.client.validate_provider_config(request).await;
        let found = response.unwrap().into_inner().diagnostics;
        assert_eq!(summaries(&found), expected);
    }
}
