//! What no two inputs may have in common, and no two senders of one.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use auditlog_sealer::listen::{Access, Token, Webhook};

use crate::command::input::Wrong;

/// The inputs so far.
#[derive(Default)]
pub(super) struct Inputs<'c> {
    pub(super) names: BTreeSet<&'c str>,
    listen: Vec<(SocketAddr, &'c str)>,
}

impl<'c> Inputs<'c> {
    /// Adds one, without its senders.
    pub(super) fn add(&mut self, name: &'c str, listen: Option<SocketAddr>) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if !self.names.insert(name) {
            let what = format!("two inputs have the name {name}");
            wrong.push(Wrong::new(
                "name",
                what,
                "give each input a name of its own",
            ));
        }
        if let Some(listen) = listen {
            wrong.extend(self.same_port(listen));
            self.listen.push((listen, name));
        }
        wrong
    }

    fn same_port(&self, listen: SocketAddr) -> Option<Wrong> {
        let mut others = self.listen.iter();
        let (other, name) = others.find(|(other, _)| overlap(listen, *other))?;
        let what = if listen == *other {
            format!("two inputs listen on {listen}")
        } else {
            format!("{listen} takes the port of the input {name}, which listens on {other}")
        };
        Some(Wrong::new(
            "listen",
            what,
            "give each input a port of its own",
        ))
    }
}

/// Whether two listeners would get the same connections. Port 0 is another one each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_port = one.port() == other.port() && one.port() != 0;
    let (one, other) = (one.ip().to_canonical(), other.ip().to_canonical());
    same_port && (one == other || includes(one, other) || includes(other, one))
}

/// Whether one address includes the other one: `::` also takes connections over IPv4.
fn includes(one: IpAddr, other: IpAddr) -> bool {
    one.is_unspecified() && (one.is_ipv6() || other.is_ipv4())
}

/// What two senders of one input have in common, and must not.
pub(super) fn shared(access: &Access) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if let Some((one, other)) = same_secret(&access.tokens) {
        let (one, other) = (one.source.as_str(), other.source.as_str());
        let what = format!("the tokens of {one} and {other} are the same secret");
        wrong.push(Wrong::new(
            "token",
            what,
            "give each sender a secret of its own",
        ));
    }
    if let Some((one, other)) = same_key(&access.webhooks) {
        let (one, other) = (one.source.as_str(), other.source.as_str());
        let what = format!("the webhooks of {one} and {other} have the same secret");
        wrong.push(Wrong::new(
            "webhook",
            what,
            "give each webhook a secret of its own",
        ));
    }
    let mut names = BTreeSet::new();
    let twice = access.users.iter().find(|user| !names.insert(&user.name));
    if let Some(user) = twice {
        let what = format!("two users have the name {}", user.name);
        wrong.push(Wrong::new("user", what, "give each user a name of its own"));
    }
    wrong
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
            passwords: vec![b"password".to_vec()],
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
    fn what_two_inputs_share_is_refused() {
        let mut inputs = Inputs::default();
        let mut added = |name, listen: Option<&str>| {
            let listen = listen.map(|listen| listen.parse().unwrap());
            let wrong = inputs.add(name, listen).into_iter();
            let wrong = wrong.map(|Wrong { at, what, .. }| format!("{at}: {what}"));
            wrong.collect::<Vec<String>>().join("; ")
        };
        assert_eq!(added("a", Some("127.0.0.1:1")), "");
        assert_eq!(
            added("a", Some("127.0.0.1:1")),
            "name: two inputs have the name a; listen: two inputs listen on 127.0.0.1:1"
        );
        assert_eq!(added("c", Some("127.0.0.1:0")), "");
        assert_eq!(added("d", Some("127.0.0.1:0")), "");
        // Files do not listen.
        assert_eq!(added("e", None), "");
        assert_eq!(added("f", None), "");
        assert_eq!(
            added("g", Some("0.0.0.0:1")),
            "listen: 0.0.0.0:1 takes the port of the input a, which listens on 127.0.0.1:1"
        );
    }

    #[test]
    fn listeners_overlap_where_one_of_them_takes_all_addresses() {
        for (one, other, expected) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("0.0.0.0:0", "127.0.0.1:0", false),
            ("[::]:1", "127.0.0.1:1", true),
            ("[::]:1", "0.0.0.0:1", true),
            ("[::]:1", "[::1]:1", true),
            ("[::1]:1", "127.0.0.1:1", false),
            ("0.0.0.0:1", "[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1:1", true),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn what_two_senders_share_is_refused() {
        let said = |access: &Access| {
            let wrong = shared(access).into_iter();
            let wrong = wrong.map(|Wrong { at, what, .. }| format!("{at}: {what}"));
            wrong.collect::<Vec<String>>()
        };
        let mut access = Access {
            tokens: vec![token("x", "one"), token("y", "two"), token("z", "one")],
            users: vec![user("u"), user("v"), user("u")],
            webhooks: vec![webhook("h"), webhook("i")],
            ..Access::default()
        };
        let expected = [
            "token: the tokens of x and z are the same secret",
            "webhook: the webhooks of h and i have the same secret",
            "user: two users have the name u",
        ];
        assert_eq!(said(&access), expected);
        access.tokens.pop();
        access.webhooks.pop();
        access.users.pop();
        assert!(said(&access).is_empty());
    }
}
