//! What no two inputs may have in common, and no two senders of one.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use auditlog_sealer::listen::{Access, Token, Webhook};

use crate::command::input::Mistake;

/// The inputs so far.
#[derive(Default)]
pub(super) struct Inputs<'c> {
    pub(super) names: BTreeSet<&'c str>,
    listen: BTreeSet<SocketAddr>,
}

impl<'c> Inputs<'c> {
    /// Adds one. Returns the key that is wrong, and why.
    pub(super) fn add(
        &mut self,
        name: &'c str,
        listen: Option<SocketAddr>,
        access: &Access,
    ) -> Option<Mistake> {
        if !self.names.insert(name) {
            return Some(("name", format!("two inputs have the name {name}")));
        }
        // Port 0 is another one each time.
        let listen = listen.filter(|listen| listen.port() != 0);
        if let Some(listen) = listen.filter(|listen| !self.listen.insert(*listen)) {
            return Some(("listen", format!("two inputs listen on {listen}")));
        }
        if let Some((one, other)) = same_secret(&access.tokens) {
            let (one, other) = (one.source.as_str(), other.source.as_str());
            let reason = format!("the tokens of {one} and {other} are the same secret");
            return Some(("token", reason));
        }
        if let Some((one, other)) = same_key(&access.webhooks) {
            let (one, other) = (one.source.as_str(), other.source.as_str());
            let reason = format!("the webhooks of {one} and {other} have the same secret");
            return Some(("webhook", reason));
        }
        let mut names = BTreeSet::new();
        let twice = access.users.iter().find(|user| !names.insert(&user.name));
        twice.map(|user| ("user", format!("two users have the name {}", user.name)))
    }
}

fn same_secret(tokens: &[Token]) -> Option<(&Token, &Token)> {
    let mut others = tokens.iter();
    while let Some(one) = others.next() {
        let same = others.clone().find(|other| other.secret == one.secret);
        if let Some(other) = same {
            return Some((one, other));
        }
    }
    None
}

fn same_key(webhooks: &[Webhook]) -> Option<(&Webhook, &Webhook)> {
    let mut others = webhooks.iter();
    while let Some(one) = others.next() {
        let same = others.clone().find(|other| other.key == one.key);
        if let Some(other) = same {
            return Some((one, other));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use auditlog_chain::builder::Source;
    use auditlog_sealer::listen::User;

    use super::*;

    fn token(source: &str, secret: &str) -> Token {
        Token {
            source: Source::parse(source).unwrap(),
            secret: secret.as_bytes().to_vec(),
        }
    }

    fn user(name: &str) -> User {
        User {
            name: name.to_owned(),
            source: Source::parse(name).unwrap(),
            password: b"password".to_vec(),
        }
    }

    fn webhook(source: &str) -> Webhook {
        Webhook {
            source: Source::parse(source).unwrap(),
            tag: None,
            key: vec![7; 24],
        }
    }

    #[test]
    fn what_two_inputs_or_two_senders_share_is_refused() {
        let nobody = Access::default();
        let mut inputs = Inputs::default();
        let port = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut added = |name, port, access: &Access| {
            let wrong = inputs.add(name, Some(port), access);
            wrong.map_or_else(String::new, |(key, reason)| format!("{key}: {reason}"))
        };
        assert_eq!(added("a", port(1), &nobody), "");
        assert_eq!(
            added("a", port(2), &nobody),
            "name: two inputs have the name a"
        );
        assert_eq!(
            added("b", port(1), &nobody),
            "listen: two inputs listen on 127.0.0.1:1"
        );
        assert_eq!(added("c", port(0), &nobody), "");
        assert_eq!(added("d", port(0), &nobody), "");
        let mut access = Access {
            tokens: vec![token("x", "one"), token("y", "two"), token("z", "one")],
            users: vec![user("u"), user("v"), user("u")],
            webhooks: vec![webhook("h"), webhook("i")],
            source: None,
        };
        let expected = "token: the tokens of x and z are the same secret";
        assert_eq!(added("e", port(5), &access), expected);
        access.tokens.pop();
        let expected = "webhook: the webhooks of h and i have the same secret";
        assert_eq!(added("f", port(6), &access), expected);
        access.webhooks.pop();
        assert_eq!(
            added("h", port(8), &access),
            "user: two users have the name u"
        );
        access.users.pop();
        assert_eq!(added("g", port(7), &access), "");
        // A file does not listen.
        assert_eq!(inputs.add("j", None, &nobody), None);
        assert_eq!(inputs.add("i", None, &nobody), None);
    }
}
