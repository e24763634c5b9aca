//! The proxies between this machine and AWS, from the provider block and the environment.

use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};

/// Hosts that no proxy reaches: this machine, and what gives it its credentials.
const DIRECT: &str = "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";

/// `http_proxy`, `https_proxy` and `no_proxy`, in the provider block or the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// URL of the proxy for `http://` endpoints.
    pub http: Option<String>,
    /// URL of the proxy for `https://` endpoints.
    pub https: Option<String>,
    /// Hosts, domains and networks that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
}

impl ProxySettings {
    /// These settings, completed from variables of the environment.
    ///
    /// An HTTP proxy that the provider block names serves for `https://` too where nothing names one for that, as in the AWS
    /// provider.
    pub(super) fn or_environment(&self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(&variable);
            values.find(|value| !value.is_empty())
        };
        let any = || named(["ALL_PROXY", "all_proxy"]);
        Self {
            http: self
                .http
                .clone()
                .or_else(|| named(["HTTP_PROXY", "http_proxy"]))
                .or_else(any),
            https: self
                .https
                .clone()
                .or_else(|| named(["HTTPS_PROXY", "https_proxy"]))
                .or_else(|| self.http.clone())
                .or_else(any),
            no_proxy: self
                .no_proxy
                .clone()
                .or_else(|| named(["NO_PROXY", "no_proxy"])),
        }
    }
}

/// The proxies as the connectors want them.
#[derive(Debug, Clone)]
pub(super) struct Proxies {
    http: ProxyConfig,
    https: ProxyConfig,
}

impl Proxies {
    /// # Errors
    /// The argument of the provider block whose URL is not one, and why.
    pub(super) fn new(settings: &ProxySettings) -> Result<Self, (&'static str, ProxyError)> {
        let direct = settings
            .no_proxy
            .as_ref()
            .map_or_else(|| DIRECT.to_owned(), |more| format!("{DIRECT},{more}"));
        let config = |url: &Option<String>, argument| match url {
            Some(url) => ProxyConfig::all(url.as_str())
                .map(|config| config.no_proxy(&direct))
                .map_err(|error| (argument, error)),
            None => Ok(ProxyConfig::disabled()),
        };
        Ok(Self {
            http: config(&settings.http, "http_proxy")?,
            https: config(&settings.https, "https_proxy")?,
        })
    }

    pub(super) fn for_http(&self) -> ProxyConfig {
        self.http.clone()
    }

    pub(super) fn for_https(&self) -> ProxyConfig {
        self.https.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(http: &str, https: &str, no_proxy: &str) -> ProxySettings {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ProxySettings {
            http: some(http),
            https: some(https),
            no_proxy: some(no_proxy),
        }
    }

    #[test]
    fn provider_block_wins_over_the_environment() {
        let environment = |name: &str| {
            let set = [
                ("HTTPS_PROXY", "http://env"),
                ("no_proxy", "a.example"),
                ("NO_PROXY", ""),
            ];
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let nothing = settings("", "", "").or_environment(environment);
        assert_eq!(nothing, settings("", "http://env", "a.example"));
        let both = settings("http://h", "http://s", "b.example");
        assert_eq!(both.or_environment(environment), both);
    }

    #[test]
    fn http_proxy_alone_serves_both() {
        let none = |_: &str| None;
        let alone = settings("http://h", "", "").or_environment(none);
        assert_eq!(alone, settings("http://h", "http://h", ""));
    }

    #[test]
    fn proxy_that_is_not_a_url_is_named_by_its_argument() {
        assert!(Proxies::new(&settings("http://h:3128", "", "")).is_ok());
        let wrong = Proxies::new(&settings("", "ftp://proxy", ""));
        assert_eq!(
            wrong.err().map(|(argument, _)| argument),
            Some("https_proxy")
        );
    }
}
