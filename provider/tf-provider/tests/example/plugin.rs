//! The example provider as a process of its own, and a caller that speaks to it as Terraform does.

use std::io::{BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::built::example;
use crate::patience::{PATIENCE, until};

pub(crate) const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// How HTTP/2 begins, and an empty SETTINGS frame: what a gRPC client sends first.
pub(crate) const HTTP2_HELLO: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A certificate as Terraform makes one: P-521, self-signed, marked as an authority.
pub(crate) struct Identity {
    key: KeyPair,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) pem: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            key,
            der: certificate.der().clone(),
            pem: certificate.pem(),
        }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// A running provider, killed if a test fails half-way.
pub(crate) struct Plugin {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) socket: PathBuf,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) folder: tempfile::TempDir,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Plugin {
    /// Starts it as Terraform does, for a caller with this certificate.
    pub(crate) fn start(client: &Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(example())
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_CLIENT_CERT", &client.pem)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (socket, certificate) = read_line(&mut stdout);
        Self {
            child,
            stdout,
            socket,
            certificate,
            folder,
        }
    }

    pub(crate) fn config(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> tokio_rustls::rustls::ConfigBuilder<
        ClientConfig,
        tokio_rustls::rustls::client::WantsClientCert,
    > {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
    }

    pub(crate) async fn connect(
        &self,
        mut config: ClientConfig,
    ) -> std::io::Result<TlsStream<UnixStream>> {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = UnixStream::connect(&self.socket).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// Whether a caller gets as far as an answer. A TLS 1.3 client learns only then that it was refused.
    pub(crate) async fn answers(&self, config: ClientConfig) -> bool {
        let exchange = async {
            let mut stream = self.connect(config).await?;
            stream.write_all(HTTP2_HELLO).await?;
            let mut frame = [0; 9];
            stream.read_exact(&mut frame).await?;
            Ok::<_, std::io::Error>(frame[3] == 4)
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer or a refusal")
            .unwrap_or(false)
    }

    pub(crate) async fn channel(&self, client: &Identity) -> Channel {
        let config = self
            .config(&TLS13)
            .with_client_auth_cert(vec![client.der.clone()], client.key())
            .unwrap();
        let stream = TokioIo::new(self.connect(config).await.unwrap());
        let mut once = Some(stream);
        let connector = tower::service_fn(move |_| {
            let stream = once
                .take()
                .ok_or_else(|| std::io::Error::other("one connection only"));
            std::future::ready(stream)
        });
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
            .unwrap()
    }

    /// Waits for the end and returns what it left behind.
    pub(crate) fn wait(&mut self) -> (bool, Vec<PathBuf>) {
        until("the end of the plugin", || {
            self.child.try_wait().unwrap().is_some()
        });
        let mut rest = String::new();
        // The end of the process is the end of its stdout.
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let left = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        (self.child.wait().unwrap().success(), left)
    }
}

pub(crate) fn read_line(stdout: &mut impl std::io::BufRead) -> (PathBuf, CertificateDer<'static>) {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let fields: Vec<_> = line.trim_end().split('|').collect();
    let ["1", "6", "unix", socket, "grpc", certificate] = fields[..] else {
        panic!("{line:?}")
    };
    (
        socket.into(),
        STANDARD_NO_PAD.decode(certificate).unwrap().into(),
    )
}

/// Opens a stream that the plugin sends, asking for it with an empty message.
pub(crate) async fn listen(channel: &Channel, path: &'static str) -> Streaming<()> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<(), ()>::default();
    let asked = grpc.server_streaming(Request::new(()), path.parse().unwrap(), codec);
    tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("the beginning of the stream")
        .unwrap()
        .into_inner()
}

/// Calls an RPC whose request is empty.
pub(crate) async fn ask<T>(channel: &Channel, path: &'static str) -> Result<T, Status>
where
    T: prost::Message + Default + 'static,
{
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<(), T>::default();
    grpc.unary(Request::new(()), path.parse().unwrap(), codec)
        .await
        .map(Response::into_inner)
}

/// The same, where the answer is not looked at.
pub(crate) async fn call(channel: &Channel, path: &'static str) -> Result<(), Status> {
    ask::<()>(channel, path).await
}
