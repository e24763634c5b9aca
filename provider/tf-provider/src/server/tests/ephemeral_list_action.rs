//! Ephemeral resources, list resources and actions.

use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio_stream::StreamExt as _;

use super::*;
use crate::proto::tfplugin6::invoke_action::event::Type as Said;
use crate::{
    Action, Attribute, ConfigureContext, Context, Deferral, Diagnostic, EphemeralResource, Field,
    IdentityAttribute, IdentitySchema, ListResource, Listed, Listing, Opened, Progress, Registry,
    Resource, Result, Schema, ToValue, model,
};

struct Test;

impl Provider for Test {
    type Config = ();
    type Data = ();

    fn register(&self, registry: &mut Registry<()>) {
        registry.ephemeral(Token);
        registry.resource(Numbered);
        registry.list(Numbered);
        registry.action(Count);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<()> {
        Ok(())
    }
}

async fn running() -> Running {
    let mut running = start(Test).await;
    let (config, ty) = nothing();
    assert_eq!(running.configure(&config, &ty, true).await, []);
    running
}

struct Token;

model! {
    struct TokenModel {
        user: String,
        secret: Field<String>,
    }
}

fn later(seconds: u64) -> SystemTime {
    let after = Duration::from_secs(seconds);
    SystemTime::UNIX_EPOCH.checked_add(after).unwrap()
}

impl EphemeralResource for Token {
    const NAME: &'static str = "test_token";
    type Data = ();
    type Model = TokenModel;

    fn schema(&self) -> Schema {
        let secret = Attribute::computed(Type::String).sensitive();
        Schema::new()
            .attribute("user", Attribute::required(Type::String))
            .attribute("secret", secret)
    }

    fn validate(&self, config: &Object) -> Result {
        let user: Field<String> = config.get("user")?;
        if user.known().is_some_and(String::is_empty) {
            return Err(Diagnostic::error("Nobody", "").at("user").into());
        }
        Ok(())
    }

    async fn open(&self, cx: &Context<()>, config: TokenModel) -> Result<Opened<TokenModel>> {
        if config.user == "later" {
            let otherwise = Diagnostic::error("Not yet", "");
            return Err(cx.defer(Deferral::AbsentPrerequisite, otherwise));
        }
        cx.set_private("user", config.user.clone());
        let secret = match config.user.as_str() {
            "careless" => Field::Unknown,
            _ => Field::Known("s".to_owned()),
        };
        Ok(Opened::from(TokenModel { secret, ..config }).renew_at(later(60)))
    }

    async fn renew(&self, cx: &Context<()>) -> Result<Option<SystemTime>> {
        if cx.private("renewed").is_some() {
            return Ok(None);
        }
        cx.set_private("renewed", "");
        Ok(Some(later(120)))
    }

