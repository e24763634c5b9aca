//! The RPCs about data sources.

use super::guard::guard;
use super::{Service, errors};
use crate::context::Private;
use crate::plan::{Blocks, plan};
use crate::proto::tfplugin6 as pb;
use crate::returned::state::finish;
use crate::{Deferral, Diagnostics, Object, Provider, Result, Value, wire};

impl<P: Provider> Service<P> {
    pub(super) async fn validate_data_resource_config(
        &self,
        request: pb::validate_data_resource_config::Request,
    ) -> pb::validate_data_resource_config::Response {
        let name = &request.type_name;
        let check = async {
            let source = self.data_source(name)?;
            let check = |config: &Object| source.validate(config);
            super::checked(name, source.schema(), request.config, check).await
        };
        pb::validate_data_resource_config::Response {
            diagnostics: wire::diagnostics(check.await.unwrap_or_else(|error| error)),
        }
    }

    pub(super) async fn read_data_source(
        &self,
        request: pb::read_data_source::Request,
    ) -> pb::read_data_source::Response {
        let mut found = Diagnostics::new();
        let looked_up = self.look_up(request, &mut found).await;
        let mut response = found.take(looked_up).unwrap_or_default();
        response.diagnostics = errors(found);
        response
    }

    async fn look_up(
        &self,
        request: pb::read_data_source::Request,
        found: &mut Diagnostics,
    ) -> Result<pb::read_data_source::Response> {
        let name = request.type_name;
        let source = self.data_source(&name)?;
        let (schema, ty) = (source.schema(), source.schema().object_type());
        let config: Object = wire::decode_object(request.config, &ty, "configuration")?;
        let deferred = |config: Object, why: Deferral| {
            // What is computed is unknown, as in the plan of a resource.
            let state =
                Value::Object(plan(&schema.fields, config, None, Blocks::AsConfigured)?.planned);
            Ok(pb::read_data_source::Response {
                state: Some(wire::encode(&state, &ty)?),
                deferred: Some(wire::deferred(why)),
                ..Default::default()
            })
        };
        if self.is_deferred() {
            return deferred(config, Deferral::ProviderConfigUnknown);
        }
        let client = request.client_capabilities.as_ref();
        let cx = self.context(config.clone(), Private::default(), client)?;
        let read = guard(
            &name,
            "read",
            source.read(&cx, Value::Object(config.clone())),
        )
        .await;
        let mut notes = cx.into_notes();
        found.extend(std::mem::take(&mut notes.warnings));
        let state = match read {
            Ok(state) => finish(&name, schema, state)?,
            Err(error) => match notes.deferred(&error) {
                Some(why) => return deferred(config, why),
                None => return Err(error),
            },
        };
        Ok(pb::read_data_source::Response {
            state: Some(wire::encode(&state, &ty)?),
            ..Default::default()
        })
    }
}
