//! What all inputs of the service over the network have in common: connections, TLS, who may send, and compressed bodies.

mod access;
mod connections;
mod subject;
mod tls;
mod unpack;

pub use access::{Access, Denied, Token, User};
pub(crate) use connections::ended;
pub use connections::serve_each;
pub use tls::{Certificates, Door, Stream};
pub use unpack::{Encoding, UnpackError, Unpacked, unpack};
