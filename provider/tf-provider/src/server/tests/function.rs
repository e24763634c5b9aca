//! Functions, which work before the provider is configured.

use super::*;
use crate::{
    ConfigureContext, Field, Function, FunctionError, Number, Parameter, Registry, Result,
    Signature,
};

struct Test;

impl Provider for Test {
    type Config = ();
    type Data = ();

    fn register(&self, registry: &mut Registry<()>) {
        registry.function(Join);
        registry.function(Describe);
        registry.function(Same);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<()> {
        Ok(())
    }
}

/// Joins numbers.
struct Join;

impl Function for Join {
    const NAME: &'static str = "join";
    type Arguments = (String, u8, Vec<u8>);
    type Output = String;

    fn signature(&self) -> Signature {
        let number = |name: &str| Parameter::new(name, Type::Number).description("A *byte*.");
        Signature::returning(Type::String)
            .summary("Joins.")
            .description("Joins *bytes*.")
            .deprecated("Use the other one.")
            .parameter(Parameter::new("between", Type::String))
            .parameter(number("first"))
            .variadic(number("more"))
    }

    async fn call(
        &self,
        (between, first, more): (String, u8, Vec<u8>),
    ) -> Result<String, FunctionError> {
        assert_ne!(between, "panic", "out of glue");
        if let Some(at) = more.iter().position(|byte| *byte == 13) {
            return Err(FunctionError::new("13 is not allowed.").at(at.saturating_add(2)));
        }
        let all: Vec<_> = [first].iter().chain(&more).map(u8::to_string).collect();
        Ok(all.join(&between))
    }
}

/// Says what it is given.
struct Describe;

impl Function for Describe {
    const NAME: &'static str = "describe";
    type Arguments = (Field<String>, Option<bool>);
    type Output = String;

    fn signature(&self) -> Signature {
        let text = Parameter::new("text", Type::String);
        Signature::returning(Type::String)
            .parameter(text.allow_null().allow_unknown())
            .parameter(Parameter::new("flag", Type::Bool).allow_null())
    }

    async fn call(
        &self,
        (text, flag): (Field<String>, Option<bool>),
    ) -> Result<String, FunctionError> {
        Ok(format!("{text:?} {flag:?}"))
    }
}

/// Gives back what it is given, of whatever type.
struct Same;

impl Function for Same {
    const NAME: &'static str = "same";
    type Arguments = (Value,);
    type Output = Value;

    fn signature(&self) -> Signature {
        let any = Parameter::new("any", Type::Dynamic);
        Signature::returning(Type::Dynamic).parameter(any.allow_null().allow_unknown())
    }

    async fn call(&self, (any,): (Value,)) -> Result<Value, FunctionError> {
        Ok(any)
    }
}

async fn call(name: &str, arguments: &[(Value, Type)]) -> pb::call_function::Response {
    let arguments = arguments.iter();
    let request = pb::call_function::Request {
        name: name.into(),
        arguments: arguments.map(|(value, ty)| encode(value, ty)).collect(),
    };
    let response = start(Test).await.client.call_function(request).await;
    response.unwrap().into_inner()
}

async fn join(between: &str, numbers: &[i64]) -> Result<Value, (String, Option<i64>)> {
    let numbers = numbers.iter().map(|number| (number.into(), Type::Number));
    let arguments: Vec<_> = [(between.into(), Type::String)]
        .into_iter()
        .chain(numbers)
        .collect();
    let response = call("join", &arguments).await;
    match response.error {
        Some(error) => Err((error.text, error.function_argument)),
        None => Ok(decode(response.result, &Type::String)),
    }
}

#[tokio::test]
async fn functions_are_declared_everywhere() {
    let mut running = start(Test).await;
    let client = &mut running.client;
    let schema = client.get_provider_schema(pb::get_provider_schema::Request {});
    let schema = schema.await.unwrap().into_inner().functions;
    let functions = client.get_functions(pb::get_functions::Request {});
    assert_eq!(functions.await.unwrap().into_inner().functions, schema);
    let metadata = client.get_metadata(pb::get_metadata::Request {});
    let metadata = metadata.await.unwrap().into_inner().functions;
    let names: Vec<_> = metadata.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["describe", "join", "same"]);

