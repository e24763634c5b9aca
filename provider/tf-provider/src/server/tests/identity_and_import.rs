//! Identity, import by it, moves between types, and the planning of destroys.

use super::*;
use crate::{
    Attribute, ConfigureContext, Context, Diagnostic, Field, IdentityAttribute, IdentitySchema,
    MoveSource, Moved, Plan, Registry, Resource, Result, Schema, model,
};

struct Test;

impl Provider for Test {
    type Config = ();
    type Data = String;

    fn register(&self, registry: &mut Registry<String>) {
        registry.resource(Host);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<String> {
        Ok("north".to_owned())
    }
}

struct Host;

model! {
    #[derive(Clone)]
    struct Model {
        name: String,
        label: Option<String>,
        id: Field<String>,
    }
}

impl Resource for Host {
    const NAME: &'static str = "test_host";
    type Data = String;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("name", Attribute::required(Type::String).requires_replace())
            .attribute("label", Attribute::optional(Type::String))
            .attribute(
                "id",
                Attribute::computed(Type::String).use_state_for_unknown(),
            )
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let region = IdentityAttribute::optional(Type::String).description("The provider's.");
        Some(
            IdentitySchema::new()
                .version(1)
                .attribute("name", IdentityAttribute::required(Type::String))
                .attribute("region", region),
        )
    }

    fn identity(&self, region: &String, state: &Object) -> Result<Object> {
        let name = state.value("name").clone();
        Ok(Object::new().with("name", name).with("region", region))
    }

    async fn plan(&self, cx: &Context<String>, _: &mut Plan) -> Result {
        cx.set_private("planned", [0, 255]);
        Ok(())
    }

    async fn plan_destroy(&self, cx: &Context<String>, state: Model) -> Result {
        if state.label.as_deref() == Some("locked") {
            return Err(Diagnostic::error("Locked until 2031", "").into());
        }
        cx.warn(Diagnostic::warning("Gone for good", ""));
        cx.set_private("foreseen", state.name);
        Ok(())
    }

    async fn create(&self, cx: &Context<String>, planned: Model) -> Result<Model> {
        let id = format!("{:?}", cx.private("planned")).into();
        Ok(Model { id, ..planned })
    }

    async fn read(&self, _: &Context<String>, state: Model) -> Result<Option<Model>> {
        let name = match state.label.as_deref() {
            Some("renamed behind our back") => "other".to_owned(),
            Some("gone") => return Ok(None),
            _ => state.name,
        };
        Ok(Some(Model { name, ..state }))
    }

    async fn update(&self, _: &Context<String>, _: Model, planned: Model) -> Result<Model> {
        Ok(planned)
    }

    async fn delete(&self, cx: &Context<String>, state: Model) -> Result {
        assert_eq!(cx.private("foreseen"), Some(state.name.into_bytes()));
        Ok(())
    }

    async fn import(&self, _: &Context<String>, id: String) -> Result<Model> {
        let (name, id) = (id.clone(), id.into());
        let label = None;
        Ok(Model { name, label, id })
    }

    async fn import_by_identity(&self, cx: &Context<String>, identity: Object) -> Result<Model> {
        let region: Option<String> = identity.get("region")?;
        if region.is_some_and(|region| region != *cx.data()) {
            return Err(Diagnostic::error("Not here", "").at("region").into());
        }
        self.import(cx, identity.get("name")?).await
    }

