//! The RPCs about data sources.

use super::guard::guard;
use super::{Service, errors};
use crate::context::Private;
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyDataSource;
use crate::service::resource::finish;
use crate::{Diagnostics, Object, Provider, Result, Value, validate, wire};

impl<P: Provider> Service<P> {
    pub(super) async fn validate_data_resource_config(
        &self,
        request: pb::validate_data_resource_config::Request,
    ) -> pb::validate_data_resource_config::Response {
        let check = async {
            let source = self.data_source(&request.type_name)?;
            let config = wire::decode_object(
                request.config,
                &source.schema().object_type(),
                "configuration",
            )?;
            let mut found = validate::validate(&source.schema().fields, &config);
            found.take(
                guard(&request.type_name, "validate", async {
                    source.validate(&config)
                })
                .await,
            );
            Ok::<Diagnostics, Diagnostics>(found)
        };
        let found = check.await.unwrap_or_else(|error| error);
        pb::validate_data_resource_config::Response {
            diagnostics: wire::diagnostics(found),
        }
    }

    pub(super) async fn read_data_source(
        &self,
        request: pb::read_data_source::Request,
    ) -> pb::read_data_source::Response {
        let name = request.type_name;
        let mut found = Diagnostics::new();
        let state = match self.data_source(&name) {
            Ok(source) => found.take(self.look_up(&name, source, request.config).await),
            Err(error) => found.take(Err::<_, Diagnostics>(error)),
        };
        let (state, warnings) = state.unzip();
        found.extend(warnings.unwrap_or_default());
        pb::read_data_source::Response {
            state,
            diagnostics: errors(found),
            deferred: None,
        }
    }

    async fn look_up(
        &self,
        name: &str,
        source: &dyn AnyDataSource<P::Data>,
        config: Option<pb::DynamicValue>,
    ) -> Result<(pb::DynamicValue, Diagnostics)> {
        let ty = source.schema().object_type();
        let config: Object = wire::decode_object(config, &ty, "configuration")?;
        let cx = self.context(config.clone(), Private::default())?;
        let read = guard(name, "read", source.read(&cx, Value::Object(config))).await;
        let warnings = cx.into_notes().warnings;
        let state = match read.and_then(|state| finish(name, source.schema(), state)) {
            Ok(state) => state,
            Err(mut error) => {
                error.extend(warnings);
                return Err(error);
            }
        };
        Ok((wire::encode(&state, &ty)?, warnings))
    }
}
