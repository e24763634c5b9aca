//! Who may send to an input: secrets of the configuration, which are in files or in the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use auditlog_chain::builder::Source;
use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::listen::{Access, Certificates, Door, Token, User, Webhook, webhook_key};
use serde::Deserialize;

/// Shortest secret that is accepted, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// A secret that says who sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFrom {
    source: String,
    file: Option<PathBuf>,
    env: Option<String>,
}

/// A name with a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFrom {
    name: String,
    source: Option<String>,
    file: Option<PathBuf>,
    env: Option<String>,
}

/// A secret that messages are signed with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookFrom {
    source: String,
    tag: Option<String>,
    file: Option<PathBuf>,
    env: Option<String>,
}

/// A secret alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretFrom {
    file: Option<PathBuf>,
    env: Option<String>,
}

impl SecretFrom {
    pub(super) fn read(&self, config: &Path, of: &str) -> Result<Vec<u8>, Error> {
        secret(config, of, self.file.as_deref(), self.env.as_deref())
    }
}

/// What a listener says of its senders.
pub(super) struct Senders<'a> {
    pub(super) listen: SocketAddr,
    pub(super) source: Option<&'a str>,
    pub(super) tokens: &'a [TokenFrom],
    pub(super) users: &'a [UserFrom],
    pub(super) webhooks: &'a [WebhookFrom],
    pub(super) tls: Option<&'a Certificates>,
    /// Whether the listener asks for something else, or need not ask.
    pub(super) asks: Asks,
}

/// Whether a listener must ask senders who they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// It asks for tokens, users or certificates, or it is on a loopback address.
    Must,
    /// It need not.
    NeedNot,
}

impl Asks {
    pub(super) const fn unless(it_need_not: bool) -> Self {
        if it_need_not {
            Self::NeedNot
        } else {
            Self::Must
        }
    }
}

impl Senders<'_> {
    /// Who may send, and how connections come in. `config` is named where a variable is missing.
    ///
    /// # Errors
    ///
    /// Where anybody could send from another machine though the configuration does not say so, or a file cannot be used.
    pub(super) fn open(&self, config: &Path, protocols: &[&[u8]]) -> Result<(Access, Door), Error> {
        let tokens = self.tokens.iter().map(|token| token.read(config));
        let users = self.users.iter().map(|user| user.read(config));
        let webhooks = self.webhooks.iter().map(|webhook| webhook.read(config));
        let access = Access {
            tokens: tokens.collect::<Result<_, _>>()?,
            users: users.collect::<Result<_, _>>()?,
            webhooks: webhooks.collect::<Result<_, _>>()?,
            source: self.source.map(source).transpose()?,
        };
        let asks = access.asks() || self.asks == Asks::NeedNot || asks_for_certificate(self.tls);
        must_ask(self.listen, asks)?;
        Ok((access, door(self.tls, protocols)?))
    }
}

fn door(tls: Option<&Certificates>, protocols: &[&[u8]]) -> Result<Door, Error> {
    match tls {
        Some(certificates) => Door::with_tls(certificates, protocols),
        None => Ok(Door::default()),
    }
}

fn asks_for_certificate(tls: Option<&Certificates>) -> bool {
    tls.is_some_and(|tls| tls.client_ca.is_some())
}

fn must_ask(listen: SocketAddr, asks: bool) -> Result<(), Error> {
    if asks || listen.ip().is_loopback() {
        return Ok(());
    }
    let listen = listen.to_string();
    Err(UsageError::OpenListener { listen }.into())
}

impl TokenFrom {
    fn read(&self, config: &Path) -> Result<Token, Error> {
        let of = format!("the token of {}", self.source);
        Ok(Token {
            source: source(&self.source)?,
            secret: secret(config, &of, self.file.as_deref(), self.env.as_deref())?,
        })
    }
}

impl UserFrom {
    fn read(&self, config: &Path) -> Result<User, Error> {
        let of = format!("the password of {}", self.name);
        Ok(User {
            name: self.name.clone(),
            source: source(self.source.as_deref().unwrap_or(&self.name))?,
            password: secret(config, &of, self.file.as_deref(), self.env.as_deref())?,
        })
    }
}

impl WebhookFrom {
    fn read(&self, config: &Path) -> Result<Webhook, Error> {
        let of = format!("the secret of the webhook {}", self.source);
        let (file, variable) = (self.file.as_deref(), self.env.as_deref());
        let secret = secret(config, &of, file, variable)?;
        let malformed = || {
            let reason = format!("{of} is not one of Svix: expected whsec_ and base64 behind it");
            let path = file.unwrap_or(config).to_owned();
            UsageError::Configuration { path, reason }
        };
        Ok(Webhook {
            source: source(&self.source)?,
            tag: self.tag.clone(),
            key: webhook_key(&secret).ok_or_else(malformed)?,
        })
    }
}

/// A secret from its file or from the environment, without white space around it. It appears in no message.
fn secret(
    config: &Path,
    of: &str,
    file: Option<&Path>,
    variable: Option<&str>,
) -> Result<Vec<u8>, Error> {
    let wrong = |path: &Path, reason: String| {
        let path = path.to_owned();
        Err(UsageError::Configuration { path, reason }.into())
    };
    let (path, read) = match (file, variable) {
        // A device may have no end, and a pipe may never begin.
        (Some(path), None) => match fs::metadata(path).map(|found| found.is_file()) {
            Ok(false) => return wrong(path, format!("{of} must be in a regular file")),
            Ok(true) | Err(_) => match fs::read(path) {
                Ok(bytes) => (path, bytes),
                Err(error) => return wrong(path, error.to_string()),
            },
        },
        (None, Some(name)) => match env::var_os(name) {
            Some(text) => (config, text.into_encoded_bytes()),
            None => return wrong(config, format!("the variable {name} is not set")),
        },
        (None, None) | (Some(_), Some(_)) => {
            return wrong(config, format!("{of} needs either a file or an env"));
        }
    };
    let bytes = read.trim_ascii();
    if bytes.len() < MIN_SECRET_BYTES {
        return wrong(
            path,
            format!("{of} has fewer than {MIN_SECRET_BYTES} characters"),
        );
    }
    Ok(bytes.to_vec())
}

fn source(name: &str) -> Result<Source, Error> {
    Source::parse(name).ok_or_else(|| {
        UsageError::Malformed {
            expected: "a source of 1 to 255 characters of printable ASCII without quote and backslash",
            found: name.to_owned(),
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_read_from_a_regular_file_alone() {
        let read = |path: &str| {
            let found = secret(
                Path::new("sealer.toml"),
                "the token",
                Some(Path::new(path)),
                None,
            );
            found.map_err(|error| error.to_string())
        };
        let zero = read("/dev/zero").unwrap_err();
        assert!(
            zero.contains("the token must be in a regular file"),
            "{zero}"
        );
        let absent = read("/dev/null/x").unwrap_err();
        assert!(absent.contains("Not a directory"), "{absent}");
    }
}
