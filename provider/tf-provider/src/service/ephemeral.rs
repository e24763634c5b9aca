//! The RPCs about ephemeral resources.

use super::guard::guard;
use super::{Service, errors, not_offered};
use crate::context::Private;
use crate::plan::{Blocks, plan};
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyEphemeral;
use crate::returned::state::finish;
use crate::{Context, Deferral, Diagnostics, Object, Opened, Provider, Result, Value, wire};

type Open<'a, D> = (&'a dyn AnyEphemeral<D>, Context<D>);

impl<P: Provider> Service<P> {
    fn ephemeral(&self, name: &str) -> Result<&dyn AnyEphemeral<P::Data>> {
        let found = self.registry.ephemerals.get(name).map(AsRef::as_ref);
        found.ok_or_else(|| not_offered("ephemeral resource", name))
    }

    pub(super) async fn validate_ephemeral_resource_config(
        &self,
        request: pb::validate_ephemeral_resource_config::Request,
    ) -> pb::validate_ephemeral_resource_config::Response {
        let name = &request.type_name;
        let check = async {
            let ephemeral = self.ephemeral(name)?;
            let check = |config: &Object| ephemeral.validate(config);
            super::checked(name, ephemeral.schema(), request.config, check).await
        };
        pb::validate_ephemeral_resource_config::Response {
            diagnostics: wire::diagnostics(check.await.unwrap_or_else(|error| error)),
        }
    }

    pub(super) async fn open_ephemeral_resource(
        &self,
        request: pb::open_ephemeral_resource::Request,
    ) -> pb::open_ephemeral_resource::Response {
        let mut found = Diagnostics::new();
        let opened = self.opened(request, &mut found).await;
        let mut response = found.take(opened).unwrap_or_default();
        response.diagnostics = errors(found);
        response
    }

    async fn opened(
        &self,
        request: pb::open_ephemeral_resource::Request,
        found: &mut Diagnostics,
    ) -> Result<pb::open_ephemeral_resource::Response> {
        let name = request.type_name;
        let ephemeral = self.ephemeral(&name)?;
        let (schema, ty) = (ephemeral.schema(), ephemeral.schema().object_type());
        let config = wire::decode_object(request.config, &ty, "configuration")?;
        let deferred = |config: Object, why: Deferral| {
            let result =
                Value::Object(plan(&schema.fields, config, None, Blocks::AsConfigured)?.planned);
            Ok(pb::open_ephemeral_resource::Response {
                result: Some(wire::encode(&result, &ty)?),
                deferred: Some(wire::deferred(why)),
                ..Default::default()
            })
        };
        if self.is_deferred() {
            return deferred(config, Deferral::ProviderConfigUnknown);
        }
        let client = request.client_capabilities.as_ref();
        let cx = self.context(config.clone(), Private::default(), client)?;
        let open = ephemeral.open(&cx, Value::Object(config.clone()));
        let opened = guard(&name, "open", open).await;
        let mut notes = cx.into_notes();
        found.extend(std::mem::take(&mut notes.warnings));
        let Opened { result, renew_at } = match opened {
            Ok(opened) => opened,
            Err(error) => match notes.deferred(&error) {
                Some(why) => return deferred(config, why),
                None => return Err(error),
            },
        };
        let private = Some(notes.private.encode());
        let mut response = pb::open_ephemeral_resource::Response {
            renew_at: renew_at.map(Into::into),
            private,
            ..Default::default()
        };
        // It is open, so Terraform must be able to close it, even where its result cannot be taken.
        if let Some(result) = found.take(finish(&name, schema, result)) {
            response.result = Some(wire::encode(&result, &ty)?);
        }
        Ok(response)
    }

    pub(super) async fn renew_ephemeral_resource(
        &self,
        request: pb::renew_ephemeral_resource::Request,
    ) -> pb::renew_ephemeral_resource::Response {
        let name = &request.type_name;
        let before = request.private.unwrap_or_default();
        let (ephemeral, cx) = match self.resumed(name, &before) {
            Ok(started) => started,
            Err(error) => {
                return pb::renew_ephemeral_resource::Response {
                    private: Some(before),
                    diagnostics: errors(error),
                    ..Default::default()
                };
            }
        };
        let renewed = guard(name, "renew", ephemeral.renew(&cx)).await;
        let notes = cx.into_notes();
        let mut found = notes.warnings;
        let renew_at = found.take(renewed).flatten();
        pb::renew_ephemeral_resource::Response {
            renew_at: renew_at.map(Into::into),
            private: Some(notes.private.encode()),
            diagnostics: errors(found),
        }
    }

    pub(super) async fn close_ephemeral_resource(
        &self,
        request: pb::close_ephemeral_resource::Request,
    ) -> pb::close_ephemeral_resource::Response {
        let name = &request.type_name;
        let before = request.private.unwrap_or_default();
        let found = match self.resumed(name, &before) {
            Ok((ephemeral, cx)) => {
                let closed = guard(name, "close", ephemeral.close(&cx)).await;
                let mut found = cx.into_notes().warnings;
                found.take(closed);
                found
            }
            Err(error) => error,
        };
        pb::close_ephemeral_resource::Response {
            diagnostics: errors(found),
        }
    }

    /// What is open, with what it left for later.
    fn resumed(&self, name: &str, private: &[u8]) -> Result<Open<'_, P::Data>> {
        let ephemeral = self.ephemeral(name)?;
        let cx = self.context(Object::new(), Private::decode(private), None)?;
        Ok((ephemeral, cx))
    }
}
