//! One resource, as Terraform has it in its state.

use tonic::Request;

use super::answer::{Warned, answered, checked, deferral, diagnostics, not_deferred, path};
use super::rules::{check_plan, check_result};
use super::{Capability, Harness, encoded, whole};
use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::provider_server::Provider as Rpc;
use crate::registry::AnyResource;
use crate::{
    AttributePath, Deferral, Diagnostic, Diagnostics, Object, Provider, Result, Schema, Type,
    Value, wire,
};

/// One resource, which exists or not. What Terraform keeps in its state, private data and identity included, is kept here.
pub struct Instance<'a, P: Provider> {
    harness: &'a Harness<P>,
    name: &'a str,
    resource: &'a dyn AnyResource<P::Data>,
    kept: Kept,
}

/// What Terraform has of a resource.
#[derive(Clone, Debug, Default)]
struct Kept {
    state: Option<Object>,
    private: Vec<u8>,
    identity: Option<pb::ResourceIdentityData>,
    is_tainted: bool,
}

/// What a plan does with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The state stays as it is.
    Nothing,
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Destroys it, and makes another.
    Replace,
    /// Destroys it.
    Destroy,
}

/// A plan of one resource.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is done.
    pub change: Change,
    /// The state after, with what is known of it; `None` for a destroy.
    pub state: Option<Object>,
    /// The attributes that make a replacement necessary.
    pub replace: Vec<AttributePath>,
    /// Warnings for the user.
    pub warnings: Diagnostics,
    /// Why it was put off, if it was.
    pub deferred: Option<Deferral>,
    private: Vec<u8>,
    identity: Option<pb::ResourceIdentityData>,
}

impl<'a, P: Provider> Instance<'a, P> {
    pub(super) fn new(
        harness: &'a Harness<P>,
        name: &'a str,
        resource: &'a dyn AnyResource<P::Data>,
    ) -> Self {
        Self {
            harness,
            name,
            resource,
            kept: Kept::default(),
        }
    }

    /// Its state; `None` if it does not exist.
    pub fn state(&self) -> Option<&Object> {
        self.kept.state.as_ref()
    }

    /// Whether the next apply replaces it, because it was made only in part.
    pub fn is_tainted(&self) -> bool {
        self.kept.is_tainted
    }

    /// Takes the taint away, as `terraform untaint` does.
    pub fn untaint(&mut self) {
        self.kept.is_tainted = false;
    }

    /// Its identity, if it has one.
    ///
    /// # Errors
    /// What was kept is not an identity.
    pub fn identity(&self) -> Result<Option<Object>> {
        let Some(schema) = self.resource.identity_schema() else {
            return Ok(None);
        };
        let data = self.kept.identity.as_ref();
        let data = data.and_then(|kept| kept.identity_data.clone());
        data.map(|data| wire::decode_object(Some(data), &schema.object_type(), "identity"))
            .transpose()
    }

    /// Sets the state, as if it was made earlier. Nothing is known of it besides.
    ///
    /// # Errors
    /// It does not fit the schema.
    pub fn set_state(&mut self, state: Object) -> Result {
        self.kept = Kept {
            state: Some(whole(&self.schema().fields, state)?),
            ..Kept::default()
        };
        Ok(())
    }

    /// Validates a configuration.
    ///
    /// # Errors
    /// What is wrong with it, warnings included.
    pub async fn validate(&self, config: &Object) -> Warned {
        let request = pb::validate_resource_config::Request {
            type_name: self.name.to_owned(),
            config: Some(encoded(self.schema(), config.clone())?),
            client_capabilities: Some(self.harness.client.capabilities()),
        };
        let service = &self.harness.service;
        let validated = Rpc::validate_resource_config(service, Request::new(request)).await;
        checked(answered(validated)?.diagnostics)
    }

    /// Validates a configuration, and plans what to do about it. Nothing changes.
    ///
    /// # Errors
    /// The configuration or the change is refused, or the plan is not one that Terraform accepts.
    pub async fn plan(&self, config: &Object) -> Result<Planned> {
        let warnings = self.validate(config).await?;
        let mut planned = self.plan_once(config, &[]).await?;
        let own = std::mem::replace(&mut planned.warnings, warnings);
        planned.warnings.extend(own);
        Ok(planned)
    }

    /// Plans the end of it. Nothing changes.
    ///
    /// # Errors
    /// It is refused.
    pub async fn plan_destroy(&self) -> Result<Planned> {
        let answer = self.planned(None, self.state(), &[]).await?;
        let warnings = checked(answer.diagnostics)?;
        Ok(Planned {
            change: Change::Destroy,
            state: None,
            replace: Vec::new(),
            warnings,
            deferred: deferral(answer.deferred),
            private: answer.planned_private,
            identity: None,
        })
    }