    async fn close(&self, cx: &Context<()>) -> Result {
        let user = cx.private("user").unwrap_or_default();
        let user = String::from_utf8_lossy(&user).into_owned();
        cx.warn(Diagnostic::warning(format!("Closed for {user}"), ""));
        Ok(())
    }
}

fn token(user: &str, secret: impl Into<Value>) -> Value {
    let token = Object::new().with("user", user);
    Value::Object(token.with("secret", secret.into()))
}

async fn open(running: &mut Running, user: &str) -> pb::open_ephemeral_resource::Response {
    let request = pb::open_ephemeral_resource::Request {
        type_name: "test_token".into(),
        config: Some(encode(
            &token(user, Value::Null),
            &Token.schema().object_type(),
        )),
        client_capabilities: Some(client(true)),
    };
    let response = running.client.open_ephemeral_resource(request).await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn an_ephemeral_resource_is_opened_renewed_and_closed() {
    let ty = Token.schema().object_type();
    let mut running = running().await;
    let opened = open(&mut running, "u").await;
    assert_eq!(opened.diagnostics, []);
    assert_eq!(decode(opened.result, &ty), token("u", "s"));
    assert_eq!(opened.renew_at.unwrap().seconds, 60);

    let mut private = opened.private;
    for expected in [Some(120), None] {
        let request = pb::renew_ephemeral_resource::Request {
            type_name: "test_token".into(),
            private,
        };
        let response = running.client.renew_ephemeral_resource(request).await;
        let renewed = response.unwrap().into_inner();
        assert_eq!(renewed.diagnostics, []);
        assert_eq!(renewed.renew_at.map(|time| time.seconds), expected);
        private = renewed.private;
    }
    let request = pb::close_ephemeral_resource::Request {
        type_name: "test_token".into(),
        private,
    };
    let response = running.client.close_ephemeral_resource(request).await;
    assert_eq!(
        summaries(&response.unwrap().into_inner().diagnostics),
        ["Closed for u"]
    );
}

#[tokio::test]
async fn an_ephemeral_resource_is_put_off_checked_and_never_left_open() {
    let ty = Token.schema().object_type();
    let mut running = running().await;
    let put_off = open(&mut running, "later").await;
    assert_eq!(put_off.diagnostics, []);
    assert!(put_off.deferred.is_some());
    assert_eq!(decode(put_off.result, &ty), token("later", Value::Unknown));

    // What was opened can be closed, even if its result is not whole.
    let careless = open(&mut running, "careless").await;
    assert_eq!(
        summaries(&careless.diagnostics),
        ["test_token returned an unknown value: bug in the provider"]
    );
    assert!(careless.private.is_some_and(|private| !private.is_empty()));

    let request = pb::validate_ephemeral_resource_config::Request {
        type_name: "test_token".into(),
        config: Some(encode(&token("", Value::Null), &ty)),
    };
    let response = running
        .client
        .validate_ephemeral_resource_config(request)
        .await;
    assert_eq!(
        summaries(&response.unwrap().into_inner().diagnostics),
        ["Nobody"]
    );
}

/// Both a resource and the search for it.
struct Numbered;

model! {
    #[derive(Clone)]
    struct NumberedModel { number: u64 }
}

impl Resource for Numbered {
    const NAME: &'static str = "test_numbered";
    type Data = ();
    type Model = NumberedModel;

    fn schema(&self) -> Schema {
        Schema::new().attribute("number", Attribute::required(Type::Number))
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let number = IdentityAttribute::required(Type::Number);
        Some(IdentitySchema::new().attribute("number", number))
    }

    async fn create(&self, _: &Context<()>, planned: NumberedModel) -> Result<NumberedModel> {
        Ok(planned)
    }

    async fn read(&self, _: &Context<()>, state: NumberedModel) -> Result<Option<NumberedModel>> {
        Ok(Some(state))
    }

    async fn update(
        &self,
        _: &Context<()>,
        _: NumberedModel,
        planned: NumberedModel,
    ) -> Result<NumberedModel> {
        Ok(planned)
    }

    async fn delete(&self, _: &Context<()>, _: NumberedModel) -> Result {
        Ok(())
    }
}

model! {
    struct Query { up_to: Option<u64> }
}

/// A search of so many never ends by itself.
const ENDLESS: u64 = u64::MAX;

/// Told of when an endless search ends all the same.
static ENDED: Notify = Notify::const_new();

impl ListResource for Numbered {
    const NAME: &'static str = "test_numbered";
    type Data = ();
    type Config = Query;

    fn schema(&self) -> Schema {
        Schema::new().attribute(
            "up_to",
            Attribute::optional(Type::Number).validate(|up_to: u64| {
                if up_to == 7 {
                    Err("Not 7.".to_owned())
                } else {
                    Ok(())
                }
            }),
        )
    }

    async fn list(&self, cx: &Context<()>, query: Query, listing: &Listing) -> Result {
        for number in 0.. {
            if query.up_to == Some(number) {
                cx.warn(Diagnostic::warning("That is all", ""));
                return Ok(());
            }
            let identity = match number {
                3 => Object::new(),
                _ => Object::new().with("number", number),
            };
            let state = NumberedModel { number };
            if !listing
                .found(Listed::new(format!("No. {number}"), identity).state(&state))
                .await
            {
                if query.up_to == Some(ENDLESS) {
                    ENDED.notify_one();
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

async fn list(
    up_to: impl ToValue,
    include_resource_object: bool,
    limit: i64,
) -> Vec<pb::list_resource::Event> {
    let query = Value::Object(Object::new().with("up_to", up_to));
    let request = pb::list_resource::Request {
        type_name: "test_numbered".into(),
        config: Some(encode(
            &query,
            &ListResource::schema(&Numbered).object_type(),
        )),
        include_resource_object,
        limit,
    };
    let mut running = running().await;
    let response = running.client.list_resource(request).await;
    response
        .unwrap()
        .into_inner()
        .map(Result::unwrap)
        .collect()
        .await
}

fn names(events: &[pb::list_resource::Event]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event.display_name.as_str())
        .collect()
}

#[tokio::test]
async fn a_list_streams_what_it_finds_up_to_the_limit() {
    let identity = Resource::identity_schema(&Numbered).unwrap().object_type();
    // Without a limit of its own it would never end.
    let found = list(Value::Null, false, 2).await;
    assert_eq!(names(&found), ["No. 0", "No. 1"]);
    assert_eq!(
        identity_of(found[1].identity.clone(), &identity),
        Value::Object(Object::new().with("number", 1))
    );
    assert!(found.iter().all(|event| event.resource_object.is_none()));

    let whole = list(Value::Null, true, 1).await;
    assert_eq!(
        decode(
            whole[0].resource_object.clone(),
            &Resource::schema(&Numbered).object_type()
        ),
        Value::Object(Object::new().with("number", 0))
    );
}

#[tokio::test]
async fn a_list_ends_with_what_it_has_to_say() {
    let found = list(2, false, 0).await;
    assert_eq!(names(&found), ["No. 0", "No. 1", ""]);
    assert_eq!(summaries(&found[2].diagnostic), ["That is all"]);
    let broken = list(4, false, 0).await;
    assert_eq!(
        summaries(&broken[3].diagnostic),
        ["test_numbered returned an identity that is not complete: bug in the provider"]
    );
    let wrong = list(1.5, false, 0).await;
    assert_eq!(summaries(&wrong[0].diagnostic), ["Value of the wrong kind"]);
    assert_eq!(wrong.len(), 1);
}

#[tokio::test]
async fn a_list_ends_when_nobody_listens() {
    let mut running = running().await;
    let query = Value::Object(Object::new().with("up_to", ENDLESS));
    let request = pb::list_resource::Request {
        type_name: "test_numbered".into(),
        config: Some(encode(
            &query,
            &ListResource::schema(&Numbered).object_type(),
        )),
        ..Default::default()
    };
    let response = running.client.list_resource(request).await;
    let mut stream = response.unwrap().into_inner();
    assert!(stream.next().await.is_some());
    drop(stream);
    let ended = tokio::time::timeout(Duration::from_secs(30), ENDED.notified());
    ended.await.expect("the search to end");
}

struct Count;

model! {
    struct CountConfig { to: u64 }
}

impl Action for Count {
    const NAME: &'static str = "test_count";
    type Data = ();
    type Config = CountConfig;

    fn schema(&self) -> Schema {
        Schema::new().attribute("to", Attribute::required(Type::Number))
    }

    async fn plan(&self, cx: &Context<()>, config: &Object) -> Result {
        match config.get::<Field<u64>>("to")? {
            Field::Unknown => {
                let otherwise = Diagnostic::error("Not known", "");
                Err(cx.defer(Deferral::ResourceConfigUnknown, otherwise))
            }
            Field::Known(0) => Err(Diagnostic::error("Nothing to count", "").at("to").into()),
            Field::Known(_) | Field::Null => Ok(()),
        }
    }

    async fn invoke(&self, cx: &Context<()>, config: CountConfig, progress: &Progress) -> Result {
        for number in 1..=config.to {
            assert!(number < 4, "too far");
            progress.say(number.to_string()).await;
        }
        cx.warn(Diagnostic::warning("Counted", ""));
        Ok(())
    }
}

fn count(to: impl ToValue) -> pb::DynamicValue {
    let config = Value::Object(Object::new().with("to", to));
    encode(&config, &Count.schema().object_type())
}

async fn plan_action(to: impl ToValue) -> pb::plan_action::Response {
    let request = pb::plan_action::Request {
        action_type: "test_count".into(),
        config: Some(count(to)),
        client_capabilities: Some(client(true)),
    };
    let response = running().await.client.plan_action(request).await;
    response.unwrap().into_inner()
}

/// What was said on the way, and at the end.
async fn invoke(action: &str, to: u64) -> (Vec<String>, Vec<String>) {
    let request = pb::invoke_action::Request {
        action_type: action.into(),
        config: Some(count(to)),
        client_capabilities: None,
    };
    let mut running = running().await;
    let response = running.client.invoke_action(request).await;
    let events: Vec<_> = response
        .unwrap()
        .into_inner()
        .map(Result::unwrap)
        .collect()
        .await;
    let mut said = Vec::new();
    for event in events {
        match event.r#type.unwrap() {
            Said::Progress(progress) => said.push(progress.message),
            Said::Completed(completed) => {
                let found = summaries(&completed.diagnostics);
                return (said, found.into_iter().map(str::to_owned).collect());
            }
        }
    }
    panic!("not completed: {said:?}")
}

#[tokio::test]
async fn an_action_is_planned() {
    let put_off = plan_action(Value::Unknown).await;
    assert!(put_off.deferred.is_some() && put_off.diagnostics.is_empty());
    let refused = plan_action(0).await;
    assert_eq!(summaries(&refused.diagnostics), ["Nothing to count"]);
    assert_eq!(plan_action(1).await, pb::plan_action::Response::default());
}

#[tokio::test]
async fn an_action_says_how_far_it_is_and_how_it_ended() {
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        invoke("test_count", 2).await,
        (texts(&["1", "2"]), texts(&["Counted"]))
    );
    assert_eq!(
        invoke("test_count", 9).await,
        (
            texts(&["1", "2", "3"]),
            texts(&["test_count failed to invoke: bug in the provider"])
        )
    );
    assert_eq!(
        invoke("test_other", 1).await,
        (texts(&[]), texts(&["No action test_other"]))
    );
}

#[tokio::test]
async fn everything_is_declared_in_schema_and_metadata() {
    let mut running = start(Test).await;
    let client = &mut running.client;
    let schema = client.get_provider_schema(pb::get_provider_schema::Request {});
    let schema = schema.await.unwrap().into_inner();
    assert!(schema.ephemeral_resource_schemas.contains_key("test_token"));
    assert!(schema.list_resource_schemas.contains_key("test_numbered"));
    assert!(schema.action_schemas["test_count"].schema.is_some());
    assert!(schema.state_store_schemas.is_empty());
    let metadata = client.get_metadata(pb::get_metadata::Request {});
    let metadata = metadata.await.unwrap().into_inner();
    assert_eq!(metadata.ephemeral_resources[0].type_name, "test_token");
    assert_eq!(metadata.list_resources[0].type_name, "test_numbered");
    assert_eq!(metadata.actions[0].type_name, "test_count");
    // Of state stores nothing is offered, and the RPCs say so.
    let lock = client.lock_state(pb::lock_state::Request::default()).await;
    assert_eq!(lock.unwrap_err().code(), tonic::Code::Unimplemented);
}
