//! The RPCs about resources that change nothing.

use super::guard::guard;
use super::{Service, errors};
use crate::codec;
use crate::context::Private;
use crate::plan::settle;
use crate::proto::tfplugin6 as pb;
use crate::returned::state::finish;
use crate::{
    AttributePath, Deferral, Diagnostic, Diagnostics, Object, Provider, Result, Value, validate,
    wire,
};

impl<P: Provider> Service<P> {
    pub(super) async fn validate_resource_config(
        &self,
        request: pb::validate_resource_config::Request,
    ) -> pb::validate_resource_config::Response {
        let check = async {
            let resource = self.resource(&request.type_name)?;
            let schema = resource.schema();
            let config =
                wire::decode_object(request.config, &schema.object_type(), "configuration")?;
            let mut found = validate::validate(&schema.fields, &config);
            if !request
                .client_capabilities
                .is_some_and(|client| client.write_only_attributes_allowed)
            {
                found.extend(
                    validate::write_only_set(&schema.fields, &config)
                        .into_iter()
                        .map(|path| {
                            Diagnostic::error(
                                "Write-only attribute",
                                "Write-only attributes need Terraform 1.11 or later.",
                            )
                            .at(path)
                        }),
                );
            }
            found.take(
                guard(&request.type_name, "validate", async {
                    resource.validate(&config)
                })
                .await,
            );
            Ok::<Diagnostics, Diagnostics>(found)
        };
        let found = check.await.unwrap_or_else(|error| error);
        pb::validate_resource_config::Response {
            diagnostics: wire::diagnostics(found),
        }
    }

    pub(super) async fn upgrade_resource_state(
        &self,
        request: pb::upgrade_resource_state::Request,
    ) -> pb::upgrade_resource_state::Response {
        let name = &request.type_name;
        let upgrade = guard(name, "upgrade", async {
            let resource = self.resource(name)?;
            let schema = resource.schema();
            let ty = schema.object_type();
            let json = request
                .raw_state
                .map(|state| state.json)
                .filter(|json| !json.is_empty())
                .ok_or_else(|| {
                    let detail = "It has no JSON form; Terraform 0.12 and later store one.";
                    Diagnostic::error("State of an unsupported form", detail)
                })?;
            let state = if request.version == schema.version {
                codec::decode_json(&json, &ty)?
            } else if request.version > schema.version {
                let detail = format!(
                    "The state has schema version {}, but this provider knows up to {}. Use a newer provider.",
                    request.version, schema.version
                );
                return Err(Diagnostic::error("State of a newer provider", detail).into());
            } else if let Value::Object(state) = codec::decode_json_untyped(&json)? {
                let upgraded = resource.upgrade(request.version, state)?;
                codec::conform_upgraded(Value::Object(upgraded), &ty, &AttributePath::root())?
            } else {
                return Err(Diagnostic::error(
                    "State of an unsupported form",
                    "It is not an object.",
                )
                .into());
            };
            let state = if let Value::Object(state) = state {
                Value::Object(settle(&schema.fields, state))
            } else {
                state
            };
            wire::encode(&state, &ty)
        });
        let mut found = Diagnostics::new();
        let upgraded_state = found.take(upgrade.await);
        pb::upgrade_resource_state::Response {
            upgraded_state,
            diagnostics: errors(found),
        }
    }

    pub(super) async fn read_resource(
        &self,
        request: pb::read_resource::Request,
    ) -> pb::read_resource::Response {
        // Whatever goes wrong, a read that failed says nothing about the object, so all stays as it is.
        let mut response = pb::read_resource::Response {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            new_identity: request.current_identity.clone(),
            ..Default::default()
        };
        if self.is_deferred() {
            response.deferred = Some(wire::deferred(Deferral::ProviderConfigUnknown));
            return response;
        }
        let mut found = Diagnostics::new();
        let read = self.read(request, &mut response, &mut found).await;
        found.take(read);
        response.diagnostics = wire::diagnostics(found);
        response
    }

    async fn read(
        &self,
        request: pb::read_resource::Request,
        response: &mut pb::read_resource::Response,
        found: &mut Diagnostics,
    ) -> Result {
        let name = request.type_name;
        let resource = self.resource(&name)?;
        let (schema, ty) = (resource.schema(), resource.schema().object_type());
        let state = wire::decode_object(request.current_state, &ty, "current state")?;
        let cx = self.context(
            Object::new(),
            Private::decode(&request.private),
            request.client_capabilities.as_ref(),
        )?;
        let read = guard(&name, "read", resource.read(&cx, Value::Object(state))).await;
        let notes = cx.into_notes();
        let deferral = read.as_ref().err().and_then(|error| notes.deferred(error));
        response.deferred = deferral.map(wire::deferred);
        response.private = notes.private.encode();
        found.extend(notes.warnings);
        let state = read?.map_or(Ok(Value::Null), |state| finish(&name, schema, state))?;
        response.new_state = Some(wire::encode(&state, &ty)?);
        response.new_identity = self
            .identity_after(&name, resource, &state, request.current_identity)
            .await?;
        Ok(())
    }
}