    let join = &schema["join"];
    assert_eq!(
        (join.summary.as_str(), join.description.as_str()),
        ("Joins.", "Joins *bytes*.")
    );
    assert_eq!(join.deprecation_message, "Use the other one.");
    assert_eq!(join.r#return.as_ref().unwrap().r#type, br#""string""#);
    assert_eq!(join.parameters.len(), 2);
    let more = join.variadic_parameter.as_ref().unwrap();
    assert_eq!(
        (more.name.as_str(), more.r#type.as_slice()),
        ("more", &br#""number""#[..])
    );
    assert!(!more.allow_null_value && !more.allow_unknown_values);
    let text = &schema["describe"].parameters[0];
    assert!(text.allow_null_value && text.allow_unknown_values);
}

#[tokio::test]
async fn any_number_of_variadic_arguments_will_do() {
    assert_eq!(join("-", &[1]).await, Ok("1".into()));
    assert_eq!(join("-", &[1, 2, 3]).await, Ok("1-2-3".into()));
}

#[tokio::test]
async fn an_error_names_the_argument() {
    let failed = |text: &str, at| Err((text.to_owned(), at));
    assert_eq!(
        join("-", &[1, 2, 13]).await,
        failed("13 is not allowed.", Some(3))
    );
    let range = "Expected a whole number from 0 to 255, found 256.";
    assert_eq!(join("-", &[256]).await, failed(range, Some(1)));
    assert_eq!(join("-", &[1, 2, 256]).await, failed(range, Some(3)));
    let few = "The function takes 2 arguments, and was given 1.";
    assert_eq!(join("-", &[]).await, failed(few, None));
    let (text, at) = join("panic", &[1]).await.unwrap_err();
    assert!(
        text.contains("join failed to run") && text.contains("out of glue"),
        "{text}"
    );
    assert_eq!(at, None);

    let wrong = call(
        "describe",
        &[(Value::Bool(true), Type::Bool), (Value::Null, Type::Bool)],
    )
    .await;
    assert_eq!(wrong.error.unwrap().function_argument, Some(0));
    let unknown = call("other", &[]).await.error.unwrap();
    assert_eq!(
        unknown.text,
        "This version of the provider has no function other."
    );
}

#[tokio::test]
async fn null_and_unknown_arrive_as_such() {
    for (text, flag, expected) in [
        (Value::Unknown, Value::Null, "Unknown None"),
        (Value::Null, Value::Bool(true), "Null Some(true)"),
        ("x".into(), Value::Bool(false), r#"Known("x") Some(false)"#),
    ] {
        let response = call("describe", &[(text, Type::String), (flag, Type::Bool)]).await;
        assert_eq!(response.error, None);
        assert_eq!(decode(response.result, &Type::String), expected.into());
    }
}

#[tokio::test]
async fn values_of_open_type_come_back_with_their_type_and_all_their_digits() {
    let number = |text: &str| Value::Number(text.parse::<Number>().unwrap());
    let object = Object::new().with("a", 1).with("b", vec![true]);
    let object_type = Type::object([("a", Type::Number), ("b", Type::list(Type::Bool))]);
    for (ty, value) in [
        (Type::Number, number("18446744073709551617")),
        (Type::Number, number("1e-400")),
        (Type::Number, number("0.1")),
        (
            Type::set(Type::String),
            Value::Set(["b".into(), "a".into()].into_iter().collect()),
        ),
        (object_type, Value::Object(object)),
        (Type::String, Value::Unknown),
        (Type::String, Value::Null),
    ] {
        let any = Value::Dynamic(Box::new((ty, value)));
        let response = call("same", &[(any.clone(), Type::Dynamic)]).await;
        assert_eq!(response.error, None);
        assert_eq!(decode(response.result, &Type::Dynamic), any);
    }
}
