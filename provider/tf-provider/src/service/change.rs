//! The RPCs that plan and make changes of resources.

use super::guard::guard;
use super::{Service, errors};
use crate::context::{Notes, PlannedPrivate, Private};
use crate::plan::{Blocks, plan, replacements, unknown_as_null};
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyResource;
use crate::returned::state::{conformed, finish};
use crate::{Context, Deferral, Diagnostics, Object, Plan, Provider, Result, Schema, Value, wire};

impl<P: Provider> Service<P> {
    pub(super) async fn plan_resource_change(
        &self,
        request: pb::plan_resource_change::Request,
    ) -> pb::plan_resource_change::Response {
        let mut found = Diagnostics::new();
        let planned = self.planned(request, &mut found).await;
        let mut response = found.take(planned).unwrap_or_default();
        response.diagnostics = wire::diagnostics(found);
        response
    }

    async fn planned(
        &self,
        request: pb::plan_resource_change::Request,
        found: &mut Diagnostics,
    ) -> Result<pb::plan_resource_change::Response> {
        let name = request.type_name;
        let resource = self.resource(&name)?;
        let (schema, ty) = (resource.schema(), resource.schema().object_type());
        let prior = wire::decode_optional(request.prior_state, &ty, "prior state")?;
        let private = Private::decode(&request.prior_private);
        let client = request.client_capabilities.as_ref();
        if wire::decode(request.proposed_new_state, &ty, "proposed state")?.is_null() {
            let (private, deferral) = self
                .destroy_planned(&name, prior, private, client, found)
                .await?;
            return Ok(pb::plan_resource_change::Response {
                planned_state: Some(wire::encode(&Value::Null, &ty)?),
                planned_private: private.encode(),
                deferred: deferral.map(wire::deferred),
                ..Default::default()
            });
        }
        let config = wire::decode_object(request.config, &ty, "configuration")?;
        let mut plan = plan(&schema.fields, config.clone(), prior, blocks(client))?;
        let (private, mut deferral) = if self.is_deferred() {
            (private, Some(Deferral::ProviderConfigUnknown))
        } else {
            let cx = self.context(config, private, client)?;
            let cx = cx.planned(PlannedPrivate {
                kept: client.is_some_and(|client| client.store_planned_private),
                private: Private::decode(&request.planned_private),
            });
            let hook = guard(&name, "plan", resource.plan(&cx, &mut plan)).await;
            settled(cx, hook, found)?
        };
        let planned = conformed(&name, schema, Value::Object(plan.planned))?;
        let plan = Plan {
            planned: if let Value::Object(planned) = &planned {
                planned.clone()
            } else {
                Object::new()
            },
            ..plan
        };
        let replace = replacements(&schema.fields, &plan);
        if !replace.is_empty() && deferral.is_none() {
            // Terraform plans the destroy of a replacement no further. It plans the create once more, without a prior
            // state, and it is that plan's private data that counts.
            let private = Private::decode(&request.prior_private);
            let prior = plan.prior.clone();
            (_, deferral) = self
                .destroy_planned(&name, prior, private, client, found)
                .await?;
        }
        let planned_identity = self
            .identity_planned(&name, resource, &planned, request.prior_identity)
            .await;
        Ok(pb::plan_resource_change::Response {
            planned_state: Some(wire::encode(&planned, &ty)?),
            requires_replace: replace.iter().map(wire::path).collect(),
            planned_private: private.encode(),
            planned_identity,
            deferred: deferral.map(wire::deferred),
            ..Default::default()
        })
    }

    async fn destroy_planned(
        &self,
        name: &str,
        prior: Option<Object>,
        private: Private,
        client: Option<&pb::ClientCapabilities>,
        found: &mut Diagnostics,
    ) -> Result<(Private, Option<Deferral>)> {
        if self.is_deferred() {
            return Ok((private, Some(Deferral::ProviderConfigUnknown)));
        }
        let Some(prior) = prior else {
            return Ok((private, None));
        };
        let resource = self.resource(name)?;
        let cx = self.context(Object::new(), private, client)?;
        let hook = resource.plan_destroy(&cx, Value::Object(prior));
        let hook = guard(name, "plan the end", hook).await;
        settled(cx, hook, found)
    }

    pub(super) async fn apply_resource_change(
        &self,
        request: pb::apply_resource_change::Request,
    ) -> pb::apply_resource_change::Response {
        let (prior, private) = (request.prior_state.clone(), request.planned_private.clone());
        match self.applied(request).await {
            Ok(response) => response,
            // Nothing was started, so what was there is there still.
            Err(error) => pb::apply_resource_change::Response {
                new_state: prior,
                private,
                diagnostics: errors(error),
                ..Default::default()
            },
        }
    }