    fn upgrade_identity(&self, version: i64, mut identity: Object) -> Result<Object> {
        assert_eq!(version, 0);
        identity.rename("host", "name");
        Ok(identity)
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Moved>> {
        if source.type_name != "other_machine" {
            return Ok(None);
        }
        let mut state = source.state.clone();
        state.rename("title", "name");
        let private = source.private("by").unwrap_or_else(|| b"nobody".to_vec());
        Ok(Some(Moved::from(state).private("by", private)))
    }
}

fn ty() -> Type {
    Host.schema().object_type()
}

fn identity_type() -> Type {
    Host.identity_schema().unwrap().object_type()
}

fn host(name: &str, label: impl Into<Value>, id: impl Into<Value>) -> Value {
    let host = Object::new().with("name", name);
    Value::Object(host.with("label", label.into()).with("id", id.into()))
}

fn identity(name: &str, region: impl Into<Value>) -> Value {
    let identity = Object::new().with("name", name);
    Value::Object(identity.with("region", region.into()))
}

fn identity_data(value: &Value) -> pb::ResourceIdentityData {
    let identity_data = Some(encode(value, &identity_type()));
    pb::ResourceIdentityData { identity_data }
}

async fn running() -> Running {
    let mut running = start(Test).await;
    let (config, config_type) = nothing();
    assert_eq!(running.configure(&config, &config_type, false).await, []);
    running
}

async fn plan(
    running: &mut Running,
    prior: &Value,
    config: &Value,
) -> pb::plan_resource_change::Response {
    let request = pb::plan_resource_change::Request {
        type_name: "test_host".into(),
        prior_state: Some(encode(prior, &ty())),
        proposed_new_state: Some(encode(config, &ty())),
        config: Some(encode(config, &ty())),
        ..Default::default()
    };
    let response = running.client.plan_resource_change(request).await;
    response.unwrap().into_inner()
}

async fn apply(
    running: &mut Running,
    prior: &Value,
    planned: pb::plan_resource_change::Response,
) -> pb::apply_resource_change::Response {
    let request = pb::apply_resource_change::Request {
        type_name: "test_host".into(),
        prior_state: Some(encode(prior, &ty())),
        config: planned.planned_state.clone(),
        planned_state: planned.planned_state,
        planned_private: planned.planned_private,
        planned_identity: planned.planned_identity,
        ..Default::default()
    };
    let response = running.client.apply_resource_change(request).await;
    response.unwrap().into_inner()
}

async fn read(
    running: &mut Running,
    state: &Value,
    before: Option<pb::ResourceIdentityData>,
) -> pb::read_resource::Response {
    let request = pb::read_resource::Request {
        type_name: "test_host".into(),
        current_state: Some(encode(state, &ty())),
        current_identity: before,
        ..Default::default()
    };
    let response = running.client.read_resource(request).await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn the_identity_is_declared() {
    let mut running = start(Test).await;
    let request = pb::get_resource_identity_schemas::Request {};
    let response = running.client.get_resource_identity_schemas(request).await;
    let schema = response.unwrap().into_inner().identity_schemas["test_host"].clone();
    assert_eq!(schema.version, 1);
    let [name, region] = &schema.identity_attributes[..] else {
        panic!("two attributes")
    };
    assert!(name.required_for_import && !name.optional_for_import);
    assert!(!region.required_for_import && region.optional_for_import);
    assert_eq!(
        (name.name.as_str(), name.r#type.as_slice()),
        ("name", &br#""string""#[..])
    );
    assert_eq!(region.description, "The provider's.");
}

#[tokio::test]
async fn plan_apply_and_read_return_the_identity() {
    let mut running = running().await;
    let wanted = host("a", Value::Null, Value::Null);
    let planned = plan(&mut running, &Value::Null, &wanted).await;
    let north = identity("a", "north");
    assert_eq!(
        identity_of(planned.planned_identity.clone(), &identity_type()),
        north
    );
    let made = apply(&mut running, &Value::Null, planned).await;
    assert_eq!(made.diagnostics, []);
    assert_eq!(
        identity_of(made.new_identity.clone(), &identity_type()),
        north
    );
    let state = decode(made.new_state, &ty());
    let seen = read(&mut running, &state, made.new_identity).await;
    assert_eq!(seen.diagnostics, []);
    assert_eq!(identity_of(seen.new_identity, &identity_type()), north);
}

#[tokio::test]
async fn planned_private_data_reaches_apply_whole() {
    let mut running = running().await;
    let wanted = host("a", Value::Null, Value::Null);
    let planned = plan(&mut running, &Value::Null, &wanted).await;
    let made = apply(&mut running, &Value::Null, planned).await;
    let state = decode(made.new_state, &ty());
    assert_eq!(state, host("a", Value::Null, "Some([0, 255])"));
}

#[tokio::test]
async fn an_identity_that_cannot_be_told_yet_is_left_open() {
    let mut running = running().await;
    let wanted = Object::new().with("name", Value::Unknown);
    let wanted = wanted.with("label", Value::Null).with("id", Value::Null);
    let planned = plan(&mut running, &Value::Null, &Value::Object(wanted)).await;
    assert_eq!(planned.diagnostics, []);
    assert_eq!(planned.planned_identity, None);
}

#[tokio::test]
async fn an_identity_that_changes_is_a_bug() {
    let mut running = running().await;
    let before = Some(identity_data(&identity("a", "north")));
    let state = host("a", "renamed behind our back", "1");
    let seen = read(&mut running, &state, before).await;
    assert_eq!(
        summaries(&seen.diagnostics),
        ["test_host changed its identity: bug in the provider"]
    );
    let gone = read(&mut running, &host("a", "gone", "1"), None).await;
    assert_eq!((gone.new_identity, gone.diagnostics), (None, vec![]));
}

async fn import(id: &str, identity: Option<&Value>) -> pb::import_resource_state::Response {
    let request = pb::import_resource_state::Request {
        type_name: "test_host".into(),
        id: id.into(),
        identity: identity.map(identity_data),
        ..Default::default()
    };
    let response = running().await.client.import_resource_state(request).await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn import_takes_an_id_or_an_identity() {
    let given = identity("a", Value::Null);
    for (id, given) in [("a", None), ("", Some(&given))] {
        let response = import(id, given).await;
        assert_eq!(response.diagnostics, []);
        let imported = response.imported_resources[0].clone();
        assert_eq!(decode(imported.state, &ty()), host("a", Value::Null, "a"));
        assert_eq!(
            identity_of(imported.identity, &identity_type()),
            identity("a", "north")
        );
    }
    let elsewhere = import("", Some(&identity("a", "south"))).await;
    assert_eq!(summaries(&elsewhere.diagnostics), ["Not here"]);
    assert!(elsewhere.imported_resources.is_empty());
}

async fn upgrade(version: i64, text: &str) -> pb::upgrade_resource_identity::Response {
    let request = pb::upgrade_resource_identity::Request {
        type_name: "test_host".into(),
        version,
        raw_identity: Some(json(text)),
    };
    let response = start(Test)
        .await
        .client
        .upgrade_resource_identity(request)
        .await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn identities_are_upgraded_from_the_version_that_they_have() {
    for (version, text) in [
        (1, r#"{"name":"a","region":"north","removed":1}"#),
        (0, r#"{"host":"a","region":"north","removed":1}"#),
    ] {
        let response = upgrade(version, text).await;
        assert_eq!(response.diagnostics, []);
        let upgraded = identity_of(response.upgraded_identity, &identity_type());
        assert_eq!(upgraded, identity("a", "north"));
    }
    let newer = upgrade(2, "{}").await;
    assert_eq!(
        summaries(&newer.diagnostics),
        ["Identity of a newer provider"]
    );
    let unknown = upgrade(-1, "{}").await;
    assert_eq!(
        summaries(&unknown.diagnostics),
        ["test_host failed to upgrade the identity: bug in the provider"]
    );
}

async fn moved(from: &str, state: &str, private: &[u8]) -> pb::move_resource_state::Response {
    let request = pb::move_resource_state::Request {
        source_provider_address: "registry.terraform.io/example/other".into(),
        source_type_name: from.into(),
        source_schema_version: 7,
        source_state: Some(json(state)),
        target_type_name: "test_host".into(),
        source_private: private.to_vec(),
        ..Default::default()
    };
    // Terraform moves before it configures.
    let response = start(Test).await.client.move_resource_state(request).await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn a_resource_of_another_type_is_taken_over() {
    let state = r#"{"title":"a","disks":[1,2],"label":null}"#;
    for (private, by) in [
        (&br#"{"by":"dXM="}"#[..], "us"),
        (b"\xff\x00 of another form", "nobody"),
        (b"", "nobody"),
    ] {
        let response = moved("other_machine", state, private).await;
        assert_eq!(response.diagnostics, []);
        assert_eq!(
            decode(response.target_state, &ty()),
            host("a", Value::Null, Value::Null)
        );
        let private = crate::context::Private::decode(&response.target_private);
        assert_eq!(private.clone().take("by"), Some(by.as_bytes().to_vec()));
    }
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused() {
    let unknown = moved("other_disk", "{}", b"").await;
    assert_eq!(summaries(&unknown.diagnostics), ["Move is not supported"]);
    let empty = moved("other_machine", "", b"").await;
    assert_eq!(
        summaries(&empty.diagnostics),
        ["State of an unsupported form"]
    );
    let wrong = moved("other_machine", r#"{"title":[]}"#, b"").await;
    assert!(wrong.target_state.is_none() && wrong.diagnostics[0].attribute.is_some());
}

#[tokio::test]
async fn a_planned_destroy_warns_refuses_and_leaves_private_data_for_the_delete() {
    let mut running = running().await;
    let state = host("a", Value::Null, "1");
    let planned = plan(&mut running, &state, &Value::Null).await;
    assert_eq!(summaries(&planned.diagnostics), ["Gone for good"]);
    assert_eq!(decode(planned.planned_state.clone(), &ty()), Value::Null);
    let gone = apply(&mut running, &state, planned).await;
    assert_eq!(gone.diagnostics, []);
    assert_eq!(
        (decode(gone.new_state, &ty()), gone.private),
        (Value::Null, vec![])
    );

    let refused = plan(&mut running, &host("a", "locked", "1"), &Value::Null).await;
    assert_eq!(summaries(&refused.diagnostics), ["Locked until 2031"]);
}

#[tokio::test]
async fn a_replacement_is_warned_of_and_refused_like_a_destroy() {
    let mut running = running().await;
    let change = async |running: &mut Running, label: &str, name: &str| {
        let prior = host("a", label, "1");
        plan(running, &prior, &host(name, label, Value::Null)).await
    };
    let replaced = change(&mut running, "free", "b").await;
    assert_eq!(summaries(&replaced.diagnostics), ["Gone for good"]);
    assert_eq!(replaced.requires_replace.len(), 1);
    // The create that follows must not find what was left for the delete.
    let private = crate::context::Private::decode(&replaced.planned_private);
    assert_eq!(private.clone().take("foreseen"), None);
    let refused = change(&mut running, "locked", "b").await;
    assert_eq!(summaries(&refused.diagnostics), ["Locked until 2031"]);
    assert_eq!(change(&mut running, "locked", "a").await.diagnostics, []);
}
