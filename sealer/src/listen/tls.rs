//! TLS of a listener, and mutual TLS where a client's certificate is asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::Source;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::subject::subject;
use crate::error::{Error, UsageError};

/// How long a sender may take for the handshake. Stops slow senders from holding connections.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// A connection, encrypted or not.
pub type Stream = Box<dyn Duplex>;

/// Both directions of a connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// The certificate of the listener, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of senders. Where there are any, each sender must have a certificate of one of them.
    pub client_ca: Option<PathBuf>,
}

impl Certificates {
    /// What is wrong with each file alone, and its key in the configuration.
    pub fn faults(&self) -> Vec<(&'static str, Error)> {
        let private = PrivateKeyDer::from_pem_file(&self.key);
        let private = private.map_err(|error| wrong(&self.key, &error));
        let authorities = self.client_ca.as_ref().map(all_certificates);
        [
            ("certificate", all_certificates(&self.certificate).err()),
            ("key", private.err()),
            ("client_ca", authorities.and_then(Result::err)),
        ]
        .into_iter()
        .filter_map(|(key, error)| Some((key, error?)))
        .collect()
    }
}

/// Where connections come in.
#[derive(Clone, Default)]
pub struct Door {
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// Creates a listener with TLS. `protocols` are those that the listener names in the handshake (ALPN).
    ///
    /// # Errors
    ///
    /// Where a file cannot be read, or its content cannot be used.
    pub fn with_tls(certificates: &Certificates, protocols: &[&[u8]]) -> Result<Self, Error> {
        let Certificates {
            certificate,
            key,
            client_ca,
        } = certificates;
        let chain = all_certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
        let provider = Arc::new(default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(key, &error))?;
        let config = match client_ca {
            None => config.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for authority in all_certificates(path)? {
                    roots.add(authority).map_err(|error| wrong(path, &error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                let verifier = verifier.build().map_err(|error| wrong(path, &error))?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let config = config.with_single_cert(chain, private);
        let mut config = config.map_err(|error| wrong(certificate, &error))?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(Self { tls })
    }

    /// Lets a connection in: the handshake, and the subject of the sender's certificate. `None` where the handshake fails.
    pub async fn enter(&self, stream: TcpStream) -> Option<(Stream, Option<Source>)> {
        // A small answer is not held back.
        _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return Some((Box::new(stream), None));
        };
        let handshake = tokio::time::timeout(HANDSHAKE_PATIENCE, tls.accept(stream));
        let stream = handshake.await.ok()?.ok()?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let source = match certificate {
            Some(certificate) => Some(subject(certificate)?),
            None => None,
        };
        Some((Box::new(stream), source))
    }
}

fn all_certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, &error))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let certificates = certificates.map_err(|error| wrong(path, &error))?;
    if certificates.is_empty() {
        return Err(wrong(path, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn wrong(path: &std::path::Path, reason: &dyn std::fmt::Display) -> Error {
    let reason = reason.to_string();
    UsageError::Configuration {
        path: path.to_owned(),
        line: None,
        what: reason,
        remedy: "name another file, in PEM, that the user of the service can read".to_owned(),
    }
    .into()
}
