//! Why the provider could not serve.

use std::io;

/// Why the provider could not serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error("no socket in {folder}: {source}")]
    Socket { folder: String, source: io::Error },
    #[error("no certificate of its own: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("no TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    #[error("no signals: {0}")]
    Signals(io::Error),
    #[error("no word to Terraform: {0}")]
    Stdout(io::Error),
    #[error("no gRPC: {0}")]
    Grpc(#[from] tonic::transport::Error),
}
