//! The provider as Terraform calls it: each RPC decodes by the schema, runs the provider's code and encodes again.

mod action;
mod change;
mod data_source;
mod ephemeral;
mod function;
mod guard;
mod identity;
mod import_and_move;
mod list;
mod provider;
mod resource;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::context::Private;
use crate::offer::Offer;
use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::provider_server::Provider as Rpc;
use crate::registry::{AnyDataSource, AnyFunction, AnyResource, Registry};
use crate::{
    Cancellation, Context, Diagnostic, Diagnostics, Object, Provider, Result, Schema, validate,
    wire,
};
use guard::guard;

/// What became of the provider's configuration.
enum Configured<D> {
    /// Not seen yet.
    Not,
    Done(Arc<D>),
    /// Not known yet, and everything is put off.
    Deferred,
}

/// One provider with what it was configured to.
pub(crate) struct Service<P: Provider> {
    provider: P,
    schema: Schema,
    registry: Registry<P::Data>,
    configured: RwLock<Configured<P::Data>>,
    stop: watch::Sender<bool>,
    cancellation: Cancellation,
}

impl<P: Provider> Service<P> {
    /// Collects what the provider offers.
    ///
    /// # Errors
    /// Mistakes in the provider's schemas and models, in words.
    pub(crate) fn new(provider: P) -> Result<Self, Vec<String>> {
        let Offer { schema, registry } = Offer::of(&provider)?;
        let (stop, cancellation) = Cancellation::new();
        Ok(Self {
            provider,
            schema,
            registry,
            configured: RwLock::new(Configured::Not),
            stop,
            cancellation,
        })
    }

    /// Asks all running operations to end when it is set.
    pub(crate) fn stop_switch(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// What the `provider` block may say.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn resource(&self, name: &str) -> Result<&dyn AnyResource<P::Data>> {
        let found = self.registry.resources.get(name).map(AsRef::as_ref);
        found.ok_or_else(|| not_offered("resource", name))
    }

    pub(crate) fn data_source(&self, name: &str) -> Result<&dyn AnyDataSource<P::Data>> {
        let found = self.registry.data_sources.get(name).map(AsRef::as_ref);
        found.ok_or_else(|| not_offered("data source", name))
    }

    pub(crate) fn function(&self, name: &str) -> Result<&dyn AnyFunction> {
        let found = self.registry.functions.get(name).map(AsRef::as_ref);
        found.ok_or_else(|| not_offered("function", name))
    }

    /// What configuring made, if it did.
    fn data(&self) -> Option<Arc<P::Data>> {
        match &*self
            .configured
            .read()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Configured::Done(data) => Some(data.clone()),
            Configured::Not | Configured::Deferred => None,
        }
    }

    /// Whether everything is put off until the provider's configuration is known.
    fn is_deferred(&self) -> bool {
        let configured = self.configured.read();
        matches!(
            &*configured.unwrap_or_else(PoisonError::into_inner),
            Configured::Deferred
        )
    }

    fn context(
        &self,
        config: Object,
        private: Private,
        client: Option<&pb::ClientCapabilities>,
    ) -> Result<Context<P::Data>> {
        let data = self.data().ok_or_else(|| {
            Diagnostic::error(
                "Provider is not configured",
                "Terraform asked for an operation before it configured the provider.",
            )
        })?;
        Ok(Context::new(
            data,
            config,
            private,
            self.cancellation.clone(),
            client.is_some_and(|client| client.deferral_allowed),
        ))
    }
}

fn not_offered(what: &str, name: &str) -> Diagnostics {
    Diagnostic::error(
        format!("No {what} {name}"),
        format!("This version of the provider has no {what} of that name."),
    )
    .into()
}

/// Checks a configuration by its schema, and then by the provider's code.
async fn checked(
    name: &str,
    schema: &Schema,
    config: Option<pb::DynamicValue>,
    check: impl FnOnce(&Object) -> Result,
) -> Result<Diagnostics> {
    let config = wire::decode_object(config, &schema.object_type(), "configuration")?;
    let mut found = validate::validate(&schema.fields, &config);
    found.take(guard(name, "validate", async { check(&config) }).await);
    Ok(found)
}

/// Forwards each RPC to the method that holds its logic.
macro_rules! forward {
    (now: $($now:ident),*; in_time: $($later:ident),*; streams: $($stream:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl<P: Provider> Rpc for Service<P> {
            $(
                async fn $now(
                    &self,
                    request: Request<pb::$now::Request>,
                ) -> Result<Response<pb::$now::Response>, Status> {
                    tracing::trace!(rpc = stringify!($now), "called");
                    Ok(Response::new(Service::$now(self, request.into_inner())))
                }
            )*
            $(
                async fn $later(
                    &self,
                    request: Request<pb::$later::Request>,
                ) -> Result<Response<pb::$later::Response>, Status> {
                    tracing::trace!(rpc = stringify!($later), "called");
                    Ok(Response::new(Service::$later(self, request.into_inner()).await))
                }
            )*
            $(
                async fn $stream(
                    &self,
                    request: Request<pb::$stream::Request>,
                ) -> Result<Response<BoxStream<pb::$stream::Event>>, Status> {
                    tracing::trace!(rpc = stringify!($stream), "called");
                    Ok(Response::new(Service::$stream(self, request.into_inner())))
                }
            )*
        }
    };
}

forward! {
    now: get_metadata, get_provider_schema, get_resource_identity_schemas, get_functions, stop_provider;
    in_time: validate_provider_config, configure_provider, validate_resource_config, upgrade_resource_state,
        read_resource, plan_resource_change, apply_resource_change, import_resource_state, move_resource_state,
        upgrade_resource_identity, validate_data_resource_config, read_data_source, call_function,
        validate_ephemeral_resource_config, open_ephemeral_resource, renew_ephemeral_resource,
        close_ephemeral_resource, validate_list_resource_config, validate_action_config, plan_action;
    streams: list_resource, invoke_action,
}

/// What this framework does beyond the base protocol.
fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        plan_destroy: true,
        // Schemas are known from the start, so nothing depends on Terraform asking for them.
        get_provider_schema_optional: true,
        move_resource_state: true,
        // Terraform generates configuration for imports by itself.
        generate_resource_config: false,
    }
}

/// An error alone, as a response holds it.
fn errors(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    wire::diagnostics(diagnostics)
}
