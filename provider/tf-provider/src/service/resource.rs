//! The RPCs about resources.

use super::guard::guard;
use super::{Service, errors};
use crate::codec;
use crate::context::{Notes, Private};
use crate::plan::{first_unknown, plan, replacements, settle, unknown_as_null};
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyResource;
use crate::{
    AttributePath, Context, Diagnostic, Diagnostics, Object, Plan, Provider, Result, Schema, Value,
    validate, wire,
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
                    "The state has schema version {}, and this provider knows up to {}. Use a newer provider.",
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
        let (name, current) = (request.type_name, request.current_state);
        let started = self.resource(&name).and_then(|resource| {
            let state = wire::decode_object(
                current.clone(),
                &resource.schema().object_type(),
                "current state",
            )?;
            Ok((
                resource,
                state,
                self.context(Object::new(), Private::decode(&request.private))?,
            ))
        });
        let (resource, state, cx) = match started {
            Ok(started) => started,
            Err(error) => {
                return pb::read_resource::Response {
                    new_state: current,
                    private: request.private,
                    diagnostics: errors(error),
                    ..Default::default()
                };
            }
        };
        let read = guard(&name, "read", resource.read(&cx, Value::Object(state))).await;
        let Notes {
            private,
            mut warnings,
            ..
        } = cx.into_notes();
        let schema = resource.schema();
        let read = read.and_then(|state| {
            let state = state.map_or(Ok(Value::Null), |state| finish(&name, schema, state))?;
            wire::encode(&state, &schema.object_type())
        });
        // A read that failed says nothing about the object, so the state stays.
        let new_state = warnings.take(read).or(current);
        pb::read_resource::Response {
            new_state,
            private: private.encode(),
            diagnostics: wire::diagnostics(warnings),
            ..Default::default()
        }
    }

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
        let schema = resource.schema();
        let ty = schema.object_type();
        if wire::decode(request.proposed_new_state, &ty, "proposed state")?.is_null() {
            return Ok(pb::plan_resource_change::Response {
                planned_state: Some(wire::encode(&Value::Null, &ty)?),
                planned_private: request.prior_private,
                ..Default::default()
            });
        }
        let prior = wire::decode_optional(request.prior_state, &ty, "prior state")?;
        let config = wire::decode_object(request.config, &ty, "configuration")?;
        let cx = self.context(config.clone(), Private::decode(&request.prior_private))?;
        let mut plan = plan(&schema.fields, config, prior);
        let hook = guard(&name, "plan", resource.plan(&cx, &mut plan)).await;
        let Notes {
            private, warnings, ..
        } = cx.into_notes();
        found.extend(warnings);
        hook?;
        let planned = conformed(&name, schema, Value::Object(plan.planned))?;
        let plan = Plan {
            planned: if let Value::Object(planned) = &planned {
                planned.clone()
            } else {
                Object::new()
            },
            ..plan
        };
        Ok(pb::plan_resource_change::Response {
            planned_state: Some(wire::encode(&planned, &ty)?),
            requires_replace: replacements(&schema.fields, &plan)
                .iter()
                .map(wire::path)
                .collect(),
            planned_private: private.encode(),
            ..Default::default()
        })
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
        let resource = self.resource(&request.type_name)?;
        let ty = resource.schema().object_type();
        let change = Change {
            prior: wire::decode_optional(request.prior_state, &ty, "prior state")?,
            planned: wire::decode_optional(request.planned_state, &ty, "planned state")?,
        };
        let config =
            wire::decode_optional(request.config, &ty, "configuration")?.unwrap_or_default();
        let cx = self.context(config, Private::decode(&request.planned_private))?;
        let result = change.run(&request.type_name, resource, &cx).await;
        let Notes {
            private,
            mut warnings,
            kept,
        } = cx.into_notes();
        let state = change.state_after(
            &request.type_name,
            resource.schema(),
            result,
            kept,
            &mut warnings,
        );
        let private = if state.is_null() {
            Private::default()
        } else {
            private
        };
        Ok(pb::apply_resource_change::Response {
            new_state: Some(wire::encode(&state, &ty)?),
            private: private.encode(),
            diagnostics: wire::diagnostics(warnings),
            ..Default::default()
        })
    }

    pub(super) async fn import_resource_state(
        &self,
        request: pb::import_resource_state::Request,
    ) -> pb::import_resource_state::Response {
        let mut found = Diagnostics::new();
        let imported = self
            .imported(request.type_name, request.id, &mut found)
            .await;
        let imported = found.take(imported);
        pb::import_resource_state::Response {
            imported_resources: imported.into_iter().collect(),
            diagnostics: wire::diagnostics(found),
            deferred: None,
        }
    }

    async fn imported(
        &self,
        type_name: String,
        id: String,
        found: &mut Diagnostics,
    ) -> Result<pb::import_resource_state::ImportedResource> {
        let resource = self.resource(&type_name)?;
        let cx = self.context(Object::new(), Private::default())?;
        let imported = guard(&type_name, "import", resource.import(&cx, id)).await;
        let Notes {
            private, warnings, ..
        } = cx.into_notes();
        found.extend(warnings);
        let state = finish(&type_name, resource.schema(), imported?)?;
        let state = Some(wire::encode(&state, &resource.schema().object_type())?);
        Ok(pb::import_resource_state::ImportedResource {
            type_name,
            state,
            private: private.encode(),
            identity: None,
        })
    }

    pub(super) fn move_resource_state(
        &self,
        request: pb::move_resource_state::Request,
    ) -> pb::move_resource_state::Response {
        let (from, to) = (request.source_type_name, request.target_type_name);
        let error = self.resource(&to).err().unwrap_or_else(|| {
            let detail = format!(
                "A {to} cannot be made of the state of a {from}. Remove that from the state, and import it as {to}."
            );
            Diagnostic::error("Move is not supported", detail).into()
        });
        pb::move_resource_state::Response {
            diagnostics: errors(error),
            ..Default::default()
        }
    }
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

/// What the provider's code returned, in the form that Terraform takes.
fn conformed(name: &str, schema: &Schema, value: Value) -> Result<Value> {
    let value = codec::conform(value, &schema.object_type(), &AttributePath::root()).map_err(|error| {
        let detail = format!("The provider returned what its own schema does not allow: {error}. Please report this to its authors.");
        Diagnostic::error(format!("{name} returned a wrong value: bug in the provider"), detail).at(error.path)
    })?;
    Ok(if let Value::Object(object) = value {
        Value::Object(settle(&schema.fields, object))
    } else {
        value
    })
}

/// The same for a state, in which nothing may be unknown.
pub(super) fn finish(name: &str, schema: &Schema, value: Value) -> Result<Value> {
    let value = conformed(name, schema, value)?;
    let Some(path) = first_unknown(&value, &AttributePath::root()) else {
        return Ok(value);
    };
    let detail = format!(
        "After the operation, {path} is still unknown. Please report this to the provider's authors."
    );
    Err(Diagnostic::error(
        format!("{name} returned an unknown value: bug in the provider"),
        detail,
    )
    .at(path)
    .into())
}
