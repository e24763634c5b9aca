//! The sealer as a service: senders offer batches, and each is acknowledged once it is on the disk, or in the store.
//!
//! ```text
//! listeners (tokio): decode, check -> Offer {source, name, events, answer}
//!   -> one channel, bounded in bytes -> the log's thread: known name? -> chain -> one write, one fdatasync -> answers
//!         -> closed segments on disk -> the shipper's thread: sign -> object synced -> PUT -> answers of `ack = "stored"`
//! ```
//!
//! An outage of the store or of the key lengthens the queue on the disk. Where the disk is full or the queue as long as it may be, nothing is
//! taken from the channel, and listeners ask their senders to come again later.

mod http;
mod offer;
mod parse;
mod status;
mod writer;

pub use http::{HttpInput, Token, serve};
pub use offer::{Ack, Answer, Intake, Offer};
pub use status::Status;
pub use writer::{Ages, Writer};
