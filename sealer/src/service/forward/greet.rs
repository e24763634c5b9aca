//! The handshake of a connection, and who it is from.

use auditlog_chain::builder::Source;
use aws_lc_rs::digest::{Context, SHA512};
use aws_lc_rs::rand::fill;

use super::wire::Wire;
use super::{Closed, ForwardInput};
use crate::forward::{Digest, Hello, Ping, pong_accepted, pong_refused};

const DENIED: &str = "the shared key, the user or the password is wrong";

impl ForwardInput {
    /// Who sends: a user is more exact than a certificate, and a certificate more than the key that all senders share.
    pub(super) async fn greet(
        &self,
        wire: &mut Wire,
        subject: Option<Source>,
    ) -> Result<Option<Source>, Closed> {
        let sender = subject.or_else(|| self.access.source.clone());
        let Some(key) = &self.shared_key else {
            return Ok(sender);
        };
        let hello = hello(!self.access.users.is_empty())?;
        wire.write(&hello.to_bytes()).await?;
        let ping = Ping::parse(&wire.next_small().await?).map_err(super::wire::WireError::from)?;
        let digest: &Digest = &sha512;
        let user = self.access.user(&ping.user);
        let knows_password =
            user.is_some_and(|user| hello.knows_password(&ping, &user.password, digest));
        let is_known = self.access.users.is_empty() || knows_password;
        // Whoever does not know the key is told nothing about users.
        if !hello.knows_key(&ping, key, digest) || !is_known {
            wire.write(&pong_refused(DENIED, &self.host)).await?;
            return Err(Closed::Denied(DENIED));
        }
        let accepted = pong_accepted(&ping, &hello, &self.host, key, digest);
        wire.write(&accepted).await?;
        Ok(user.map(|user| user.source.clone()).or(sender))
    }
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