    /// Plans twice, as Terraform does, and carries it out. Returns the warnings.
    ///
    /// # Errors
    /// It is refused, fails or is put off, or plan or result are not ones that Terraform accepts. What exists nevertheless is kept.
    pub async fn apply(&mut self, config: &Object) -> Warned {
        let first = self.plan(config).await?;
        if let Some(why) = first.deferred {
            return Err(Diagnostic::error("Put off", format!("{why:?}")).into());
        }
        let mut warnings = first.warnings.clone();
        if self.is_tainted() || first.change == Change::Replace {
            warnings.extend(self.destroy().await?);
        } else if first.change == Change::Nothing {
            return Ok(warnings);
        }
        let second = self.plan_once(config, &first.private).await?;
        refuse(check_result(&state_of(&first), &state_of(&second)))?;
        warnings.extend(self.carry_out(Some(config), second).await?);
        Ok(warnings)
    }

    /// Plans and carries out the end of it. Returns the warnings.
    ///
    /// # Errors
    /// It is refused, or fails.
    pub async fn destroy(&mut self) -> Warned {
        let planned = self.plan_destroy().await?;
        let mut warnings = planned.warnings.clone();
        warnings.extend(self.carry_out(None, planned).await?);
        Ok(warnings)
    }

    /// Reads what is there, as `terraform refresh` does; what is gone has no state afterwards. Returns the warnings.
    ///
    /// # Errors
    /// It cannot be read, or this is put off; the state is kept then.
    pub async fn refresh(&mut self) -> Warned {
        let request = pb::read_resource::Request {
            type_name: self.name.to_owned(),
            current_state: Some(self.encoded(self.state())?),
            private: self.kept.private.clone(),
            client_capabilities: Some(self.harness.client.capabilities()),
            current_identity: self.sent(self.kept.identity.as_ref()),
            ..Default::default()
        };
        let service = &self.harness.service;
        let read = answered(Rpc::read_resource(service, Request::new(request)).await)?;
        let warnings = checked(read.diagnostics)?;
        not_deferred(read.deferred)?;
        self.keep(read.new_state, read.private, read.new_identity)?;
        Ok(warnings)
    }

    /// Takes over what exists, by its id, and reads it. Returns the warnings.
    ///
    /// # Errors
    /// It does not exist, or cannot be imported or read.
    pub async fn import(&mut self, id: &str) -> Warned {
        let request = pb::import_resource_state::Request {
            id: id.to_owned(),
            ..Default::default()
        };
        self.imported(request).await
    }

    /// Takes over what exists, by its identity, and reads it. Returns the warnings.
    ///
    /// # Errors
    /// It does not exist, or cannot be imported or read.
    pub async fn import_by_identity(&mut self, identity: Object) -> Warned {
        let Some(schema) = self.resource.identity_schema() else {
            let detail = format!("{} has no identity.", self.name);
            return Err(Diagnostic::error("Import by identity", detail).into());
        };
        let identity = wire::encode(&Value::Object(identity), &schema.object_type())?;
        let request = pb::import_resource_state::Request {
            identity: Some(pb::ResourceIdentityData {
                identity_data: Some(identity),
            }),
            ..Default::default()
        };
        self.imported(request).await
    }

