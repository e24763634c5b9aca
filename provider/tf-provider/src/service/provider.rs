//! The RPCs about the provider as a whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::guard::guard;
use super::{Service, capabilities, errors};
use crate::proto::tfplugin6 as pb;
use crate::{
    ConfigureContext, Diagnostics, FromValue, Object, Provider, Result, Value, validate, wire,
};

impl<P: Provider> Service<P> {
    pub(super) fn get_metadata(&self, _: pb::get_metadata::Request) -> pb::get_metadata::Response {
        use pb::get_metadata::{DataSourceMetadata, ResourceMetadata};
        let resource = |name: &&str| ResourceMetadata {
            type_name: (*name).to_owned(),
        };
        let data_source = |name: &&str| DataSourceMetadata {
            type_name: (*name).to_owned(),
        };
        pb::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: self.registry.resources.keys().map(resource).collect(),
            data_sources: self.registry.data_sources.keys().map(data_source).collect(),
            ..Default::default()
        }
    }

    pub(super) fn get_provider_schema(
        &self,
        _: pb::get_provider_schema::Request,
    ) -> pb::get_provider_schema::Response {
        let resources = self.registry.resources.iter();
        let data_sources = self.registry.data_sources.iter();
        pb::get_provider_schema::Response {
            provider: Some(wire::schema(&self.schema)),
            resource_schemas: resources
                .map(|(name, of)| ((*name).to_owned(), wire::schema(of.schema())))
                .collect(),
            data_source_schemas: data_sources
                .map(|(name, of)| ((*name).to_owned(), wire::schema(of.schema())))
                .collect(),
            server_capabilities: Some(capabilities()),
            ..Default::default()
        }
    }

    pub(super) fn get_functions() -> pb::get_functions::Response {
        pb::get_functions::Response {
            functions: HashMap::new(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn get_resource_identity_schemas() -> pb::get_resource_identity_schemas::Response {
        pb::get_resource_identity_schemas::Response {
            identity_schemas: HashMap::new(),
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
        let cx = ConfigureContext {
            terraform_version: request.terraform_version,
            cancellation: self.cancellation.clone(),
            warnings: Mutex::default(),
        };
        let configured = guard("provider", "configure", async {
            let config = Value::Object(self.decode_config(request.config)?);
            let config = P::Config::from_value(config, &crate::AttributePath::root())?;
            self.provider.configure(&cx, config).await
        });
        let configured = configured.await;
        let mut found = cx
            .warnings
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = found.take(configured) {
            *self.data.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(data));
        }
        pb::configure_provider::Response {
            diagnostics: errors(found),
        }
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