    async fn applied(
        &self,
        request: pb::apply_resource_change::Request,
    ) -> Result<pb::apply_resource_change::Response> {
        let name = request.type_name;
        let resource = self.resource(&name)?;
        let (schema, ty) = (resource.schema(), resource.schema().object_type());
        let change = Change {
            prior: wire::decode_optional(request.prior_state, &ty, "prior state")?,
            planned: wire::decode_optional(request.planned_state, &ty, "planned state")?,
        };
        let config =
            wire::decode_optional(request.config, &ty, "configuration")?.unwrap_or_default();
        let cx = self.context(config, Private::decode(&request.planned_private), None)?;
        let result = change.run(&name, resource, &cx).await;
        let Notes {
            private,
            warnings: mut found,
            kept,
            ..
        } = cx.into_notes();
        let state = change.state_after(&name, schema, result, kept, &mut found);
        let identity = self
            .identity_after(&name, resource, &state, request.planned_identity)
            .await;
        let new_identity = match identity {
            Ok(identity) => identity,
            // What is half-made has no whole identity, and says already why.
            Err(_) if found.has_errors() => None,
            Err(error) => {
                found.extend(error);
                None
            }
        };
        let private = if state.is_null() {
            Private::default()
        } else {
            private
        };
        Ok(pb::apply_resource_change::Response {
            new_state: Some(wire::encode(&state, &ty)?),
            private: private.encode(),
            diagnostics: wire::diagnostics(found),
            new_identity,
            ..Default::default()
        })
    }
}

/// What the caller takes in place of blocks that are not configured.
fn blocks(client: Option<&pb::ClientCapabilities>) -> Blocks {
    if client.is_some_and(|client| client.computed_blocks_allowed) {
        Blocks::MayBeComputed
    } else {
        Blocks::AsConfigured
    }
}

/// The private data that a hook leaves, and whether it put the operation off.
fn settled<D>(
    cx: Context<D>,
    hook: Result,
    found: &mut Diagnostics,
) -> Result<(Private, Option<Deferral>)> {
    let mut notes = cx.into_notes();
    found.extend(std::mem::take(&mut notes.warnings));
    let deferral = match hook {
        Ok(()) => None,
        Err(error) => Some(notes.deferred(&error).ok_or(error)?),
    };
    Ok((notes.private, deferral))
}

/// What apply is to do: create without a prior state, delete without a planned one, else update.
struct Change {
    prior: Option<Object>,
    planned: Option<Object>,
}

impl Change {
    fn operation(&self) -> &'static str {
        match (&self.prior, &self.planned) {
            (_, None) => "delete",
            (None, Some(_)) => "create",
            (Some(_), Some(_)) => "update",
        }
    }

    async fn run<D>(
        &self,
        name: &str,
        resource: &dyn AnyResource<D>,
        cx: &Context<D>,
    ) -> Result<Value> {
        let running = async {
            match (self.prior.clone(), self.planned.clone()) {
                (Some(prior), None) => resource
                    .delete(cx, Value::Object(prior))
                    .await
                    .map(|()| Value::Null),
                (None, None) => Ok(Value::Null),
                (None, Some(planned)) => resource.create(cx, Value::Object(planned)).await,
                (Some(prior), Some(planned)) => {
                    resource
                        .update(cx, Value::Object(prior), Value::Object(planned))
                        .await
                }
            }
        };
        guard(name, self.operation(), running).await
    }

    /// What Terraform keeps. After a failure that is what the operation said to keep, and else what was there before.
    fn state_after(
        &self,
        name: &str,
        schema: &Schema,
        result: Result<Value>,
        kept: Option<Value>,
        found: &mut Diagnostics,
    ) -> Value {
        let prior = || self.prior.clone().map_or(Value::Null, Value::Object);
        let error = match result {
            Ok(Value::Null) if self.planned.is_none() => return Value::Null,
            Ok(state) => match finish(name, schema, state.clone()) {
                Ok(state) => return state,
                Err(error) => {
                    // It was made, so it must not be lost, even if its state cannot be taken as it is.
                    found.extend(error);
                    let known = conformed(name, schema, unknown_as_null(state));
                    let planned = self.planned.clone().map_or(Value::Null, Value::Object);
                    return known.unwrap_or_else(|_| unknown_as_null(planned));
                }
            },
            Err(error) => error,
        };
        found.extend(error);
        let Some(kept) = kept else { return prior() };
        match conformed(name, schema, unknown_as_null(kept)) {
            Ok(state) => state,
            Err(error) => {
                found.extend(error);
                let planned = self.planned.clone().map_or(Value::Null, Value::Object);
                unknown_as_null(planned)
            }
        }
    }
}
