//! The identities of resources, and the RPC that upgrades them.

use std::cmp::Ordering;

use super::guard::guard;
use super::{Service, errors};
use crate::codec;
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyResource;
use crate::returned::identity::{check_whole, conformed, encode, incomplete, wrong};
use crate::{
    AttributePath, Diagnostic, Diagnostics, FromValue as _, IdentitySchema, Object, Provider,
    Result, Value, wire,
};

impl<P: Provider> Service<P> {
    /// The identity of what has this state after an operation; none where the resource type has no identities.
    ///
    /// # Errors
    /// The provider's code gives one that is not complete, or another than `before`.
    pub(super) async fn identity_after(
        &self,
        name: &str,
        resource: &dyn AnyResource<P::Data>,
        state: &Value,
        before: Option<pb::ResourceIdentityData>,
    ) -> Result<Option<pb::ResourceIdentityData>> {
        let Some((schema, identity)) = self.identity(name, resource, state).await? else {
            return Ok(None);
        };
        check_whole(name, schema, &identity)?;
        let before = decode(before, schema)?.map(Value::Object);
        if before.is_some_and(|before| before.is_wholly_known() && before != identity) {
            let detail = "An identity stays the same while the resource exists. Please report this to the provider's authors.";
            return Err(wrong(name, "changed its identity", detail.to_owned()));
        }
        encode(schema, &identity).map(Some)
    }

    /// The identity that a plan foresees: the one it has, or what is known of one that is to be made.
    pub(super) async fn identity_planned(
        &self,
        name: &str,
        resource: &dyn AnyResource<P::Data>,
        planned: &Value,
        before: Option<pb::ResourceIdentityData>,
    ) -> Option<pb::ResourceIdentityData> {
        if before.is_some() {
            return before;
        }
        // What is unknown in the plan may be anything to the provider's code, so an error says nothing here.
        let (schema, identity) = self.identity(name, resource, planned).await.ok()??;
        if incomplete(schema, &identity).is_some() {
            return None;
        }
        encode(schema, &identity).ok()
    }

    async fn identity<'a>(
        &self,
        name: &str,
        resource: &'a dyn AnyResource<P::Data>,
        state: &Value,
    ) -> Result<Option<(&'a IdentitySchema, Value)>> {
        let (Some(schema), Some(data), Value::Object(state)) =
            (resource.identity_schema(), self.data(), state)
        else {
            return Ok(None);
        };
        let told = guard(name, "identify", async { resource.identity(&data, state) }).await?;
        Ok(Some((schema, conformed(name, schema, told)?)))
    }

    pub(super) async fn upgrade_resource_identity(
        &self,
        request: pb::upgrade_resource_identity::Request,
    ) -> pb::upgrade_resource_identity::Response {
        let name = &request.type_name;
        let upgrade = guard(name, "upgrade the identity", async {
            let resource = self.resource(name)?;
            let schema = resource.identity_schema().ok_or_else(|| {
                Diagnostic::error("No identity", format!("{name} has no identity."))
            })?;
            let json = request.raw_identity.map(|raw| raw.json).unwrap_or_default();
            let ty = schema.object_type();
            let identity = match request.version.cmp(&schema.version) {
                Ordering::Equal => codec::decode_json(&json, &ty)?,
                Ordering::Less => {
                    let old = codec::decode_json_untyped(&json)?;
                    let old = Object::from_value(old, &AttributePath::root())?;
                    let new = resource.upgrade_identity(request.version, old)?;
                    codec::conform_upgraded(Value::Object(new), &ty, &AttributePath::root())?
                }
                Ordering::Greater => {
                    let detail = format!(
                        "The identity has version {}, but this provider knows up to {}. Use a newer provider.",
                        request.version, schema.version
                    );
                    return Err(Diagnostic::error("Identity of a newer provider", detail).into());
                }
            };
            encode(schema, &identity)
        });
        let mut found = Diagnostics::new();
        let upgraded_identity = found.take(upgrade.await);
        pb::upgrade_resource_identity::Response {
            upgraded_identity,
            diagnostics: errors(found),
        }
    }
}

/// Reads an identity that may be absent.
pub(super) fn decode(
    identity: Option<pb::ResourceIdentityData>,
    schema: &IdentitySchema,
) -> Result<Option<Object>> {
    let Some(data) = identity.and_then(|identity| identity.identity_data) else {
        return Ok(None);
    };
    wire::decode_optional(Some(data), &schema.object_type(), "identity")
}
