//! The RPCs on a provider that fails in every way.

use super::*;
use crate::context::Private;
use crate::harness::{Harness, Instance};
use crate::{Attribute, ConfigureContext, Field, Resource, Schema, Type, Value, codec, model};

struct Test;

impl Provider for Test {
    type Config = ();
    type Data = ();

    fn register(&self, registry: &mut Registry<()>) {
        registry.resource(Thing);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<()> {
        Ok(())
    }
}

/// Does what its `name` says.
struct Thing;

model! {
    #[derive(Clone)]
    struct ThingModel {
        name: String,
        id: Field<String>,
    }
}

impl Resource for Thing {
    const NAME: &'static str = "test_thing";
    type Data = ();
    type Model = ThingModel;

    fn schema(&self) -> Schema {
        Schema::new()
            .version(3)
            .attribute("name", Attribute::required(Type::String))
            .attribute(
                "id",
                Attribute::computed(Type::String).use_state_for_unknown(),
            )
    }

    async fn create(&self, cx: &Context<()>, planned: ThingModel) -> Result<ThingModel> {
        cx.set_private("from", "create");
        match planned.name.as_str() {
            "fail" => return Err(Diagnostic::error("Failed", "").into()),
            "half" | "panic half" => cx.keep(&planned),
            "unknown" => return Ok(planned),
            _ => {}
        }
        match planned.name.as_str() {
            "half" => Err(Diagnostic::error("Failed half-way", "").at("name").into()),
            "panic half" | "panic" => panic!("out of cheese"),
            _ => Ok(ThingModel {
                id: "1".to_owned().into(),
                ..planned
            }),
        }
    }

    async fn read(&self, cx: &Context<()>, state: ThingModel) -> Result<Option<ThingModel>> {
        match state.name.as_str() {
            "gone" => Ok(None),
            "fail" => Err(Diagnostic::error("Failed", "").into()),
            "private" => {
                let from = cx.private("from").unwrap_or_default();
                let id = String::from_utf8(from).unwrap().into();
                Ok(Some(ThingModel { id, ..state }))
            }
            _ => Ok(Some(state)),
        }
    }

    async fn update(
        &self,
        _: &Context<()>,
        _: ThingModel,
        planned: ThingModel,
    ) -> Result<ThingModel> {
        if planned.name == "fail" {
            Err(Diagnostic::error("Failed", "").into())
        } else {
            Ok(planned)
        }
    }

    async fn delete(&self, _: &Context<()>, state: ThingModel) -> Result {
        if state.name == "fail" {
            Err(Diagnostic::error("Locked", "").into())
        } else {
            Ok(())
        }
    }

    fn upgrade(&self, version: i64, mut state: Object) -> Result<Object> {
        assert_eq!(version, 2);
        state.rename("title", "name");
        Ok(state)
    }
}

async fn service() -> Service<Test> {
    let service = Service::new(Test).unwrap();
    let config =
        wire::encode(&Value::Object(Object::new()), &service.schema.object_type()).unwrap();
    let request = pb::configure_provider::Request {
        config: Some(config),
        ..Default::default()
    };
    assert_eq!(service.configure_provider(request).await.diagnostics, []);
    service
}

fn thing(name: &str, id: impl Into<Value>) -> Value {
    Value::Object(object(name, id))
}

fn encoded(value: &Value) -> pb::DynamicValue {
    wire::encode(value, &Thing.schema().object_type()).unwrap()
}

fn decoded(value: Option<pb::DynamicValue>) -> Value {
    codec::decode(&value.unwrap().msgpack, &Thing.schema().object_type()).unwrap()
}

fn summaries(diagnostics: &[pb::Diagnostic]) -> Vec<&str> {
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.summary.as_str())
        .collect()
}

/// A thing that exists with this state, or does not exist yet.
fn holding(harness: &Harness<Test>, state: Option<Object>) -> Instance<'_, Test> {
    let mut thing = harness.resource("test_thing").unwrap();
    if let Some(state) = state {
        thing.set_state(state).unwrap();
    }
    thing
}

async fn harness() -> Harness<Test> {
    let started = Harness::start(Test, Object::new()).await;
    started.unwrap_or_else(|found| panic!("{found:?}"))
}

