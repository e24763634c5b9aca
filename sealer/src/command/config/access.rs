//! Who may send to an input: secrets of the configuration, which are in files or in the environment.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use auditlog_chain::builder::Source;
use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door, Token, User, Webhook, webhook_key};
use serde::Deserialize;

use crate::command::input::Wrong;

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
    /// Reads the secret of a key of a table.
    pub(super) fn read(&self, at: &str, of: &str) -> Result<Vec<u8>, Wrong> {
        secret(at, of, self.file.as_deref(), self.env.as_deref())
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
    /// What a person can add so that it asks, beside a `client_ca`.
    pub(super) ways: &'a [&'a str],
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
    /// Who may send, and how connections come in.
    ///
    /// # Errors
    ///
    /// All that is wrong with files and variables, and where anybody could send from another machine though the configuration does not
    /// say so.
    pub(super) fn open(&self, protocols: &[&[u8]]) -> Result<(Access, Door), Vec<Wrong>> {
        let mut wrong = Vec::new();
        let access = Access {
            tokens: each(self.tokens, "token", TokenFrom::read, &mut wrong),
            users: each(self.users, "user", UserFrom::read, &mut wrong),
            webhooks: each(self.webhooks, "webhook", WebhookFrom::read, &mut wrong),
            source: self.source.and_then(|name| {
                let source = source("source", name);
                source.map_err(|error| wrong.push(error)).ok()
            }),
        };
        wrong.extend(self.must_ask());
        let door = match self.tls.map(|tls| door(tls, protocols)) {
            None => Door::default(),
            Some(Ok(door)) => door,
            Some(Err(faults)) => {
                wrong.extend(faults);
                Door::default()
            }
        };
        if wrong.is_empty() {
            Ok((access, door))
        } else {
            Err(wrong)
        }
    }

    /// Senders of another machine must say who they are, unless the configuration says otherwise.
    fn must_ask(&self) -> Option<Wrong> {
        let of_secrets =
            !(self.tokens.is_empty() && self.users.is_empty() && self.webhooks.is_empty());
        let asks_for_certificate = self.tls.is_some_and(|tls| tls.client_ca.is_some());
        let asks = of_secrets || asks_for_certificate || self.asks == Asks::NeedNot;
        (!asks && !self.listen.ip().is_loopback()).then(|| {
            let listen = self.listen;
            let what = format!(
                "the listener {listen} can be reached from other machines, and asks senders for nothing"
            );
            let ways: Vec<&str> = self.ways.iter().copied().chain(["a client_ca"]).collect();
            let remedy = format!(
                "listen on 127.0.0.1, or add {}; without_authentication = true lets everybody send",
                ways.join(" or ")
            );
            Wrong::new("listen", what, remedy)
        })
    }
}

/// Reads each table of a list, whatever is wrong with others.
fn each<F, T>(
    tables: &[F],
    key: &str,
    read: impl Fn(&F, &str) -> Result<T, Vec<Wrong>>,
    wrong: &mut Vec<Wrong>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        match read(table, &format!("{key}.{number}")) {
            Ok(each) => found.push(each),
            Err(faults) => wrong.extend(faults),
        }
    }
    found
}

fn door(tls: &Certificates, protocols: &[&[u8]]) -> Result<Door, Vec<Wrong>> {
    let wrong = |(key, error): (&str, Error)| {
        let remedy = error.hint().unwrap_or_default();
        Wrong::new(format!("tls.{key}"), error.to_string(), remedy)
    };
    let faults = tls.faults();
    if !faults.is_empty() {
        return Err(faults.into_iter().map(wrong).collect());
    }
    let door = Door::with_tls(tls, protocols);
    door.map_err(|error| vec![wrong(("certificate", error))])
}

impl TokenFrom {
    fn read(&self, at: &str) -> Result<Token, Vec<Wrong>> {
        let of = format!("the token of {}", self.source);
        let secret = secret(at, &of, self.file.as_deref(), self.env.as_deref());
        let (source, secret) = both(source(&format!("{at}.source"), &self.source), secret)?;
        Ok(Token { source, secret })
    }
}

impl UserFrom {
    fn read(&self, at: &str) -> Result<User, Vec<Wrong>> {
        let of = format!("the password of {}", self.name);
        let password = secret(at, &of, self.file.as_deref(), self.env.as_deref());
        let (key, name) = match &self.source {
            Some(source) => ("source", source),
            None => ("name", &self.name),
        };
        let (source, password) = both(source(&format!("{at}.{key}"), name), password)?;
        let name = self.name.clone();
        Ok(User {
            name,
            source,
            password,
        })
    }
}

impl WebhookFrom {
    fn read(&self, at: &str) -> Result<Webhook, Vec<Wrong>> {
        let of = format!("the secret of the webhook {}", self.source);
        let secret = secret(at, &of, self.file.as_deref(), self.env.as_deref());
        let key = secret.and_then(|secret| {
            let place = if self.file.is_some() { "file" } else { "env" };
            let malformed = || {
                let what = format!("{of} is not one of Svix: expected whsec_ and base64 behind it");
                let remedy = "copy the signing secret as the sender of the webhook shows it";
                Wrong::new(format!("{at}.{place}"), what, remedy)
            };
            webhook_key(&secret).ok_or_else(malformed)
        });
        let (source, key) = both(source(&format!("{at}.source"), &self.source), key)?;
        let tag = self.tag.clone();
        Ok(Webhook { source, tag, key })
    }
}

