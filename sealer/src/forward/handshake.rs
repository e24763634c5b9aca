//! The handshake: the server greets, the client shows that it knows the key, and the server shows it too.

use std::fmt::Write as _;

use super::msgpack::{Head, Malformed, take_bytes, take_head};

/// What the server says first.
#[derive(Clone, Debug)]
pub struct Hello {
    /// Random bytes of this connection.
    pub nonce: [u8; 16],
    /// Random bytes for the password, where users are asked for.
    pub auth: Option<[u8; 16]>,
}

/// What the client answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Its host.
    pub host: Vec<u8>,
    /// Random bytes of its own; they need not be text.
    pub salt: Vec<u8>,
    /// The digest of the key.
    pub key_digest: Vec<u8>,
    /// The user, where one is asked for.
    pub user: Vec<u8>,
    /// The digest of the password.
    pub password_digest: Vec<u8>,
}

impl Hello {
    /// The bytes of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = b"\x92\xa4HELO\x83\xa5nonce".to_vec();
        push_binary(&mut bytes, &self.nonce);
        bytes.extend_from_slice(b"\xa4auth");
        match &self.auth {
            Some(auth) => push_binary(&mut bytes, auth),
            None => bytes.push(0xa0),
        }
        bytes.extend_from_slice(b"\xa9keepalive\xc3");
        bytes
    }

    /// Whether the client knows the key.
    pub fn knows_key(&self, ping: &Ping, key: &[u8], digest: &Digest) -> bool {
        let expected = digest(&[&ping.salt, &ping.host, &self.nonce, key]);
        is_digest(&expected, &ping.key_digest)
    }

    /// Whether the client knows the password of its user.
    pub fn knows_password(&self, ping: &Ping, password: &[u8], digest: &Digest) -> bool {
        let auth = self.auth.as_ref().map_or(&[][..], <[u8; 16]>::as_slice);
        let expected = digest(&[auth, &ping.user, password]);
        is_digest(&expected, &ping.password_digest)
    }
}

/// SHA-512 of parts in a row.
pub type Digest = dyn Fn(&[&[u8]]) -> Vec<u8>;

/// All digits are compared: the time says nothing about how many are right.
fn is_digest(expected: &[u8], found: &[u8]) -> bool {
    let expected = hex(expected);
    let differing = |sum: u8, (a, b): (&u8, &u8)| sum | (a ^ b);
    expected.len() == found.len() && expected.as_bytes().iter().zip(found).fold(0, differing) == 0
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing into a string cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

impl Ping {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Where the bytes are something else.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, Malformed> {
        const EXPECTED: &str = "a PING: the sender must be configured with the shared key";
        if take_head(&mut bytes)? != Head::Array(6) {
            return Err(Malformed::Expected(EXPECTED));
        }
        if take_bytes(&mut bytes, EXPECTED)? != b"PING" {
            return Err(Malformed::Expected(EXPECTED));
        }
        let mut next = || take_bytes(&mut bytes, EXPECTED).map(<[u8]>::to_vec);
        Ok(Self {
            host: next()?,
            salt: next()?,
            key_digest: next()?,
            user: next()?,
            password_digest: next()?,
        })
    }
}

/// The last step: the server knows the key too.
pub fn pong_accepted(
    ping: &Ping,
    hello: &Hello,
    host: &str,
    key: &[u8],
    digest: &Digest,
) -> Vec<u8> {
    let known = digest(&[&ping.salt, host.as_bytes(), &hello.nonce, key]);
    let mut bytes = b"\x95\xa4PONG\xc3\xa0".to_vec();
    push_text(&mut bytes, host);
    push_text(&mut bytes, &hex(&known));
    bytes
}

/// The last step where the sender is refused.
pub fn pong_refused(reason: &str, host: &str) -> Vec<u8> {
    let mut bytes = b"\x95\xa4PONG\xc2".to_vec();
    push_text(&mut bytes, reason);
    push_text(&mut bytes, host);
    bytes.push(0xa0);
    bytes
}

/// At most 255 bytes.
fn push_text(to: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    to.extend_from_slice(&[0xd9, length]);
    to.extend(text.bytes().take(length.into()));
}

fn push_binary(to: &mut Vec<u8>, bytes: &[u8; 16]) {
    to.extend_from_slice(&[0xc4, 16]);
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In place of SHA-512: what is hashed can be read.
    fn digest(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn ping(key: &[u8], password: &[u8]) -> Vec<u8> {
        let text = |text: &[u8]| [&[0xd9, u8::try_from(text.len()).unwrap()], text].concat();
        let nonce = [1u8; 16];
        let known = hex(&digest(&[b"\xffsalt", b"web-1", &nonce, key]));
        let secret = hex(&digest(&[&[2u8; 16], b"ann", password]));
        let parts = [
            &b"PING"[..],
            b"web-1",
            b"\xffsalt",
            known.as_bytes(),
            b"ann",
            secret.as_bytes(),
        ];
        [vec![0x96], parts.map(text).concat()].concat()
    }

    #[test]
    fn right_key_and_password_are_known_and_others_are_not() {
        let hello = Hello {
            nonce: [1; 16],
            auth: Some([2; 16]),
        };
        let parsed = Ping::parse(&ping(b"key", b"word")).unwrap();
        assert!(hello.knows_key(&parsed, b"key", &digest));
        assert!(hello.knows_password(&parsed, b"word", &digest));
        for other in [&b""[..], b"kex", b"keyy"] {
            assert!(!hello.knows_key(&parsed, other, &digest));
            assert!(!hello.knows_password(&parsed, other, &digest));
        }
        let other = Hello {
            nonce: [3; 16],
            auth: None,
        };
        assert!(!other.knows_key(&parsed, b"key", &digest));
        assert!(!other.knows_password(&parsed, b"word", &digest));
    }

    #[test]
    fn what_is_not_a_ping_is_refused() {
        let whole = ping(b"key", b"word");
        for length in 0..whole.len() {
            assert!(Ping::parse(&whole[..length]).is_err(), "{length}");
        }
        assert!(Ping::parse(b"\x93\xa3tag\x00\x80").is_err());
    }

    #[test]
    fn both_ends_of_the_handshake_are_msgpack() {
        let hello = Hello {
            nonce: [1; 16],
            auth: None,
        };
        let parsed = Ping::parse(&ping(b"key", b"word")).unwrap();
        let long = "x".repeat(300);
        for bytes in [
            hello.to_bytes(),
            pong_accepted(&parsed, &hello, "sealer", b"key", &digest),
            pong_refused("no", "sealer"),
            pong_refused(&long, "sealer"),
        ] {
            let mut scan = crate::forward::Scan::default();
            assert_eq!(scan.advance(&bytes), Ok(bytes.len()));
            assert!(scan.is_whole());
        }
    }
}
