//! A Terraform plugin framework: write a provider in Rust, and serve it to Terraform.
//!
//! It speaks version 6 of Terraform's plugin protocol, over a socket that only the Terraform that started the process
//! can use, and keeps the rules that Terraform checks providers by. It does not know what the provider is about.
//!
//! # The smallest provider
//!
//! A provider has a configuration, makes of it what its resources need, and registers them. A resource has a schema, a
//! model (a plain struct with a field for each attribute) and operations.
//!
//! ```
//! use std::process::ExitCode;
//! use tf_provider::{
//!     Attribute, ConfigureContext, Context, Field, Provider, Registry, Resource, Result, Schema, Type, model,
//! };
//!
//! struct Greeter;
//!
//! impl Provider for Greeter {
//!     type Config = ();
//!     type Data = ();
//!
//!     fn register(&self, registry: &mut Registry<()>) {
//!         registry.resource(Greeting);
//!     }
//!
//!     async fn configure(&self, _: &ConfigureContext, _: ()) -> Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! struct Greeting;
//!
//! model! {
//!     struct GreetingModel {
//!         name: String,
//!         text: Field<String>,
//!     }
//! }
//!
//! impl Resource for Greeting {
//!     const NAME: &'static str = "greeter_greeting";
//!     type Data = ();
//!     type Model = GreetingModel;
//!
//!     fn schema(&self) -> Schema {
//!         Schema::new()
//!             .attribute("name", Attribute::required(Type::String))
//!             .attribute("text", Attribute::computed(Type::String))
//!     }
//!
//!     async fn create(&self, _: &Context<()>, planned: GreetingModel) -> Result<GreetingModel> {
//!         let text = format!("Hello, {}!", planned.name).into();
//!         Ok(GreetingModel { text, ..planned })
//!     }
//!
//!     async fn read(&self, _: &Context<()>, state: GreetingModel) -> Result<Option<GreetingModel>> {
//!         Ok(Some(state))
//!     }
//!
//!     async fn update(&self, cx: &Context<()>, _: GreetingModel, planned: GreetingModel) -> Result<GreetingModel> {
//!         self.create(cx, planned).await
//!     }
//!
//!     async fn delete(&self, _: &Context<()>, _: GreetingModel) -> Result {
//!         Ok(())
//!     }
//! }
//!
//! # mod provider {
//! # use super::*;
//! # pub
//! fn main() -> ExitCode {
//!     tf_provider::serve(Greeter)
//! }
//! # }
//! # // Nobody but Terraform can use it: started by hand, it says what it is and fails.
//! # fn main() {
//! #     assert_eq!(format!("{:?}", provider::main()), format!("{:?}", ExitCode::FAILURE));
//! # }
//! ```
//!
//! The binary is named `terraform-provider-greeter`. The crate's `examples/fs` is a whole provider over the file system,
//! with a file for each resource.
//!
//! # What an attribute is in schema and model
//!
//! | in the schema | in the model | after create |
//! | --- | --- | --- |
//! | [`Attribute::required`] | `T` | as configured |
//! | [`Attribute::optional`] | `Option<T>` | as configured |
//! | [`Attribute::optional`] with [`default`](Attribute::default) | `T` | as configured, or the default |
//! | [`Attribute::computed`] | [`Field<T>`] | what the provider says |
//! | [`Attribute::optional_computed`] | [`Field<T>`] | as configured, or what the provider says |
//!
//! A model that does not read what its schema has, at any depth, stops the provider when it starts: a name that one of them
//! lacks, another type, or a field that does not take null where the schema allows it. So does a name that a schema has twice.
//! Any test that starts the provider finds the mistake.
//!
//! # What is checked before anything runs
//!
//! An attribute has checks of its own value, such as [`Attribute::range`], [`Attribute::length`], [`Attribute::one_of`] and
//! [`Attribute::validate`]. [`Fields`] has rules about several, such as [`Fields::exactly_one_of`] and
//! [`Fields::required_with`], which hold in nested attributes and blocks as well. What is not known yet breaks none of them.
//! Anything else is for [`Resource::validate`].
//!
//! # What is known when
//!
//! Until apply, anything that a configuration takes from another resource may be unknown. [`Resource::validate`] and
//! [`Resource::plan`] therefore see an [`Object`] and read it attribute by attribute, as [`Field`] where an unknown must
//! be dealt with; [`Plan::typed`] gives a plan all of them in a struct. By the time of create and update only computed attributes are unknown; afterwards nothing may be.
//!
//! The framework makes the planned state. It keeps what the configuration sets, and fills in defaults. A computed attribute
//! is unknown on create, and on update once anything changes, unless it
//! [keeps its state](Attribute::use_state_for_unknown). An attribute's own [modifiers](Attribute::plan_with) and then
//! `plan` may set what they can foresee.
//!
//! # When things go wrong
//!
//! Operations return [`Diagnostics`], each a summary, a detail and an attribute's path. A create that makes several
//! things calls [`Context::keep`] after the first, so that a failure, an interrupt or a panic later on leaves a tainted
//! resource and not an orphan. A failed update or delete leaves the prior state. A panic becomes a diagnostic that names
//! the resource and the operation, and the process lives on.
//!
//! Ctrl-C does not end the process: [`Context::cancellation`] fires, and long waits end early.
//!
//! Before a destroy is carried out it is planned: [`Resource::plan_destroy`] can warn of it or refuse it.
//!
//! What is not known yet can be [put off](Context::defer) to a later run, where the caller takes that. A provider
//! configuration with an unknown value in a [`Field`] reaches [`Provider::configure`], and
//! [`ConfigureContext::unknown`] lists where; an unknown anywhere else puts everything off, or is an error that names the attribute.
//!
//! # Taking over what exists
//!
//! [`Resource::import`] takes an id. A resource with an [identity](Resource::identity_schema) is known by it to
//! Terraform 1.12 and later, and is [imported by it](Resource::import_by_identity). A `moved` block turns a resource of
//! another type, even of another provider, into one of ours by [`Resource::move_from`]. State and identities of earlier
//! versions go through [`Resource::upgrade`] and [`Resource::upgrade_identity`].
//!
//! # Time
//!
//! [`Retry`] tries again what fails for now, [`Context::within`] gives up on what takes too long, and both end when
//! Terraform is interrupted. [`Timeouts`] is the `timeouts` attribute with which users set how long that is.
//!
//! # What else a provider offers
//!
//! | trait | in a configuration | from Terraform | registered by |
//! | --- | --- | --- | --- |
//! | [`Resource`] | `resource` | 1.0 | [`Registry::resource`] |
//! | [`DataSource`] | `data` | 1.0 | [`Registry::data_source`] |
//! | [`Function`] | `provider::fs::relative(…)` | 1.8 | [`Registry::function`] |
//! | [`EphemeralResource`] | `ephemeral` | 1.10 | [`Registry::ephemeral`] |
//! | [`ListResource`] | `list`, in a query | 1.14 | [`Registry::list`] |
//! | [`Action`] | `action` | 1.14 | [`Registry::action`] |
//!
//! # Tests and documentation
//!
//! [`harness`] runs a provider in a test without Terraform: plan, apply, refresh, import, upgrade, with what Terraform demands of
//! the answers. [`docs`] makes the pages of the registry from schemas, templates and examples, and finds what differs.
//!
//! # Debugging
//!
//! Started by a person, or by a debugger, with `--debug` and the provider's source address, the provider prints what
//! makes Terraform use it in place of an installed one, and serves run after run until it is interrupted:
//!
//! ```console
//! $ terraform-provider-greeter --debug example/greeter
//! Serving registry.terraform.io/example/greeter until interrupted. Run Terraform with this in its environment:
//!
//!     TF_REATTACH_PROVIDERS='{"registry.terraform.io/example/greeter":{"Addr":…}}'
//! ```
//!
//! Only then is the connection not encrypted; the socket's folder is closed to all other users. Otherwise `TF_LOG=debug`
//! shows what the provider logs by `tracing`, with its fields.
//!
//! # What it does not do
//!
//! State stores, and generating configuration for imports, which Terraform does by itself. Terraform knows
//! this from the capabilities, and does not ask.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason
)]

