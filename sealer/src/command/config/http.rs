//! `[[http]]`: a listener.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use auditlog_chain::builder::Source;
use auditlog_sealer::error::{Error, FileFault, UsageError};
use auditlog_sealer::service::Token;
use serde::Deserialize;

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Http {
    #[serde(default = "usual_name")]
    name: String,
    pub(in crate::command) listen: SocketAddr,
    #[serde(default)]
    token: Vec<TokenFile>,
}

fn usual_name() -> String {
    "http".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    source: String,
    file: PathBuf,
}

impl Http {
    /// What routes call it.
    pub(in crate::command) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.token.is_empty() && !self.listen.ip().is_loopback() {
            let listen = self.listen.to_string();
            return Err(UsageError::OpenListener { listen }.into());
        }
        Ok(())
    }

    /// Who may send. A secret is the content of its file, without white space around it.
    pub(in crate::command) fn tokens(&self) -> Result<Vec<Token>, Error> {
        let token = |token: &TokenFile| {
            let fault = FileFault::of("the token cannot be read", &token.file);
            let wrong = |reason: String| UsageError::Configuration {
                path: token.file.clone(),
                reason,
            };
            let secret =
                fs::read(&token.file).map_err(|error| wrong(fault(error).source.to_string()))?;
            let secret = secret.trim_ascii().to_vec();
            if secret.len() < 16 {
                return Err(wrong("a token has at least 16 characters".to_owned()).into());
            }
            let source = Source::parse(&token.source).ok_or_else(|| UsageError::Malformed {
                expected: "a source of 1 to 255 characters of printable ASCII without quote and backslash",
                found: token.source.clone(),
            })?;
            Ok(Token { source, secret })
        };
        self.token.iter().map(token).collect()
    }
}