    /// Takes stored state of a schema version, as JSON, and upgrades it.
    ///
    /// # Errors
    /// It cannot be upgraded.
    pub async fn upgrade(&mut self, version: i64, json: &str) -> Warned {
        let raw = pb::RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        };
        let request = pb::upgrade_resource_state::Request {
            type_name: self.name.to_owned(),
            version,
            raw_state: Some(raw),
        };
        let service = &self.harness.service;
        let upgraded = Rpc::upgrade_resource_state(service, Request::new(request)).await;
        let upgraded = answered(upgraded)?;
        let warnings = checked(upgraded.diagnostics)?;
        let (private, identity) = (self.kept.private.clone(), self.kept.identity.clone());
        self.keep(upgraded.upgraded_state, private, identity)?;
        Ok(warnings)
    }

    fn schema(&self) -> &'a Schema {
        self.resource.schema()
    }

    fn ty(&self) -> Type {
        self.schema().object_type()
    }

    fn encoded(&self, state: Option<&Object>) -> Result<pb::DynamicValue> {
        wire::encode(&state.map_or(Value::Null, Value::from), &self.ty())
    }

    /// An identity, where the caller keeps them.
    fn sent(
        &self,
        identity: Option<&pb::ResourceIdentityData>,
    ) -> Option<pb::ResourceIdentityData> {
        let keeps = self.harness.client.can(Capability::Identity);
        identity.filter(|_| keeps).cloned()
    }

    fn keep(
        &mut self,
        state: Option<pb::DynamicValue>,
        private: Vec<u8>,
        identity: Option<pb::ResourceIdentityData>,
    ) -> Result {
        self.kept = Kept {
            state: wire::decode_optional(state, &self.ty(), "state")?,
            private,
            identity,
            is_tainted: self.kept.is_tainted,
        };
        Ok(())
    }

    /// One plan of a create or an update; if it turns out to be a replacement, that of the successor.
    async fn plan_once(&self, config: &Object, before: &[u8]) -> Result<Planned> {
        let prior = self.state().filter(|_| !self.is_tainted());
        let mut planned = self.plan_from(config, prior, before).await?;
        if planned.change == Change::Replace {
            let successor = self.plan_from(config, None, before).await?;
            planned.state = successor.state;
            planned.private = successor.private;
            planned.identity = successor.identity;
            planned.warnings.extend(successor.warnings);
        }
        Ok(planned)
    }

    async fn plan_from(
        &self,
        config: &Object,
        prior: Option<&Object>,
        before: &[u8],
    ) -> Result<Planned> {
        let config = whole(&self.schema().fields, config.clone())?;
        let answer = self.planned(Some(&config), prior, before).await?;
        let warnings = checked(answer.diagnostics)?;
        let state = wire::decode_object(answer.planned_state, &self.ty(), "planned state")?;
        refuse(check_plan(&self.schema().fields, &config, prior, &state))?;
        let replace: Vec<_> = answer.requires_replace.into_iter().map(path).collect();
        let change = match prior {
            None => Change::Create,
            Some(_) if !replace.is_empty() => Change::Replace,
            Some(prior) if *prior == state => Change::Nothing,
            Some(_) => Change::Update,
        };
        Ok(Planned {
            change,
            state: Some(state),
            replace,
            warnings,
            deferred: deferral(answer.deferred),
            private: answer.planned_private,
            identity: answer.planned_identity,
        })
    }

    async fn planned(
        &self,
        config: Option<&Object>,
        prior: Option<&Object>,
        before: &[u8],
    ) -> Result<pb::plan_resource_change::Response> {
        let keeps = self.harness.client.can(Capability::PlannedPrivate);
        let config = self.encoded(config)?;
        let known = prior.map(|_| &self.kept);
        let request = pb::plan_resource_change::Request {
            type_name: self.name.to_owned(),
            prior_state: Some(self.encoded(prior)?),
            proposed_new_state: Some(config.clone()),
            config: Some(config),
            prior_private: known.map(|kept| kept.private.clone()).unwrap_or_default(),
            client_capabilities: Some(self.harness.client.capabilities()),
            prior_identity: known.and_then(|kept| self.sent(kept.identity.as_ref())),
            planned_private: if keeps { before.to_vec() } else { Vec::new() },
            ..Default::default()
        };
        let service = &self.harness.service;
        answered(Rpc::plan_resource_change(service, Request::new(request)).await)
    }

    async fn carry_out(&mut self, config: Option<&Object>, planned: Planned) -> Warned {
        let config = config.map(|config| encoded(self.schema(), config.clone()));
        let config = config.unwrap_or_else(|| self.encoded(None))?;
        let is_new = self.state().is_none();
        let request = pb::apply_resource_change::Request {
            type_name: self.name.to_owned(),
            prior_state: Some(self.encoded(self.state())?),
            planned_state: Some(self.encoded(planned.state.as_ref())?),
            config: Some(config),
            planned_private: planned.private.clone(),
            planned_identity: self.sent(planned.identity.as_ref()),
            ..Default::default()
        };
        let service = &self.harness.service;
        let applied = answered(Rpc::apply_resource_change(service, Request::new(request)).await)?;
        self.keep(applied.new_state, applied.private, applied.new_identity)?;
        let found = diagnostics(applied.diagnostics);
        // What was made only in part is replaced by the next apply.
        let is_whole = !found.has_errors();
        self.kept.is_tainted = self.state().is_some() && !is_whole && (is_new || self.is_tainted());
        if is_whole {
            let actual = self.state().map_or(Value::Null, Value::from);
            refuse(check_result(&state_of(&planned), &actual))?;
        }
        refuse(found.clone())?;
        Ok(found)
    }

    async fn imported(&mut self, request: pb::import_resource_state::Request) -> Warned {
        let request = pb::import_resource_state::Request {
            type_name: self.name.to_owned(),
            client_capabilities: Some(self.harness.client.capabilities()),
            ..request
        };
        let service = &self.harness.service;
        let answer = answered(Rpc::import_resource_state(service, Request::new(request)).await)?;
        let mut warnings = checked(answer.diagnostics)?;
        not_deferred(answer.deferred)?;
        let imported = answer.imported_resources.into_iter().next();
        let imported = imported.unwrap_or_default();
        self.kept.is_tainted = false;
        self.keep(imported.state, imported.private, imported.identity)?;
        warnings.extend(self.refresh().await?);
        Ok(warnings)
    }
}

fn state_of(planned: &Planned) -> Value {
    planned.state.as_ref().map_or(Value::Null, Value::from)
}

fn refuse(found: Diagnostics) -> Result {
    if found.has_errors() {
        Err(found)
    } else {
        Ok(())
    }
}
