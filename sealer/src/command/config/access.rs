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

/// Secrets of a sender at a time. Stops a file of something else from being a list of secrets that others know.
const MAX_SECRETS: usize = 16;

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
    fn read(&self) -> Result<Vec<Vec<u8>>, Wrong> {
        let (file, env) = (self.file.as_deref(), self.env.as_deref());
        secrets("shared_key", "the shared key", file, env)
    }
}

/// What a listener says of its senders.
pub(super) struct Senders<'a> {
    pub(super) listen: SocketAddr,
    pub(super) source: Option<&'a str>,
    pub(super) tokens: &'a [TokenFrom],
    pub(super) users: &'a [UserFrom],
    pub(super) webhooks: &'a [WebhookFrom],
    pub(super) shared_key: Option<&'a SecretFrom>,
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

impl<'a> Senders<'a> {
    /// Those of a protocol that has neither tokens nor passwords, so that only a certificate says who sends.
    pub(super) const fn by_certificate(
        listen: SocketAddr,
        source: Option<&'a str>,
        tls: Option<&'a Certificates>,
        asks: Asks,
    ) -> Self {
        Self {
            listen,
            source,
            tokens: &[],
            users: &[],
            webhooks: &[],
            shared_key: None,
            tls,
            asks,
            ways: &[],
        }
    }

    /// The files of secrets.
    pub(super) fn files(&self) -> Vec<&'a Path> {
        let tokens = self.tokens.iter().map(|from| &from.file);
        let users = self.users.iter().map(|from| &from.file);
        let webhooks = self.webhooks.iter().map(|from| &from.file);
        let keys = self.shared_key.into_iter().map(|from| &from.file);
        let all = tokens.chain(users).chain(webhooks).chain(keys);
        all.flatten().map(PathBuf::as_path).collect()
    }

    /// Who may send, and how connections come in.
    ///
    /// # Errors
    ///
    /// All that is wrong with files and variables, and where anybody could send from another machine though the configuration does not
    /// say so.
    pub(super) fn open(&self, protocols: &[&[u8]]) -> Result<(Access, Door), Vec<Wrong>> {
        let (access, mut wrong) = match self.access() {
            Ok(access) => (access, Vec::new()),
            Err(wrong) => (Access::default(), wrong),
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

    /// Who may send. Nothing but secrets is read.
    ///
    /// # Errors
    ///
    /// All that is wrong with their files and variables.
    pub(super) fn access(&self) -> Result<Access, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let shared_keys = self.shared_key.map(SecretFrom::read).transpose();
        let shared_keys = shared_keys.unwrap_or_else(|error| {
            wrong.push(error);
            None
        });
        let access = Access {
            shared_keys: shared_keys.unwrap_or_default(),
            tokens: each(self.tokens, "token", TokenFrom::read, &mut wrong),
            users: each(self.users, "user", UserFrom::read, &mut wrong),
            webhooks: each(self.webhooks, "webhook", WebhookFrom::read, &mut wrong),
            source: self.source.and_then(|name| {
                let source = source("source", name);
                source.map_err(|error| wrong.push(error)).ok()
            }),
        };
        if wrong.is_empty() {
            Ok(access)
        } else {
            Err(wrong)
        }
    }

    /// Senders of another machine must say who they are, unless the configuration says otherwise.
    fn must_ask(&self) -> Option<Wrong> {
        let of_secrets =
            !(self.tokens.is_empty() && self.users.is_empty() && self.webhooks.is_empty());
        let asks_for_certificate = self.tls.is_some_and(|tls| tls.client_ca.is_some());
        let asks = of_secrets
            || self.shared_key.is_some()
            || asks_for_certificate
            || self.asks == Asks::NeedNot;
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

/// Reads each table of a list, whatever is wrong with others. A table with several secrets gives several senders.
fn each<F, T>(
    tables: &[F],
    key: &str,
    read: impl Fn(&F, &str) -> Result<Vec<T>, Vec<Wrong>>,
    wrong: &mut Vec<Wrong>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        match read(table, &format!("{key}.{number}")) {
            Ok(each) => found.extend(each),
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
    fn read(&self, at: &str) -> Result<Vec<Token>, Vec<Wrong>> {
        let of = format!("the token of {}", self.source);
        let secrets = secrets(at, &of, self.file.as_deref(), self.env.as_deref());
        let (source, secrets) = both(source(&format!("{at}.source"), &self.source), secrets)?;
        let token = |secret| Token {
            source: source.clone(),
            secret,
        };
        Ok(secrets.into_iter().map(token).collect())
    }
}

impl UserFrom {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, at: &str) -> Result<Vec<User>, Vec<Wrong>> {
        let of = format!("the password of {}", self.name);
        let passwords = secrets(at, &of, self.file.as_deref(), self.env.as_deref());
        let (key, name) = match &self.source {
            Some(source) => ("source", source),
            None => ("name", &self.name),
        };
        let (source, passwords) = both(source(&format!("{at}.{key}"), name), passwords)?;
        let name = self.name.clone();
        Ok(vec![User {
            name,
            source,
            passwords,
        }])
    }
}

impl WebhookFrom {
    fn read(&self, at: &str) -> Result<Vec<Webhook>, Vec<Wrong>> {
        let of = format!("the secret of the webhook {}", self.source);
        let secrets = secrets(at, &of, self.file.as_deref(), self.env.as_deref());
        let keys = secrets.and_then(|secrets| {
            let place = if self.file.is_some() { "file" } else { "env" };
            let malformed = || {
                let what = format!("{of} is not one of Svix: expected whsec_ and base64 behind it");
                let remedy = "copy the signing secret as the sender of the webhook shows it";
                Wrong::new(format!("{at}.{place}"), what, remedy)
            };
            let keys = secrets.iter().map(|secret| webhook_key(secret));
            let keys: Option<Vec<_>> = keys.collect();
            keys.ok_or_else(malformed)
        });
        let (source, keys) = both(source(&format!("{at}.source"), &self.source), keys)?;
        let webhook = |key| Webhook {
            source: source.clone(),
            tag: self.tag.clone(),
            key,
        };
        Ok(keys.into_iter().map(webhook).collect())
    }
}

/// Both of two, or all that is wrong with them.
fn both<A, B>(one: Result<A, Wrong>, other: Result<B, Wrong>) -> Result<(A, B), Vec<Wrong>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(one.err().into_iter().chain(other.err()).collect()),
    }
}