mod action;
mod attribute_plan;
mod codec;
mod context;
mod data_source;
mod deferral;
mod diagnostic;
pub mod docs;
mod ephemeral;
mod function;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz;
pub mod harness;
mod identity;
mod list;
mod offer;
mod path;
mod plan;
mod proto;
mod provider;
mod registry;
mod resource;
mod returned;
mod schema;
mod server;
mod service;
mod validate;
mod value;
mod wait;
mod wire;

pub use action::{Action, Progress};
pub use attribute_plan::AttributePlan;
pub use context::{Cancellation, Context};
pub use data_source::DataSource;
pub use deferral::Deferral;
pub use diagnostic::{Diagnostic, Diagnostics, Result, Severity};
pub use ephemeral::{EphemeralResource, Opened};
pub use function::{Arguments, Function, FunctionError, Parameter, Signature};
pub use identity::{IdentityAttribute, IdentitySchema, MoveSource, Moved};
pub use list::{ListResource, Listed, Listing};
pub use path::{AttributePath, Step};
pub use provider::{ConfigureContext, Provider};
pub use registry::Registry;
pub use resource::{Plan, Resource, TypedPlan};
pub use schema::{Attribute, Block, Fields, Nested, Schema, Shape};
pub use server::serve;
pub use value::{
    Field, FromValue, NotANumber, Number, Object, Plannable, Reads, Set, ToValue, Type, Value,
    ValueError,
};
pub use wait::{Attempt, Retry, Timeouts};
