//! The handshake of a connection, and who it is from.

use auditlog_chain::builder::Source;
use aws_lc_rs::digest::{Context, SHA512};
use aws_lc_rs::rand::fill;

use super::wire::Wire;
use super::{Closed, ForwardInput};
use crate::forward::{Hello, Ping, pong_accepted, pong_refused};
use crate::listen::{Access, User};

const DENIED: &str = "the shared key, the user or the password is wrong";

impl ForwardInput {
    /// Who sends: a user is more exact than a certificate, and a certificate more than the key that all senders share.
    pub(super) async fn greet(
        &self,
        wire: &mut Wire,
        access: &Access,
        subject: Option<Source>,
    ) -> Result<Option<Source>, Closed> {
        let sender = subject.or_else(|| access.source.clone());
        if access.shared_keys.is_empty() {
            return Ok(sender);
        }
        let hello = hello(!access.users.is_empty())?;
        wire.write(&hello.to_bytes()).await?;
        let ping = Ping::parse(&wire.next_small().await?).map_err(super::wire::WireError::from)?;
        let Some((key, user)) = known(access, &hello, &ping) else {
            wire.write(&pong_refused(DENIED, &self.host)).await?;
            return Err(Closed::Denied(DENIED));
        };
        let accepted = pong_accepted(&ping, &hello, &self.host, key, &sha512);
        wire.write(&accepted).await?;
        Ok(user.map(|user| user.source.clone()).or(sender))
    }
}

/// The key that a sender knows, and the user that it has shown to be, where there are users. Whoever does not know a key is told nothing
/// about users.
fn known<'a>(
    access: &'a Access,
    hello: &Hello,
    ping: &Ping,
) -> Option<(&'a [u8], Option<&'a User>)> {
    let user = access.user(&ping.user);
    let knows = |password: &Vec<u8>| hello.knows_password(ping, password, &sha512);
    let knows_password = user.is_some_and(|user| user.passwords.iter().any(knows));
    let mut keys = access.shared_keys.iter();
    let key = keys.find(|key| hello.knows_key(ping, key, &sha512))?;
    let is_known = access.users.is_empty() || knows_password;
    is_known.then_some((key.as_slice(), user))
}

fn hello(asks_for_user: bool) -> Result<Hello, Closed> {
    let random = || {
        let mut bytes = [0; 16];
        match fill(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(Closed::Denied("this machine has no random numbers")),
        }
    };
    Ok(Hello {
        nonce: random()?,
        auth: asks_for_user.then(random).transpose()?,
    })
}

fn sha512(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA512);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}