/// The secrets of a sender from their file or from the environment, one a line, without white space around each. They appear in no message.
fn secrets(
    at: &str,
    of: &str,
    file: Option<&Path>,
    variable: Option<&str>,
) -> Result<Vec<Vec<u8>>, Wrong> {
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
    let lines = read.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut found: Vec<Vec<u8>> = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if !found.iter().any(|known| known == line) {
            found.push(line.to_vec());
        }
    }
    let remedy =
        "write a secret that nobody can guess into it, such as that of openssl rand -hex 24";
    if found.is_empty() {
        return Err(wrong((format!("{of} is empty"), remedy)));
    }
    if found.len() > MAX_SECRETS {
        let what = format!("{of} has more than {MAX_SECRETS} lines");
        return Err(wrong((
            what,
            "write one secret into it, or the old and the new one, each in a line of its own",
        )));
    }
    if found.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
        let what = format!("{of} has fewer than {MIN_SECRET_BYTES} characters");
        return Err(wrong((what, remedy)));
    }
    Ok(found)
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
        // A secret that somebody has written in the place of the name appears in no message either.
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let shown = if name.bytes().all(is_name) {
            format!("the variable {name}")
        } else {
            "the variable that env names".to_owned()
        };
        let what = format!("{of} is not known: {shown} is not set");
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
        let found = secrets("token.0", "the token", file.map(Path::new), variable);
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
        let second = file("second", "a secret of sixteen letters\nfifteen letters\n");
        let list: Vec<String> = (0..17).map(|n| format!("{n:016}")).collect();
        let many = file("many", &list.join("\n"));
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
                Some(second.as_str()),
                None,
                "token.0.file: the token has fewer than 16 characters",
            ),
            (
                Some(many.as_str()),
                None,
                "token.0.file: the token has more than 16 lines",
            ),
            (
                None,
                Some("6f1a-the secret itself"),
                "token.0.env: the token is not known: the variable that env names is not set",
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
    fn each_line_of_a_file_is_a_secret_of_its_sender() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let old_and_new = "the old secret of x\r\n\n  the new secret of x \nthe old secret of x\n";
        fs::write(&path, old_and_new).unwrap();
        let from = TokenFrom {
            source: "x".to_owned(),
            file: Some(path),
            env: None,
        };
        let tokens = from.read("token.0").unwrap();
        let found = tokens
            .iter()
            .map(|token| (token.source.as_str(), &token.secret[..]));
        let expected =
            [&b"the old secret of x"[..], b"the new secret of x"].map(|each| ("x", each));
        assert!(found.eq(expected));
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
                shared_key: None,
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
