//! The RPCs about list resources.

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;

use super::guard::guard;
use super::{Service, not_offered};
use crate::context::Private;
use crate::list::{Listing, Target};
use crate::proto::tfplugin6 as pb;
use crate::registry::AnyList;
use crate::{Diagnostics, Object, Provider, Result, Value, wire};
use std::sync::Arc;

impl<P: Provider> Service<P> {
    fn list(&self, name: &str) -> Result<&Arc<dyn AnyList<P::Data>>> {
        let found = self.registry.lists.get(name);
        found.ok_or_else(|| not_offered("list resource", name))
    }

    pub(super) async fn validate_list_resource_config(
        &self,
        request: pb::validate_list_resource_config::Request,
    ) -> pb::validate_list_resource_config::Response {
        let name = &request.type_name;
        let check = async {
            let list = self.list(name)?;
            let check = |config: &Object| list.validate(config);
            super::checked(name, list.schema(), request.config, check).await
        };
        pb::validate_list_resource_config::Response {
            diagnostics: wire::diagnostics(check.await.unwrap_or_else(|error| error)),
        }
    }

    pub(super) fn list_resource(
        &self,
        request: pb::list_resource::Request,
    ) -> BoxStream<pb::list_resource::Event> {
        // One event at a time: what is looked for is not ahead of what is wanted.
        let (sender, receiver) = mpsc::channel(1);
        if let Err(error) = self.start_list(request, sender.clone()) {
            // Nobody has used the channel yet, so there is room.
            drop(sender.try_send(failed(error)));
        }
        Box::pin(ReceiverStream::new(receiver).map(Ok))
    }

    /// Starts the search, which goes on by itself.
    fn start_list(
        &self,
        request: pb::list_resource::Request,
        sender: mpsc::Sender<pb::list_resource::Event>,
    ) -> Result {
        let name = request.type_name;
        let list = self.list(&name)?.clone();
        let ty = list.schema().object_type();
        let config = wire::decode_optional(request.config, &ty, "configuration")?;
        let config = config.unwrap_or_default();
        let cx = self.context(config.clone(), Private::default(), None)?;
        let resource = self.resource(&name)?;
        let target = Target {
            schema: resource.schema().clone(),
            identity: resource.identity_schema().cloned().unwrap_or_default(),
            name,
        };
        let listing = Listing::new(
            target,
            sender.clone(),
            request.include_resource_object,
            u64::try_from(request.limit).ok().filter(|limit| *limit > 0),
        );
        tokio::spawn(async move {
            let search = list.list(&cx, Value::Object(config), &listing);
            let searched = guard(listing.name(), "list", search).await;
            let mut found = cx.into_notes().warnings;
            found.take(searched);
            if !found.is_empty() {
                drop(sender.send(failed(found)).await);
            }
        });
        Ok(())
    }
}

fn failed(found: Diagnostics) -> pb::list_resource::Event {
    pb::list_resource::Event {
        diagnostic: wire::diagnostics(found),
        ..Default::default()
    }
}