/// Both of two, or all that is wrong with them.
fn both<A, B>(one: Result<A, Wrong>, other: Result<B, Wrong>) -> Result<(A, B), Vec<Wrong>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(one.err().into_iter().chain(other.err()).collect()),
    }
}

/// A secret from its file or from the environment, without white space around it. It appears in no message.
fn secret(
    at: &str,
    of: &str,
    file: Option<&Path>,
    variable: Option<&str>,
) -> Result<Vec<u8>, Wrong> {
    let (key, read) = match (file, variable) {
        (Some(path), None) => ("file", of_file(of, path)),
        (None, Some(name)) => ("env", of_variable(of, name)),
        (None, None) | (Some(_), Some(_)) => {
            let what = format!("{of} needs either a file or an env");
            let remedy = "write one of file = \"PATH\" and env = \"VARIABLE\"";
            return Err(Wrong::new(at, what, remedy));
        }
    };
    let wrong = |(what, remedy): (String, &str)| Wrong::new(format!("{at}.{key}"), what, remedy);
    let read = read.map_err(wrong)?;
    let bytes = read.trim_ascii();
    let remedy =
        "write a secret that nobody can guess into it, such as that of openssl rand -hex 24";
    if bytes.is_empty() {
        return Err(wrong((format!("{of} is empty"), remedy)));
    }
    if bytes.len() < MIN_SECRET_BYTES {
        let what = format!("{of} has fewer than {MIN_SECRET_BYTES} characters");
        return Err(wrong((what, remedy)));
    }
    Ok(bytes.to_vec())
}

type What = (String, &'static str);

fn of_file(of: &str, path: &Path) -> Result<Vec<u8>, What> {
    // A device may have no end, and a pipe may never begin.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let what = format!(
            "{of} must be in a regular file, which {} is not",
            path.display()
        );
        return Err((what, "name a file that has the secret"));
    }
    fs::read(path).map_err(|error| {
        let what = format!("{of} cannot be read: {}: {error}", path.display());
        (
            what,
            "make the file, and let the user of the service read it",
        )
    })
}

fn of_variable(of: &str, name: &str) -> Result<Vec<u8>, What> {
    let found = env::var_os(name).map(OsString::into_encoded_bytes);
    found.ok_or_else(|| {
        let what = format!("{of} is not known: the variable {name} is not set");
        (
            what,
            "set it in the environment of the service, or name a file in its place",
        )
    })
}

fn source(at: &str, name: &str) -> Result<Source, Wrong> {
    Source::parse(name).ok_or_else(|| {
        let what = format!("{name:?} cannot be a source in the log");
        Wrong::new(at, what, SOURCE)
    })
}

/// What a source may be.
pub(super) const SOURCE: &str =
    "write 1 to 255 characters of printable ASCII without quote and backslash";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: Option<&str>, variable: Option<&str>) -> String {
        let found = secret("token.0", "the token", file.map(Path::new), variable);
        let Wrong { at, what, .. } = found.unwrap_err();
        format!("{at}: {what}")
    }

    #[test]
    fn each_way_in_which_a_secret_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (empty, short) = (file("empty", " \n"), file("short", "fifteen letters"));
        for (path, variable, expected) in [
            (
                Some("/dev/zero"),
                None,
                "token.0.file: the token must be in a regular file, which /dev/zero is not",
            ),
            (
                Some("/dev/null/x"),
                None,
                "token.0.file: the token cannot be read: /dev/null/x: Not a directory (os error 20)",
            ),
            (
                Some("/no/such/file"),
                None,
                "token.0.file: the token cannot be read: /no/such/file: No such file or directory (os error 2)",
            ),
            (
                Some(empty.as_str()),
                None,
                "token.0.file: the token is empty",
            ),
            (
                Some(short.as_str()),
                None,
                "token.0.file: the token has fewer than 16 characters",
            ),
            (
                None,
                Some("AUDITLOG_NO_SUCH_VARIABLE"),
                "token.0.env: the token is not known: the variable AUDITLOG_NO_SUCH_VARIABLE is not set",
            ),
            (
                None,
                None,
                "token.0: the token needs either a file or an env",
            ),
            (
                Some("/x"),
                Some("X"),
                "token.0: the token needs either a file or an env",
            ),
        ] {
            assert_eq!(read(path, variable), expected);
        }
    }

    #[test]
    fn only_listener_that_asks_can_be_reached_from_elsewhere() {
        let listener = |listen: &str, asks| {
            let senders = Senders {
                listen: listen.parse().unwrap(),
                source: None,
                tokens: &[],
                users: &[],
                webhooks: &[],
                tls: None,
                asks,
                ways: &["tokens"],
            };
            senders.open(&[]).map_err(|wrong| wrong[0].clone()).err()
        };
        let open = listener("0.0.0.0:1", Asks::Must).unwrap();
        assert_eq!(open.at, "listen");
        let expected = "listen on 127.0.0.1, or add tokens or a client_ca; without_authentication = true lets everybody send";
        assert_eq!(open.remedy, expected);
        assert_eq!(listener("0.0.0.0:1", Asks::NeedNot), None);
        assert_eq!(listener("127.0.0.1:1", Asks::Must), None);
        assert_eq!(listener("[::1]:1", Asks::Must), None);
    }
}
