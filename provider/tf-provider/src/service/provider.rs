//! The RPCs about the provider as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLockWriteGuard};

use super::guard::guard;
use super::{Configured, Service, capabilities, errors};
use crate::proto::tfplugin6 as pb;
use crate::provider::ConfigureNotes;
use crate::registry::Registry;
use crate::{
    AttributePath, ConfigureContext, Diagnostic, Diagnostics, FromValue, Object, Provider, Result,
    Schema, Value, validate, wire,
};

impl<P: Provider> Service<P> {
    pub(super) fn get_metadata(&self, _: pb::get_metadata::Request) -> pb::get_metadata::Response {
        use pb::get_metadata as of;
        let Registry {
            resources,
            data_sources,
            functions,
            ephemerals,
            lists,
            actions,
            ..
        } = &self.registry;
        of::Response {
            server_capabilities: Some(capabilities()),
            resources: names(resources, |type_name| of::ResourceMetadata { type_name }),
            data_sources: names(data_sources, |type_name| of::DataSourceMetadata {
                type_name,
            }),
            functions: names(functions, |name| of::FunctionMetadata { name }),
            ephemeral_resources: names(ephemerals, |type_name| of::EphemeralMetadata { type_name }),
            list_resources: names(lists, |type_name| of::ListResourceMetadata { type_name }),
            actions: names(actions, |type_name| of::ActionMetadata { type_name }),
            ..Default::default()
        }
    }

    pub(super) fn get_provider_schema(
        &self,
        _: pb::get_provider_schema::Request,
    ) -> pb::get_provider_schema::Response {
        let Registry {
            resources,
            data_sources,
            ephemerals,
            lists,
            actions,
            ..
        } = &self.registry;
        let action = |schema: &Schema| pb::ActionSchema {
            schema: Some(wire::schema(schema)),
        };
        pb::get_provider_schema::Response {
            provider: Some(wire::schema(&self.schema)),
            resource_schemas: by_name(resources, |of| wire::schema(of.schema())),
            data_source_schemas: by_name(data_sources, |of| wire::schema(of.schema())),
            ephemeral_resource_schemas: by_name(ephemerals, |of| wire::schema(of.schema())),
            list_resource_schemas: by_name(lists, |of| wire::schema(of.schema())),
            action_schemas: by_name(actions, |of| action(of.schema())),
            functions: self.function_signatures(),
            server_capabilities: Some(capabilities()),
            ..Default::default()
        }
    }

    pub(super) fn get_resource_identity_schemas(
        &self,
        _: pb::get_resource_identity_schemas::Request,
    ) -> pb::get_resource_identity_schemas::Response {
        let schemas = self.registry.resources.iter().filter_map(|(name, of)| {
            let identity = of.identity_schema()?;
            Some(((*name).to_owned(), wire::identity_schema(identity)))
        });
        pb::get_resource_identity_schemas::Response {
            identity_schemas: schemas.collect(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) async fn validate_provider_config(
        &self,
        request: pb::validate_provider_config::Request,
    ) -> pb::validate_provider_config::Response {
        let found = self
            .check_config(request.config)
            .await
            .unwrap_or_else(|error| error);
        pb::validate_provider_config::Response {
            diagnostics: wire::diagnostics(found),
        }
    }

    async fn check_config(&self, config: Option<pb::DynamicValue>) -> Result<Diagnostics> {
        let config = self.decode_config(config)?;
        let mut found = validate::validate(&self.schema.fields, &config);
        found.take(
            guard("provider", "validate", async {
                self.provider.validate(&config)
            })
            .await,
        );
        Ok(found)
    }

    /// Terraform sends null where there is no `provider` block and none of its attributes is required.
    fn decode_config(&self, config: Option<pb::DynamicValue>) -> Result<Object> {
        let ty = self.schema.object_type();
        Ok(wire::decode_optional(config, &ty, "provider configuration")?.unwrap_or_default())
    }

    pub(super) async fn configure_provider(
        &self,
        request: pb::configure_provider::Request,
    ) -> pb::configure_provider::Response {
        let config = self.decode_config(request.config);
        let unknown = config.as_ref().map(Object::unknown_paths);
        let cx = ConfigureContext {
            terraform_version: request.terraform_version,
            cancellation: self.cancellation.clone(),
            deferral_allowed: request
                .client_capabilities
                .is_some_and(|client| client.deferral_allowed),
            unknown: unknown.unwrap_or_default(),
            notes: Mutex::default(),
        };
        if !matches!(*self.configured(), Configured::Not) {
            // A provider under a debugger outlives the run that was interrupted.
            self.stop.send_replace(false);
        }
        let made = guard("provider", "configure", async {
            let config = Self::typed_config(&cx, config?)?;
            self.provider.configure(&cx, config).await
        });
        let made = made.await;
        let ConfigureNotes {
            warnings: mut found,
            deferral,
        } = cx
            .notes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match made {
            Ok(data) => *self.configured() = Configured::Done(Arc::new(data)),
            Err(error) if deferral.is_some() && !error.has_errors() => {
                found.extend(error);
                *self.configured() = Configured::Deferred;
            }
            Err(error) => found.extend(error),
        }
        pb::configure_provider::Response {
            diagnostics: errors(found),
        }
    }

    fn configured(&self) -> RwLockWriteGuard<'_, Configured<P::Data>> {
        self.configured
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration as the provider has it. What is unknown where it cannot do with that puts everything off.
    fn typed_config(cx: &ConfigureContext, config: Object) -> Result<P::Config> {
        let config = Value::Object(config);
        let known = config.is_wholly_known();
        P::Config::from_value(config, &AttributePath::root()).map_err(|error| {
            if known {
                return error.into();
            }
            let detail = format!(
                "The provider needs {}, which depends on something that is known only after apply. \
                 Apply that first, with -target, or set the value in another way.",
                error.path
            );
            cx.defer(
                Diagnostic::error("Provider configuration is not known yet", detail).at(error.path),
            )
        })
    }

    pub(super) fn stop_provider(
        &self,
        _: pb::stop_provider::Request,
    ) -> pb::stop_provider::Response {
        tracing::debug!("interrupted: running operations are asked to end");
        self.stop.send_replace(true);
        pb::stop_provider::Response {
            error: String::new(),
        }
    }
}

type Named<T> = BTreeMap<&'static str, Arc<T>>;

fn names<T: ?Sized, M>(all: &Named<T>, metadata: impl Fn(String) -> M) -> Vec<M> {
    all.keys()
        .map(|name| metadata((*name).to_owned()))
        .collect()
}

fn by_name<T: ?Sized, S>(all: &Named<T>, schema: impl Fn(&T) -> S) -> HashMap<String, S> {
    all.iter()
        .map(|(name, of)| ((*name).to_owned(), schema(of)))
        .collect()
}
