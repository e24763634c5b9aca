//! TLS of a listener, and mutual TLS where a client's certificate is asked for.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

use super::subject::{subject, valid_until};
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
    tls: Option<Arc<Tls>>,
}

struct Tls {
    certificates: Certificates,
    protocols: Vec<Vec<u8>>,
    now: Mutex<Current>,
}

/// What is used now.
struct Current {
    acceptor: TlsAcceptor,
    /// Until when the certificate of the listener is valid, in seconds since 1970.
    expires: Option<u64>,
    /// The files as they were when they were looked at last.
    seen: [Seen; 3],
    /// How often files that have changed could not be used.
    failures: u32,
}

/// What a file was when it was looked at, and when it or its permissions were changed last; `None` where it cannot be.
type Seen = Option<(u64, u64, i64, i64)>;

impl Door {
    /// Creates a listener with TLS. `protocols` are those that the listener names in the handshake (ALPN).
    ///
    /// # Errors
    ///
    /// Where a file cannot be read, or its content cannot be used.
    pub fn with_tls(certificates: &Certificates, protocols: &[&[u8]]) -> Result<Self, Error> {
        let protocols: Vec<_> = protocols.iter().map(|name| name.to_vec()).collect();
        // What changes from here on is noticed.
        let seen = certificates.look();
        let (acceptor, expires) = certificates.acceptor(&protocols)?;
        let now = Mutex::new(Current {
            acceptor,
            expires,
            seen,
            failures: 0,
        });
        let tls = Some(Arc::new(Tls {
            certificates: certificates.clone(),
            protocols,
            now,
        }));
        Ok(Self { tls })
    }

    /// Whether there is TLS.
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Until when the certificate of the listener is valid, in seconds since 1970.
    pub fn expires(&self) -> Option<u64> {
        self.tls.as_ref()?.now().expires
    }

    /// Reads the files again if they have changed. Connections that are open keep what they have.
    ///
    /// Files are replaced one after the other, so what cannot be used is read once more before it is an error. `None` where there is nothing new.
    ///
    /// # Errors
    ///
    /// Where the files cannot be used: those from before are used until then.
    pub fn renew(&self) -> Option<Result<(), Error>> {
        let tls = self.tls.as_ref()?;
        let seen = tls.certificates.look();
        let failures = {
            let mut now = tls.now();
            if now.seen != seen {
                now.failures = 0;
            } else if now.failures != 1 {
                return None;
            }
            now.seen = seen;
            now.failures
        };
        let read = tls.certificates.acceptor(&tls.protocols);
        let mut now = tls.now();
        match read {
            Ok((acceptor, expires)) => {
                now.failures = 0;
                (now.acceptor, now.expires) = (acceptor, expires);
                Some(Ok(()))
            }
            Err(error) => {
                now.failures = failures.saturating_add(1);
                (failures > 0).then_some(Err(error))
            }
        }
    }

    /// Lets a connection in: the handshake, and the subject of the sender's certificate.
    ///
    /// # Errors
    ///
    /// Where the handshake fails, or the certificate has no subject.
    pub async fn enter(&self, stream: TcpStream) -> Result<(Stream, Option<Source>), NotLetIn> {
        // A small answer is not held back.
        _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return Ok((Box::new(stream), None));
        };
        let acceptor = tls.now().acceptor.clone();
        let handshake = tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream));
        let stream = handshake.await.map_err(|_| NotLetIn::BrokeOff)?;
        let stream = stream.map_err(NotLetIn::of)?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let source = match certificate {
            Some(certificate) => Some(subject(certificate).ok_or(NotLetIn::NoSubject)?),
            None => None,
        };
        Ok((Box::new(stream), source))
    }
}

/// Why a connection is not let in.
#[derive(Debug, thiserror::Error)]
pub enum NotLetIn {
    /// The sender has gone, or is silent: whoever looks whether the port is open does that.
    #[error("it broke off in the TLS handshake")]
    BrokeOff,
    /// One side does not accept what the other one has or says.
    #[error("the TLS handshake failed: {0}")]
    Handshake(tokio_rustls::rustls::Error),
    /// Nothing in the certificate says who the sender is.
    #[error("its certificate has no subject")]
    NoSubject,
}

impl NotLetIn {
    fn of(error: io::Error) -> Self {
        let of_tls = error.into_inner().and_then(|error| error.downcast().ok());
        of_tls.map_or(Self::BrokeOff, |error| Self::Handshake(*error))
    }
}

impl Tls {
    fn now(&self) -> MutexGuard<'_, Current> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Certificates {
    fn look(&self) -> [Seen; 3] {
        let seen = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
        };
        let client_ca = self.client_ca.as_deref().and_then(seen);
        [seen(&self.certificate), seen(&self.key), client_ca]
    }

    /// Reads all files. Returns until when the certificate of the listener is valid as well.
    fn acceptor(&self, protocols: &[Vec<u8>]) -> Result<(TlsAcceptor, Option<u64>), Error> {
        let Self {
            certificate,
            key,
            client_ca,
        } = self;
        let chain = all_certificates(certificate)?;
        let expires = chain.first().and_then(|first| valid_until(first));
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
        config.alpn_protocols = protocols.to_vec();
        Ok((TlsAcceptor::from(Arc::new(config)), expires))
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

fn wrong(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    let reason = reason.to_string();
    UsageError::Configuration {
        path: path.to_owned(),
        line: None,
        what: reason,
        remedy: "name another file, in PEM, that the user of the service can read".to_owned(),
    }
    .into()
}