/// The errors of an apply, and what is kept afterwards.
async fn applied(state: Option<Object>, name: &str) -> (Vec<Diagnostic>, Option<Object>) {
    let harness = harness().await;
    let mut thing = holding(&harness, state);
    let result = thing.apply(&Object::new().with("name", name)).await;
    let found = result.err().unwrap_or_default().into_iter().collect();
    (found, thing.state().cloned())
}

fn object(name: &str, id: impl Into<Value>) -> Object {
    Object::new().with("name", name).with("id", id.into())
}

fn titles(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|one| one.summary.as_str()).collect()
}

async fn read(state: Option<pb::DynamicValue>, private: Vec<u8>) -> pb::read_resource::Response {
    let request = pb::read_resource::Request {
        type_name: "test_thing".into(),
        current_state: state,
        private,
        ..Default::default()
    };
    service().await.read_resource(request).await
}

#[tokio::test]
async fn a_create_gives_state_and_private_data() {
    let request = pb::apply_resource_change::Request {
        type_name: "test_thing".into(),
        prior_state: Some(encoded(&Value::Null)),
        planned_state: Some(encoded(&thing("x", Value::Unknown))),
        config: Some(encoded(&thing("x", Value::Null))),
        ..Default::default()
    };
    let response = service().await.apply_resource_change(request).await;
    assert_eq!(decoded(response.new_state), thing("x", "1"));
    assert_eq!(response.private, br#"{"from":"Y3JlYXRl"}"#);
    assert_eq!(response.diagnostics, []);
    assert!(!response.legacy_type_system);
}

#[tokio::test]
async fn a_create_that_made_nothing_leaves_nothing() {
    let (found, state) = applied(None, "fail").await;
    assert_eq!((titles(&found), state), (vec!["Failed"], None));
}

#[tokio::test]
async fn a_half_made_thing_stays_in_the_state_beside_the_error() {
    let (found, state) = applied(None, "half").await;
    assert_eq!(titles(&found), ["Failed half-way"]);
    assert_eq!(found[0].path, "name".into());
    assert_eq!(state, Some(object("half", Value::Null)));
}

#[tokio::test]
async fn a_panic_half_way_loses_nothing_either() {
    let (found, state) = applied(None, "panic half").await;
    let title = "test_thing failed to create: bug in the provider";
    assert_eq!(titles(&found), [title]);
    assert!(found[0].detail.contains("out of cheese"));
    assert_eq!(state, Some(object("panic half", Value::Null)));
}

#[tokio::test]
async fn a_thing_whose_state_is_not_whole_is_not_lost() {
    let (found, state) = applied(None, "unknown").await;
    let title = "test_thing returned an unknown value: bug in the provider";
    assert_eq!(titles(&found), [title]);
    assert_eq!(state, Some(object("unknown", Value::Null)));
}

#[tokio::test]
async fn a_failed_update_leaves_the_prior_state() {
    let (found, state) = applied(Some(object("x", "1")), "fail").await;
    assert_eq!(titles(&found), ["Failed"]);
    assert_eq!(state, Some(object("x", "1")));
}

#[tokio::test]
async fn a_failed_destroy_leaves_the_prior_state() {
    let harness = harness().await;
    let mut locked = holding(&harness, Some(object("fail", "1")));
    let found: Vec<_> = locked.destroy().await.unwrap_err().into_iter().collect();
    assert_eq!(titles(&found), ["Locked"]);
    assert_eq!(locked.state(), Some(&object("fail", "1")));
    let mut open = holding(&harness, Some(object("x", "1")));
    open.destroy().await.unwrap();
    assert_eq!(open.state(), None);
}

#[tokio::test]
async fn a_request_without_a_planned_state_destroys_nothing() {
    let request = pb::apply_resource_change::Request {
        type_name: "test_thing".into(),
        prior_state: Some(encoded(&thing("x", "1"))),
        ..Default::default()
    };
    let response = service().await.apply_resource_change(request).await;
    assert_eq!(decoded(response.new_state), thing("x", "1"));
    assert_eq!(
        response.diagnostics[0].detail,
        "Terraform sent no planned state."
    );
}

#[tokio::test]
async fn a_read_says_gone_only_when_it_is() {
    assert_eq!(
        decoded(
            read(Some(encoded(&thing("gone", "1"))), Vec::new())
                .await
                .new_state
        ),
        Value::Null
    );
    let failed = read(Some(encoded(&thing("fail", "1"))), Vec::new()).await;
    assert_eq!(decoded(failed.new_state), thing("fail", "1"));
    assert_eq!(summaries(&failed.diagnostics), ["Failed"]);
    assert_eq!(
        read(None, Vec::new()).await.diagnostics[0].detail,
        "Terraform sent no current state."
    );
}

#[tokio::test]
async fn private_data_is_handed_on() {
    let state = Some(encoded(&thing("private", "1")));
    let response = read(state.clone(), br#"{"from":"Y3JlYXRl"}"#.to_vec()).await;
    assert_eq!(decoded(response.new_state), thing("private", "create"));
    assert_eq!(
        Private::decode(&response.private).encode(),
        br#"{"from":"Y3JlYXRl"}"#
    );
    let foreign = read(state, b"\x00foreign".to_vec()).await;
    assert_eq!(decoded(foreign.new_state), thing("private", ""));
}

async fn upgrade(version: i64, json: &str) -> pb::upgrade_resource_state::Response {
    let raw_state = Some(pb::RawState {
        json: json.as_bytes().to_vec(),
        ..Default::default()
    });
    let request = pb::upgrade_resource_state::Request {
        type_name: "test_thing".into(),
        version,
        raw_state,
    };
    service().await.upgrade_resource_state(request).await
}

#[tokio::test]
async fn state_is_upgraded_from_the_version_that_it_has() {
    let same = upgrade(3, r#"{"name":"x","id":"1","removed":true}"#).await;
    assert_eq!(decoded(same.upgraded_state), thing("x", "1"));
    let older = upgrade(2, r#"{"title":"x","id":"1","removed":true}"#).await;
    assert_eq!(decoded(older.upgraded_state), thing("x", "1"));
    let newer = upgrade(4, r#"{"name":"x"}"#).await;
    assert_eq!(summaries(&newer.diagnostics), ["State of a newer provider"]);
    let broken = upgrade(3, r#"{"name":["x"]}"#).await;
    assert!(broken.upgraded_state.is_none() && broken.diagnostics[0].attribute.is_some());
    // The resource knows version 2 alone, and panics.
    let unknown = upgrade(1, "{}").await;
    assert_eq!(
        summaries(&unknown.diagnostics),
        ["test_thing failed to upgrade: bug in the provider"]
    );
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let service = service().await;
    let metadata = service.get_metadata(pb::get_metadata::Request {});
    let capabilities = metadata.server_capabilities.unwrap();
    assert!(
        capabilities.plan_destroy
            && capabilities.move_resource_state
            && !capabilities.generate_resource_config
    );
    let import = pb::import_resource_state::Request {
        type_name: "test_thing".into(),
        ..Default::default()
    };
    let response = service.import_resource_state(import).await;
    assert_eq!(
        summaries(&response.diagnostics),
        ["Import is not supported"]
    );
    let moved = pb::move_resource_state::Request {
        target_type_name: "test_thing".into(),
        source_state: Some(pb::RawState {
            json: b"{}".to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        summaries(&service.move_resource_state(moved).await.diagnostics),
        ["Move is not supported"]
    );
    let other = pb::read_resource::Request {
        type_name: "test_other".into(),
        ..Default::default()
    };
    assert_eq!(
        summaries(&service.read_resource(other).await.diagnostics),
        ["No resource test_other"]
    );
}

#[tokio::test]
async fn nothing_works_before_the_provider_is_configured() {
    let request = pb::read_resource::Request {
        type_name: "test_thing".into(),
        current_state: Some(encoded(&thing("x", "1"))),
        ..Default::default()
    };
    let response = Service::new(Test).unwrap().read_resource(request).await;
    assert_eq!(
        summaries(&response.diagnostics),
        ["Provider is not configured"]
    );
    assert_eq!(decoded(response.new_state), thing("x", "1"));
}

#[tokio::test]
async fn a_stop_reaches_running_operations() {
    let service = service().await;
    let cx = service
        .context(Object::new(), Private::default(), None)
        .unwrap();
    assert!(!cx.cancellation().is_cancelled());
    service.stop_provider(pb::stop_provider::Request {});
    cx.cancellation().cancelled().await;
}
