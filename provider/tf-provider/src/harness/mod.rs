//! Tests of a provider without Terraform, in the process of the test.
//!
//! The provider is called as Terraform calls it: by the service that answers the protocol's requests, with values that went
//! through their form on the wire. What Terraform demands of an answer is checked as well: a plan that changes what the
//! configuration sets, a second plan that differs from the first one, and a state that is not what was planned are errors here, too.
//!
//! ```
//! # use tf_provider::{Attribute, ConfigureContext, Context, Field, Plan, Provider, Registry, Resource, Result, Schema, Type, model};
//! use tf_provider::Object;
//! use tf_provider::harness::{Change, Harness};
//!
//! # struct Greeter;
//! # impl Provider for Greeter {
//! #     type Config = ();
//! #     type Data = ();
//! #     fn register(&self, registry: &mut Registry<()>) { registry.resource(Greeting); }
//! #     async fn configure(&self, _: &ConfigureContext, _: ()) -> Result<()> { Ok(()) }
//! # }
//! # struct Greeting;
//! # model! { struct GreetingModel { name: String, text: Field<String> } }
//! # impl Resource for Greeting {
//! #     const NAME: &'static str = "greeter_greeting";
//! #     type Data = ();
//! #     type Model = GreetingModel;
//! #     fn schema(&self) -> Schema {
//! #         Schema::new()
//! #             .attribute("name", Attribute::required(Type::String))
//! #             .attribute("text", Attribute::computed(Type::String))
//! #     }
//! #     async fn create(&self, _: &Context<()>, planned: GreetingModel) -> Result<GreetingModel> {
//! #         let text = format!("Hello, {}!", planned.name).into();
//! #         Ok(GreetingModel { text, ..planned })
//! #     }
//! #     async fn read(&self, _: &Context<()>, state: GreetingModel) -> Result<Option<GreetingModel>> { Ok(Some(state)) }
//! #     async fn update(&self, cx: &Context<()>, _: GreetingModel, planned: GreetingModel) -> Result<GreetingModel> {
//! #         self.create(cx, planned).await
//! #     }
//! #     async fn delete(&self, _: &Context<()>, _: GreetingModel) -> Result { Ok(()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//! # async fn test() -> Result {
//! let provider = Harness::start(Greeter, Object::new()).await?;
//! let mut greeting = provider.resource("greeter_greeting")?;
//!
//! let config = Object::new().with("name", "Ada");
//! assert_eq!(greeting.plan(&config).await?.change, Change::Create);
//! greeting.apply(&config).await?;
//! assert_eq!(greeting.state().unwrap().get::<String>("text")?, "Hello, Ada!");
//!
//! greeting.refresh().await?;
//! assert_eq!(greeting.plan(&config).await?.change, Change::Nothing);
//!
//! greeting.destroy().await?;
//! assert!(greeting.state().is_none());
//! # Ok(())
//! # }
//! # test().await.map_err(|found| format!("{found:?}"))?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod client;
mod instance;
mod rules;
#[cfg(test)]
mod tests;
mod whole;

use tonic::Request;

pub use client::{Capability, Client};
pub use instance::{Change, Instance, Planned};

use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::provider_server::Provider as Rpc;
use crate::service::Service;
use crate::{Diagnostic, Object, Provider, Result, Schema, Value, wire};
use answer::{answered, checked};
use whole::whole;

/// A provider that is configured, and called as Terraform calls it.
pub struct Harness<P: Provider> {
    service: Service<P>,
    client: Client,
}

impl<P: Provider> Harness<P> {
    /// Starts a provider with the configuration of its `provider` block, for the newest Terraform.
    ///
    /// # Errors
    /// Its schemas have mistakes, or it refuses the configuration.
    pub async fn start(provider: P, config: Object) -> Result<Self> {
        Self::start_for(provider, config, Client::newest()).await
    }

    /// The same for a caller that can do less, or more.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_for(provider: P, config: Object, client: Client) -> Result<Self> {
        let service = Service::new(provider)
            .map_err(|problems| Diagnostic::error("Mistakes in schemas", problems.join("\n")))?;
        let harness = Self { service, client };
        let schema = harness.service.schema();
        let config = Some(encoded(schema, config)?);
        let request = pb::validate_provider_config::Request {
            config: config.clone(),
        };
        let validated = Rpc::validate_provider_config(&harness.service, Request::new(request));
        checked(answered(validated.await)?.diagnostics)?;
        let request = pb::configure_provider::Request {
            config,
            client_capabilities: Some(harness.client.capabilities()),
            ..Default::default()
        };
        let configured = Rpc::configure_provider(&harness.service, Request::new(request));
        checked(answered(configured.await)?.diagnostics)?;
        Ok(harness)
    }

    /// One resource of this type, which does not exist yet.
    ///
    /// # Errors
    /// The provider has no such resource.
    pub fn resource<'a>(&'a self, name: &'a str) -> Result<Instance<'a, P>> {
        let resource = self.service.resource(name)?;
        Ok(Instance::new(self, name, resource))
    }

    /// Validates and reads a data source.
    ///
    /// # Errors
    /// The configuration is refused, or the read fails or is put off.
    pub async fn data_source(&self, name: &str, config: &Object) -> Result<Object> {
        let schema = self.service.data_source(name)?.schema();
        let config = Some(encoded(schema, config.clone())?);
        let request = pb::validate_data_resource_config::Request {
            type_name: name.to_owned(),
            config: config.clone(),
        };
        let validated = Rpc::validate_data_resource_config(&self.service, Request::new(request));
        checked(answered(validated.await)?.diagnostics)?;
        let request = pb::read_data_source::Request {
            type_name: name.to_owned(),
            config,
            client_capabilities: Some(self.client.capabilities()),
            ..Default::default()
        };
        let read = Rpc::read_data_source(&self.service, Request::new(request));
        let read = answered(read.await)?;
        checked(read.diagnostics)?;
        answer::not_deferred(read.deferred)?;
        wire::decode_object(read.state, &schema.object_type(), "state")
    }

    /// Calls a function. The variadic arguments follow the others.
    ///
    /// # Errors
    /// The function's own, as a diagnostic whose detail is the text.
    pub async fn call(&self, name: &str, arguments: &[Value]) -> Result<Value> {
        let signature = self.service.function(name)?.signature();
        let parameters = signature.parameters.iter();
        let more = signature.variadic.iter().cycle();
        let arguments = arguments.iter().zip(parameters.chain(more));
        let arguments =
            arguments.map(|(argument, parameter)| wire::encode(argument, &parameter.ty));
        let request = pb::call_function::Request {
            name: name.to_owned(),
            arguments: arguments.collect::<Result<_>>()?,
        };
        let called = answered(Rpc::call_function(&self.service, Request::new(request)).await)?;
        if let Some(error) = called.error {
            return Err(Diagnostic::error("Error in a function call", error.text).into());
        }
        wire::decode(called.result, &signature.returns, "result")
    }

    /// Interrupts what is running, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.service.stop_switch().send_replace(true);
    }
}

/// A configuration as Terraform sends it: with every attribute of the schema.
fn encoded(schema: &Schema, config: Object) -> Result<pb::DynamicValue> {
    let config = whole(&schema.fields, config)?;
    wire::encode(&Value::Object(config), &schema.object_type())
}
