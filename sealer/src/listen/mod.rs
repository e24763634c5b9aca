//! What all inputs of the service over the network have in common: connections, TLS, who may send, signatures of webhooks, and compressed bodies.

mod access;
mod connections;
mod guard;
mod subject;
mod tls;
mod unpack;
mod webhook;

pub use access::{Access, Denied, Token, User};
pub use connections::{SayLine, Seat, Seats, Table, serve_each};
pub(crate) use connections::{end, ended};
pub use guard::Guard;
pub use tls::{Certificates, Door, NotLetIn, Stream};
pub use unpack::{Encoding, UnpackError, Unpacked, unpack};
pub use webhook::{Claim, NotSigned, Webhook, webhook_key};
