//! The services that the launcher in Terraform expects of every plugin.

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status, Streaming};

use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::health_server::{Health, HealthServer};
use crate::proto::health::{HealthCheckRequest, HealthCheckResponse};
use crate::proto::plugin::grpc_broker_server::{GrpcBroker, GrpcBrokerServer};
use crate::proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use crate::proto::plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};
use crate::proto::plugin::{ConnInfo, Empty, StdioData};

/// The name under which the launcher asks for the plugin's health.
const PLUGIN: &str = "plugin";

/// The end of the process. Everything may wait for it or cause it.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(watch::Sender<Ending>);

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Open,
    /// No new calls; those that run end in their own time.
    Draining,
    /// Terraform waits for the end of the process.
    Due,
}

impl Shutdown {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Ending::Open))
    }

    /// The process ends once the calls that run have ended.
    pub(super) fn drain(&self) {
        self.0
            .send_modify(|ending| *ending = (*ending).max(Ending::Draining));
    }

    /// The process ends, whatever still runs.
    pub(super) fn fire(&self) {
        self.0.send_replace(Ending::Due);
    }

    /// Waits for the beginning of the end: there are no new calls.
    pub(super) fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        self.reached(Ending::Draining)
    }

    /// Waits for the end.
    pub(super) fn fired(&self) -> impl Future<Output = ()> + Send + 'static {
        self.reached(Ending::Due)
    }

    fn reached(&self, at_least: Ending) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // The wait ends in error where all senders are gone, and that is the end too.
            drop(receiver.wait_for(|ending| *ending >= at_least).await);
        }
    }

    /// A stream that says nothing and ends with the process.
    fn silence<T: Send + 'static>(&self) -> BoxStream<T> {
        let (sender, receiver) = mpsc::channel(1);
        let begun = self.begun();
        tokio::spawn(async move {
            tokio::select! {
                () = begun => {}
                () = sender.closed() => {}
            }
        });
        Box::pin(ReceiverStream::new(receiver))
    }
}

/// Adds the launcher's services to the provider's.
pub(super) fn add(router: Router, shutdown: &Shutdown) -> Router {
    router
        .add_service(GrpcControllerServer::new(Launcher(shutdown.clone())))
        .add_service(GrpcStdioServer::new(Launcher(shutdown.clone())))
        .add_service(GrpcBrokerServer::new(Launcher(shutdown.clone())))
        .add_service(HealthServer::new(Launcher(shutdown.clone())))
}

struct Launcher(Shutdown);

#[tonic::async_trait]
impl GrpcController for Launcher {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("Terraform is done");
        self.0.fire();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Launcher {
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(self.0.silence()))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Launcher {
    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        Ok(Response::new(self.0.silence()))
    }
}

#[tonic::async_trait]
impl Health for Launcher {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if service.is_empty() || service == PLUGIN {
            Ok(Response::new(HealthCheckResponse {
                status: ServingStatus::Serving.into(),
            }))
        } else {
            Err(Status::not_found(format!("no service {service}")))
        }
    }
}
