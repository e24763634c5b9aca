//! RPCs as a client calls them over the real socket, also those that most versions of Terraform do not call yet.

mod deferral;
mod ephemeral_list_action;
mod function;
mod identity_and_import;

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};

use super::*;
use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::provider_client::ProviderClient;
use crate::{Object, Type, Value, codec, wire};

/// A provider that is served until this is dropped.
pub(super) struct Running {
    pub(super) client: ProviderClient<Channel>,
    shutdown: Shutdown,
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.fire();
    }
}

/// Serves a provider, and connects to it as Terraform does.
pub(super) async fn start<P: Provider>(provider: P) -> Running {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let folder = tempfile::tempdir().unwrap();
    let bound = Bound::new(folder.path(), certificate.clone()).unwrap();
    let socket = bound.folder.path().join("socket");
    let mut roots = RootCertStore::empty();
    roots.add(bound.certificate.clone()).unwrap();
    let shutdown = Shutdown::new();
    tokio::spawn(bound.serve(Service::new(provider).unwrap(), shutdown.clone()));

    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = UnixStream::connect(socket).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let mut once = Some(TokioIo::new(stream.await.unwrap()));
    let connector = tower::service_fn(move |_| {
        let stream = once.take();
        std::future::ready(stream.ok_or_else(|| io::Error::other("one connection only")))
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    Running {
        client: ProviderClient::new(channel),
        shutdown,
        _folder: folder,
    }
}

impl Running {
    /// Configures the provider, by a client that takes deferrals or not.
    pub(super) async fn configure(
        &mut self,
        config: &Value,
        ty: &Type,
        deferral: bool,
    ) -> Vec<pb::Diagnostic> {
        let request = pb::configure_provider::Request {
            config: Some(encode(config, ty)),
            client_capabilities: Some(client(deferral)),
            ..Default::default()
        };
        let response = self.client.configure_provider(request).await.unwrap();
        response.into_inner().diagnostics
    }
}

pub(super) fn client(deferral_allowed: bool) -> pb::ClientCapabilities {
    pb::ClientCapabilities {
        deferral_allowed,
        write_only_attributes_allowed: true,
        ..Default::default()
    }
}

pub(super) fn encode(value: &Value, ty: &Type) -> pb::DynamicValue {
    wire::encode(value, ty).unwrap()
}

pub(super) fn decode(value: Option<pb::DynamicValue>, ty: &Type) -> Value {
    codec::decode(&value.unwrap().msgpack, ty).unwrap()
}

pub(super) fn identity_of(value: Option<pb::ResourceIdentityData>, ty: &Type) -> Value {
    decode(value.unwrap().identity_data, ty)
}

pub(super) fn summaries(diagnostics: &[pb::Diagnostic]) -> Vec<&str> {
    let diagnostics = diagnostics.iter();
    diagnostics.map(|found| found.summary.as_str()).collect()
}

pub(super) fn json(text: &str) -> pb::RawState {
    pb::RawState {
        json: text.as_bytes().to_vec(),
        ..Default::default()
    }
}

pub(super) fn nothing() -> (Value, Type) {
    (Value::Object(Object::new()), Schemaless::TYPE)
}

/// The configuration of a provider that has none.
struct Schemaless;

impl Schemaless {
    const TYPE: Type = Type::Object(std::collections::BTreeMap::new());
}
