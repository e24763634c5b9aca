//! `auditlog_signing_key`: a KMS key that signs the checkpoints of logs, with all its versions.
//!
//! A version is a key of KMS. One of them signs, and the alias points at it. The plain part of the rules, about what becomes of
//! a version, is `history`; the tags of the keys hold the same history, see `marks`.

mod apply;
mod claim;
mod context;
mod current;
mod declared;
mod destroy;
mod disarm;
mod due;
mod handover;
mod history;
mod import;
mod marks;
mod model;
mod others_tags;
mod plan;
mod policy;
mod predecessors;
mod read;
mod schema;
mod state;
mod stated;
mod strays;
mod upgrade;

use tf_provider::{
    Context, Diagnostic, IdentityAttribute, IdentitySchema, Object, Plan, Resource, Result, Schema,
    Type, Value,
};

use crate::account::Account;
use crate::region::split_id;
pub use model::SigningKey;

/// The resource.
#[derive(Debug, Clone, Copy)]
pub struct SigningKeyResource;

impl Resource for SigningKeyResource {
    const NAME: &'static str = "auditlog_signing_key";
    type Data = Account;
    type Model = SigningKey;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn plan(&self, cx: &Context<Account>, plan: &mut Plan) -> Result {
        plan::plan(cx, plan)
    }

    async fn plan_destroy(&self, cx: &Context<Account>, state: SigningKey) -> Result {
        destroy::plan_destroy(cx, &state)
    }

    async fn create(&self, cx: &Context<Account>, planned: SigningKey) -> Result<SigningKey> {
        Box::pin(apply::create(cx, planned)).await
    }

    async fn read(&self, cx: &Context<Account>, state: SigningKey) -> Result<Option<SigningKey>> {
        Box::pin(read::read(cx, state)).await
    }

    async fn update(
        &self,
        cx: &Context<Account>,
        prior: SigningKey,
        planned: SigningKey,
    ) -> Result<SigningKey> {
        Box::pin(apply::update(cx, prior, planned)).await
    }

    async fn delete(&self, cx: &Context<Account>, state: SigningKey) -> Result {
        Box::pin(destroy::delete(cx, state)).await
    }

    async fn import(&self, cx: &Context<Account>, id: String) -> Result<SigningKey> {
        let (name, region) = split_id(&id);
        import::import(cx, name, region).await
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let arn = IdentityAttribute::required(Type::String)
            .description("ARN of the first version's key in KMS.");
        Some(IdentitySchema::new().attribute("arn", arn))
    }

    /// The alias and the version that signs may change; the first version never does.
    fn identity(&self, _: &Account, state: &Object) -> Result<Object> {
        let mut arn = state.value("arn");
        if let Value::Map(versions) = state.value("versions")
            && let Some(Value::Object(first)) = versions.get("1")
        {
            arn = first.value("arn");
        }
        Ok(Object::new().with("arn", arn.clone()))
    }

    async fn import_by_identity(
        &self,
        cx: &Context<Account>,
        identity: Object,
    ) -> Result<SigningKey> {
        let arn: String = identity.get("arn")?;
        import::import(cx, &arn, None).await
    }

    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        match version {
            0 => upgrade::from_version_0(state),
            other => {
                let detail = format!("This provider has no upgrade from schema version {other}.");
                Err(Diagnostic::error("State of an unsupported version", detail).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_a_version_that_nobody_wrote_is_refused() {
        let refused = SigningKeyResource.upgrade(7, Object::new()).unwrap_err();
        let refused = refused.iter().next().unwrap();
        assert_eq!(refused.summary, "State of an unsupported version");
        assert_eq!(
            refused.detail,
            "This provider has no upgrade from schema version 7."
        );
    }
}
