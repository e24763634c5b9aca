//! Where the sealer answers.

use std::net::Ipv4Addr;

/// The URL of a sealer, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealerUrl {
    pub(super) scheme: Scheme,
    pub(super) host: String,
    pub(super) port: u16,
}

/// Whether the way is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl SealerUrl {
    /// Without TLS, only the machine's own loopback is reached: everybody on the way could read token and events.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let malformed =
            || format!("{url:?} is not a URL such as https://sealer.example:9880, without a path.");
        let (scheme, place) = match url.split_once("://") {
            Some(("https", place)) => (Scheme::Https, place),
            Some(("http", place)) => (Scheme::Http, place),
            _ => return Err(malformed()),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| malformed())?),
            None if scheme == Scheme::Https => (place, 443),
            None => (place, 80),
        };
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        if host.is_empty() || port == 0 || !host.bytes().all(allowed) {
            return Err(malformed());
        }
        if scheme == Scheme::Http && !is_loopback(host) {
            return Err(format!(
                "{url:?} has no TLS, and everybody on the way could read and change events. Use https://, or a sealer on the same machine."
            ));
        }
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
        })
    }

    /// Where events go.
    pub(super) fn events(&self) -> String {
        self.with("/events")
    }

    /// Where log records of OpenTelemetry go.
    pub(super) fn otlp_logs(&self) -> String {
        self.with("/v1/logs")
    }

    /// Where the API server of Kubernetes sends to.
    pub(super) fn kubernetes(&self) -> String {
        self.with("/kubernetes")
    }

    /// Where signed messages go.
    pub(super) fn webhook(&self) -> String {
        self.with("/webhook")
    }

    fn with(&self, path: &str) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}:{}{path}", self.host, self.port)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::Https
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Option<Ipv4Addr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_without_tls_reaches_the_own_machine_alone() {
        let events = |url| SealerUrl::parse(url).map(|url| url.events());
        let tls = "https://sealer.example:443/events".to_owned();
        assert_eq!(events("https://sealer.example"), Ok(tls));
        let own = "http://127.0.0.1:9880/events".to_owned();
        assert_eq!(events("http://127.0.0.1:9880"), Ok(own));
        for url in ["http://sealer.example:9880", "http://127.example"] {
            let refused = events(url).unwrap_err();
            assert!(refused.contains("has no TLS"), "{refused}");
        }
        for url in [
            "sealer:1",
            "https://",
            "https://a/b",
            "https://a:0",
            "https://a:x",
            "ftp://a",
            "https://a b",
        ] {
            assert!(events(url).unwrap_err().contains("is not a URL"), "{url}");
        }
    }
}
