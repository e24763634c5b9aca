//! The RPCs that take over what exists: import, and moves from other resource types.

use super::guard::guard;
use super::{Service, errors, identity};
use crate::codec;
use crate::context::Private;
use crate::proto::tfplugin6 as pb;
use crate::returned::state::{conformed, finish};
use crate::{
    AttributePath, Deferral, Diagnostic, Diagnostics, FromValue, MoveSource, Object, Provider,
    Result, Value, wire,
};

impl<P: Provider> Service<P> {
    pub(super) async fn import_resource_state(
        &self,
        request: pb::import_resource_state::Request,
    ) -> pb::import_resource_state::Response {
        let mut found = Diagnostics::new();
        let imported = self.imported(request, &mut found).await;
        let mut response = found.take(imported).unwrap_or_default();
        response.diagnostics = wire::diagnostics(found);
        response
    }

    async fn imported(
        &self,
        request: pb::import_resource_state::Request,
        found: &mut Diagnostics,
    ) -> Result<pb::import_resource_state::Response> {
        let name = request.type_name;
        let resource = self.resource(&name)?;
        let (schema, ty) = (resource.schema(), resource.schema().object_type());
        let deferred = |why: Deferral| {
            let unknown = pb::import_resource_state::ImportedResource {
                type_name: name.clone(),
                state: Some(wire::encode(&Value::Unknown, &ty)?),
                ..Default::default()
            };
            Ok(pb::import_resource_state::Response {
                imported_resources: vec![unknown],
                deferred: Some(wire::deferred(why)),
                ..Default::default()
            })
        };
        if self.is_deferred() {
            return deferred(Deferral::ProviderConfigUnknown);
        }
        let by = match resource.identity_schema() {
            Some(schema) => identity::decode(request.identity, schema)?,
            None => None,
        };
        let client = request.client_capabilities.as_ref();
        let cx = self.context(Object::new(), Private::default(), client)?;
        let import = match by {
            Some(identity) => resource.import_by_identity(&cx, identity),
            None => resource.import(&cx, request.id),
        };
        let imported = guard(&name, "import", import).await;
        let mut notes = cx.into_notes();
        found.extend(std::mem::take(&mut notes.warnings));
        let state = match imported {
            Ok(state) => finish(&name, schema, state)?,
            Err(error) => match notes.deferred(&error) {
                Some(why) => return deferred(why),
                None => return Err(error),
            },
        };
        let identity = self.identity_after(&name, resource, &state, None).await?;
        let state = Some(wire::encode(&state, &ty)?);
        let imported = pb::import_resource_state::ImportedResource {
            type_name: name,
            state,
            private: notes.private.encode(),
            identity,
        };
        Ok(pb::import_resource_state::Response {
            imported_resources: vec![imported],
            ..Default::default()
        })
    }

    pub(super) async fn move_resource_state(
        &self,
        request: pb::move_resource_state::Request,
    ) -> pb::move_resource_state::Response {
        let mut found = Diagnostics::new();
        let moved = self.moved(request).await;
        let mut response = found.take(moved).unwrap_or_default();
        response.diagnostics = errors(found);
        response
    }

    /// Terraform moves before it configures the provider.
    async fn moved(
        &self,
        request: pb::move_resource_state::Request,
    ) -> Result<pb::move_resource_state::Response> {
        let name = request.target_type_name;
        let resource = self.resource(&name)?;
        let (schema, ty) = (resource.schema(), resource.schema().object_type());
        let source = MoveSource {
            provider_address: request.source_provider_address,
            type_name: request.source_type_name,
            schema_version: request.source_schema_version,
            state: raw(request.source_state)?.ok_or_else(|| {
                let detail = "It has no JSON form; Terraform 0.12 and later store one.";
                Diagnostic::error("State of an unsupported form", detail)
            })?,
            identity: raw(request.source_identity)?,
            private: request.source_private,
        };
        let moved = guard(&name, "take over the state", async {
            resource.move_from(&source)
        });
        let moved = moved.await?.ok_or_else(|| {
            let MoveSource {
                type_name,
                provider_address,
                ..
            } = &source;
            let detail = format!(
                "The state of a {type_name} of {provider_address} cannot become a {name}. \
                 Remove it from the state, and import it as {name}."
            );
            Diagnostic::error("Move is not supported", detail)
        })?;
        let state =
            codec::conform_upgraded(Value::Object(moved.state), &ty, &AttributePath::root())?;
        let state = conformed(&name, schema, state)?;
        let target_identity = self.identity_planned(&name, resource, &state, None).await;
        Ok(pb::move_resource_state::Response {
            target_state: Some(wire::encode(&state, &ty)?),
            target_private: moved.private.encode(),
            target_identity,
            ..Default::default()
        })
    }
}

/// Reads an object of which only the JSON is known.
fn raw(raw: Option<pb::RawState>) -> Result<Option<Object>> {
    let json = raw.map(|raw| raw.json).filter(|json| !json.is_empty());
    let value = json.map(|json| codec::decode_json_untyped(&json));
    let value = value.transpose()?.filter(|value| !value.is_null());
    let object = value.map(|value| Object::from_value(value, &AttributePath::root()));
    Ok(object.transpose()?)
}
