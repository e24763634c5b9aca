//! Who may send, and as whom: bearer tokens, user names with passwords, and the subject of a client certificate.

use auditlog_chain::builder::Source;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::webhook::Webhook;

/// A secret that says who sends.
#[derive(Clone)]
pub struct Token {
    /// The sender's name in the log.
    pub source: Source,
    /// The secret.
    pub secret: Vec<u8>,
}

/// A name with a password.
#[derive(Clone)]
pub struct User {
    /// The name that the sender gives.
    pub name: String,
    /// The sender's name in the log.
    pub source: Source,
    /// The secrets, one of which it gives: while one replaces another, there are two.
    pub passwords: Vec<Vec<u8>>,
}

/// Who may send to one input.
#[derive(Clone, Default)]
pub struct Access {
    /// Of senders that give a token.
    pub tokens: Vec<Token>,
    /// Of senders that give a name and a password.
    pub users: Vec<User>,
    /// Of senders that sign what they send.
    pub webhooks: Vec<Webhook>,
    /// What senders over Forward must know, one of them. Without any, there is not a handshake.
    pub shared_keys: Vec<Vec<u8>>,
    /// The name in the log of a sender without a name of its own.
    pub source: Option<Source>,
}

/// The sender gave nothing that is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl Access {
    /// Whether a sender must give a token or a password, or sign what it sends.
    pub fn asks(&self) -> bool {
        self.knows_names() || !self.webhooks.is_empty()
    }

    fn knows_names(&self) -> bool {
        !self.tokens.is_empty() || !self.users.is_empty()
    }

    /// Who sends a request with this `Authorization` over a connection of this subject. A token or a user is more exact than the
    /// certificate, which many programs of a machine may share.
    ///
    /// # Errors
    ///
    /// Where a token or a password is asked for, and the right one was not given.
    pub fn of_request(
        &self,
        authorization: Option<&[u8]>,
        subject: Option<&Source>,
    ) -> Result<Option<Source>, Denied> {
        if !self.knows_names() {
            // Where webhooks are signed, nobody else may send without a name.
            return match subject {
                None if self.asks() => Err(Denied),
                None => Ok(self.source.clone()),
                Some(subject) => Ok(Some(subject.clone())),
            };
        }
        let (scheme, given) = authorization.and_then(scheme).ok_or(Denied)?;
        let found = if scheme.eq_ignore_ascii_case(b"bearer") {
            self.of_token(given)
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            self.of_basic(given)
        } else {
            None
        };
        found.cloned().map(Some).ok_or(Denied)
    }

    /// The user of this name.
    pub fn user(&self, name: &[u8]) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|user| user.name.as_bytes() == name)
    }

    fn of_token(&self, given: &[u8]) -> Option<&Source> {
        let matching = self.tokens.iter();
        let matching = matching.filter(|token| is_equal(&token.secret, given));
        // All are compared: the time says nothing about which one was close.
        matching.map(|token| &token.source).next_back()
    }

    fn of_basic(&self, given: &[u8]) -> Option<&Source> {
        let decoded = STANDARD.decode(given).ok()?;
        let at = decoded.iter().position(|byte| *byte == b':')?;
        let (name, password) = decoded.split_at_checked(at)?;
        let password = password.get(1..)?;
        let user = self.user(name)?;
        let matching = user.passwords.iter();
        let matching = matching.filter(|known| is_equal(known, password));
        (matching.count() > 0).then_some(&user.source)
    }
}

/// The time of a comparison says nothing about how much is right.
fn is_equal(secret: &[u8], given: &[u8]) -> bool {
    !given.is_empty() && verify_slices_are_equal(secret, given).is_ok()
}

fn scheme(authorization: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = authorization.iter().position(|byte| *byte == b' ')?;
    let (scheme, given) = authorization.split_at_checked(at)?;
    Some((scheme, given.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source::parse(name).unwrap()
    }

    fn access() -> Access {
        Access {
            tokens: vec![Token {
                source: source("app"),
                secret: b"a secret".to_vec(),
            }],
            users: vec![User {
                name: "web".to_owned(),
                source: source("web-1"),
                passwords: vec![b"pass:word".to_vec(), b"the next".to_vec()],
            }],
            ..Access::default()
        }
    }

    #[test]
    fn token_and_password_give_the_name_of_the_sender() {
        let access = access();
        let basic = format!("Basic {}", STANDARD.encode("web:pass:word"));
        let next = format!("Basic {}", STANDARD.encode("web:the next"));
        for (given, expected) in [
            ("Bearer a secret", "app"),
            ("bearer a secret", "app"),
            (basic.as_str(), "web-1"),
            (next.as_str(), "web-1"),
        ] {
            let found = access.of_request(Some(given.as_bytes()), None);
            assert_eq!(found, Ok(Some(source(expected))), "{given}");
        }
    }

    #[test]
    fn wrong_or_missing_credentials_are_denied_also_with_a_certificate() {
        let access = access();
        let wrong = format!("Basic {}", STANDARD.encode("web:guessed"));
        let nobody = format!("Basic {}", STANDARD.encode("app:a secret"));
        let nothing = format!("Basic {}", STANDARD.encode("web:"));
        for given in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a secre",
            "Bearer a secret2",
            "Digest a secret",
            "Basic !",
            "Basic d2Vi",
            &wrong,
            &nobody,
            &nothing,
        ] {
            let found = access.of_request(Some(given.as_bytes()), Some(&source("CN=x")));
            assert_eq!(found, Err(Denied), "{given}");
        }
        assert_eq!(access.of_request(None, Some(&source("CN=x"))), Err(Denied));
    }

    #[test]
    fn where_nothing_is_asked_for_the_certificate_says_who_sends() {
        let mut access = Access::default();
        assert_eq!(access.of_request(Some(b"Bearer x"), None), Ok(None));
        access.source = Some(source("all"));
        assert_eq!(access.of_request(None, None), Ok(Some(source("all"))));
        let subject = source("CN=x");
        assert_eq!(
            access.of_request(None, Some(&subject)),
            Ok(Some(subject.clone()))
        );
    }

    #[test]
    fn where_webhooks_are_signed_nobody_else_sends_without_a_name() {
        let mut access = Access {
            webhooks: vec![Webhook {
                source: source("hoop"),
                tag: None,
                key: vec![7; 24],
            }],
            source: Some(source("all")),
            ..Access::default()
        };
        assert!(access.asks());
        assert_eq!(access.of_request(None, None), Err(Denied));
        assert_eq!(access.of_request(Some(b"Bearer x"), None), Err(Denied));
        let subject = source("CN=x");
        let found = access.of_request(None, Some(&subject));
        assert_eq!(found, Ok(Some(subject)));
        access.tokens = self::access().tokens;
        let found = access.of_request(Some(b"Bearer a secret"), None);
        assert_eq!(found, Ok(Some(source("app"))));
    }
}
