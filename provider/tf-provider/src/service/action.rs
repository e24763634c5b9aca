//! The RPCs about actions.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;

use super::guard::guard;
use super::{Service, not_offered};
use crate::context::Private;
use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::invoke_action::event;
use crate::registry::AnyAction;
use crate::{Context, Deferral, Diagnostics, Object, Progress, Provider, Result, Value, wire};

type Prepared<D> = (String, Arc<dyn AnyAction<D>>, Context<D>, Value);

impl<P: Provider> Service<P> {
    fn action(&self, name: &str) -> Result<&Arc<dyn AnyAction<P::Data>>> {
        let found = self.registry.actions.get(name);
        found.ok_or_else(|| not_offered("action", name))
    }

    pub(super) async fn validate_action_config(
        &self,
        request: pb::validate_action_config::Request,
    ) -> pb::validate_action_config::Response {
        let name = &request.type_name;
        let check = async {
            let action = self.action(name)?;
            let check = |config: &Object| action.validate(config);
            super::checked(name, action.schema(), request.config, check).await
        };
        pb::validate_action_config::Response {
            diagnostics: wire::diagnostics(check.await.unwrap_or_else(|error| error)),
        }
    }

    pub(super) async fn plan_action(
        &self,
        request: pb::plan_action::Request,
    ) -> pb::plan_action::Response {
        let mut found = Diagnostics::new();
        let planned = self.action_planned(request, &mut found).await;
        pb::plan_action::Response {
            deferred: found.take(planned).flatten().map(wire::deferred),
            diagnostics: wire::diagnostics(found),
        }
    }

    async fn action_planned(
        &self,
        request: pb::plan_action::Request,
        found: &mut Diagnostics,
    ) -> Result<Option<Deferral>> {
        let name = request.action_type;
        let action = self.action(&name)?;
        let ty = action.schema().object_type();
        let config = wire::decode_optional(request.config, &ty, "configuration")?;
        let config = config.unwrap_or_default();
        if self.is_deferred() {
            return Ok(Some(Deferral::ProviderConfigUnknown));
        }
        let client = request.client_capabilities.as_ref();
        let cx = self.context(config.clone(), Private::default(), client)?;
        let planned = guard(&name, "plan", action.plan(&cx, &config)).await;
        let mut notes = cx.into_notes();
        found.extend(std::mem::take(&mut notes.warnings));
        match planned {
            Ok(()) => Ok(None),
            Err(error) => notes.deferred(&error).map(Some).ok_or(error),
        }
    }

    pub(super) fn invoke_action(
        &self,
        request: pb::invoke_action::Request,
    ) -> BoxStream<pb::invoke_action::Event> {
        let (sender, receiver) = mpsc::channel(1);
        match self.prepared(request) {
            Ok((name, action, cx, config)) => {
                // It goes on to its end even where nobody listens any more: half an action is worse than a whole one.
                tokio::spawn(async move {
                    let found = invoked(&name, action.as_ref(), cx, config, &sender).await;
                    drop(sender.send(completed(found)).await);
                });
            }
            // Nobody has used the channel yet, so there is room.
            Err(error) => drop(sender.try_send(completed(error))),
        }
        Box::pin(ReceiverStream::new(receiver).map(Ok))
    }

    fn prepared(&self, request: pb::invoke_action::Request) -> Result<Prepared<P::Data>> {
        let action = self.action(&request.action_type)?.clone();
        let ty = action.schema().object_type();
        let config = wire::decode_optional(request.config, &ty, "configuration")?;
        let config = config.unwrap_or_default();
        let cx = self.context(config.clone(), Private::default(), None)?;
        Ok((request.action_type, action, cx, Value::Object(config)))
    }
}

/// Runs it, and sends on what it says meanwhile.
async fn invoked<D>(
    name: &str,
    action: &dyn AnyAction<D>,
    cx: Context<D>,
    config: Value,
    sender: &mpsc::Sender<pb::invoke_action::Event>,
) -> Diagnostics {
    let (said, mut lines) = mpsc::channel(1);
    let running = async {
        let progress = Progress(said);
        guard(name, "invoke", action.invoke(&cx, config, &progress)).await
    };
    // Ends when the action has, since that drops the other end.
    let telling = async {
        while let Some(message) = lines.recv().await {
            let progress = event::Type::Progress(event::Progress { message });
            let event = pb::invoke_action::Event {
                r#type: Some(progress),
            };
            drop(sender.send(event).await);
        }
    };
    let (result, ()) = tokio::join!(running, telling);
    let mut found = cx.into_notes().warnings;
    found.take(result);
    found
}

fn completed(found: Diagnostics) -> pb::invoke_action::Event {
    let completed = event::Completed {
        diagnostics: wire::diagnostics(found),
    };
    pb::invoke_action::Event {
        r#type: Some(event::Type::Completed(completed)),
    }
}
