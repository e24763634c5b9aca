//! How requests reach AWS: through which proxy, trusting which certificates, and over how many connections.
//!
//! Terraform runs as many operations at once as `-parallelism` says, and each of them makes several calls. Each bucket is a
//! host of its own, so that the pool of connections would grow with the buckets. Open files are limited (256 on some systems),
//! hence two bounds: a number of requests under way, and few idle connections for a host, for a short time.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::shared::IntoShared as _;
use tokio::sync::Semaphore;

use super::cancel::Cancel;
use super::proxies::Proxies;
use super::stop::LAST_ATTEMPT;

/// Requests under way at the same time, to all hosts together.
const MAX_REQUESTS: usize = 48;
/// Idle connections that are kept for a host, and for how long.
const MAX_IDLE: usize = 2;
const IDLE: Duration = Duration::from_secs(2);

/// The client that all requests go through.
pub(super) struct Network {
    tls: TlsContext,
    proxies: Proxies,
    permits: Arc<Semaphore>,
    cancel: Cancel,
    connectors: Mutex<HashMap<[Option<Duration>; 2], SharedHttpConnector>>,
}

impl Network {
    /// `ca_bundle` is PEM, in place of the certificates that the system trusts.
    ///
    /// # Errors
    /// The bundle holds no usable certificate.
    pub(super) fn client(
        ca_bundle: Option<Vec<u8>>,
        proxies: Proxies,
        cancel: Cancel,
    ) -> Result<SharedHttpClient, String> {
        let mut tls = TlsContext::builder();
        if let Some(pem) = ca_bundle {
            // A bundle without one would trust nobody, and each call would fail by a certificate that looks wrong.
            if !contains_certificate(&pem) {
                return Err("it contains no certificate in PEM".to_owned());
            }
            tls = tls.with_trust_store(TrustStore::empty().with_pem_certificate(pem));
        }
        let network = Self {
            tls: tls.build().map_err(|error| error.to_string())?,
            proxies,
            permits: Arc::new(Semaphore::new(MAX_REQUESTS)),
            cancel,
            connectors: Mutex::default(),
        };
        Ok(network.into_shared())
    }

    fn connector(&self, settings: &HttpConnectorSettings, proxy: ProxyConfig) -> Connector {
        let builder: ConnectorBuilder = Connector::builder();
        builder
            .connector_settings(settings.clone())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .proxy_config(proxy)
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(self.tls.clone())
            .build()
    }
}

fn contains_certificate(pem: &[u8]) -> bool {
    let begin = b"-----BEGIN CERTIFICATE-----";
    pem.windows(begin.len()).any(|window| window == begin)
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

impl HttpClient for Network {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = [settings.connect_timeout(), settings.read_timeout()];
        let mut connectors = self
            .connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            SharedHttpConnector::new(Bounded {
                http: self
                    .connector(settings, self.proxies.for_http())
                    .into_shared(),
                https: self
                    .connector(settings, self.proxies.for_https())
                    .into_shared(),
                permits: Arc::clone(&self.permits),
                cancel: self.cancel.clone(),
            })
        });
        connector.clone()
    }
}

/// Sends requests while there are not too many under way.
#[derive(Debug)]
struct Bounded {
    http: SharedHttpConnector,
    https: SharedHttpConnector,
    permits: Arc<Semaphore>,
    cancel: Cancel,
}

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = if request.uri().starts_with("http://") {
            self.http.clone()
        } else {
            self.https.clone()
        };
        let (permits, cancel) = (Arc::clone(&self.permits), self.cancel.clone());
        HttpConnectorFuture::new(async move {
            let _permit = permits
                .acquire_owned()
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            tokio::select! {
                answer = whole_answer(connector, request) => answer,
                () = overdue(&cancel) => Err(ConnectorError::timeout(
                    "Terraform asked the provider to stop, and no answer came in time".into(),
                )),
            }
        })
    }
}

/// The connection is free again when its answer was read, so it is read here. Answers of these APIs are small.
async fn whole_answer(
    connector: SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let mut answer = connector.call(request).await?;
    let body = mem::replace(answer.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::io(error.into()))?;
    *answer.body_mut() = SdkBody::from(bytes.into_bytes());
    Ok(answer)
}

async fn overdue(cancel: &Cancel) {
    cancel.cancelled().await;
    tokio::time::sleep(LAST_ATTEMPT).await;
}
