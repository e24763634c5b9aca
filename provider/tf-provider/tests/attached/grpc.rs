//! A gRPC client of our own, for what the Terraform at hand does not call yet. It knows of each message what it needs.

use std::path::PathBuf;

use hyper_util::rt::TokioIo;
use prost::{Message, Oneof};
use tokio::net::UnixStream;
use tokio_stream::StreamExt as _;
use tonic::Request;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DynamicValue {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Configure {
    #[prost(message, optional, tag = "2")]
    config: Option<DynamicValue>,
}

/// The request of both streams: the type, and its configuration.
#[derive(Clone, PartialEq, Message)]
struct Start {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(message, optional, tag = "2")]
    config: Option<DynamicValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Listed {
    #[prost(message, optional, tag = "1")]
    identity: Option<Identity>,
    #[prost(string, tag = "2")]
    pub(crate) display_name: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, PartialEq, Message)]
struct Identity {
    #[prost(message, optional, tag = "1")]
    data: Option<DynamicValue>,
}

impl Listed {
    /// The identity as msgpack.
    pub(crate) fn identity(&self) -> Vec<u8> {
        let identity = self.identity.clone().unwrap();
        identity.data.unwrap().msgpack
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Diagnostic {
    #[prost(string, tag = "2")]
    pub(crate) summary: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Said {
    #[prost(oneof = "Saying", tags = "1, 2")]
    pub(crate) saying: Option<Saying>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Saying {
    #[prost(message, tag = "1")]
    Progress(Progress),
    #[prost(message, tag = "2")]
    Completed(Completed),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Progress {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Completed {
    #[prost(message, repeated, tag = "1")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

pub(crate) struct Client(Channel);

impl Client {
    /// Attaches as a debugging Terraform does: without TLS.
    pub(crate) async fn connect(socket: PathBuf) -> Self {
        let connector = tower::service_fn(move |_| {
            let stream = UnixStream::connect(socket.clone());
            async { stream.await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        Self(endpoint.connect_with_connector(connector).await.unwrap())
    }

    pub(crate) async fn configure(&self, msgpack: &[u8]) {
        let config = Some(value(msgpack));
        let path = "/tfplugin6.Provider/ConfigureProvider".parse().unwrap();
        let codec = ProstCodec::<Configure, ()>::default();
        let mut grpc = self.ready().await;
        let request = Request::new(Configure { config });
        grpc.unary(request, path, codec).await.unwrap();
    }

    pub(crate) async fn list(&self, type_name: &str, msgpack: &[u8]) -> Vec<Listed> {
        self.stream("ListResource", type_name, msgpack).await
    }

    pub(crate) async fn invoke(&self, action: &str, msgpack: &[u8]) -> Vec<Said> {
        self.stream("InvokeAction", action, msgpack).await
    }

    async fn stream<E>(&self, rpc: &str, type_name: &str, msgpack: &[u8]) -> Vec<E>
    where
        E: Message + Default + 'static,
    {
        let start = Start {
            type_name: type_name.to_owned(),
            config: Some(value(msgpack)),
        };
        let path = format!("/tfplugin6.Provider/{rpc}").parse().unwrap();
        let codec = ProstCodec::<Start, E>::default();
        let mut grpc = self.ready().await;
        let answer = grpc.server_streaming(Request::new(start), path, codec);
        let events = answer.await.unwrap().into_inner();
        events.map(Result::unwrap).collect().await
    }

    async fn ready(&self) -> Grpc<Channel> {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.unwrap();
        grpc
    }
}

fn value(msgpack: &[u8]) -> DynamicValue {
    let msgpack = msgpack.to_vec();
    DynamicValue { msgpack }
}
