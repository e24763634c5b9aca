//! A Terraform plugin framework: protocol 6 on tonic.
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

mod codec;
mod context;
mod diagnostic;
mod path;
mod plan;
mod proto;
mod provider;
mod registry;
mod schema;
mod server;
mod service;
mod validate;
mod value;
mod wire;

pub use context::{Cancellation, Context};
pub use diagnostic::{Diagnostic, Diagnostics, Result, Severity};
pub use path::{AttributePath, Step};
pub use provider::{ConfigureContext, DataSource, Plan, Provider, Resource};
pub use registry::Registry;
pub use schema::{Attribute, Block, Fields, Nested, Schema, Shape};
pub use server::serve;
pub use value::{
    Field, FromValue, NotANumber, Number, Object, Set, ToValue, Type, Value, ValueError,
};
