//! The sealer as a service: inputs offer batches of their senders, and each is acknowledged once it is on the disk, or in the store.
//!
//! ```text
//! inputs (tokio): decode, check -> Batch {source, name, tag, lines} -> Router: by input, tag or field
//!   -> one channel a log, bounded in bytes -> the log's thread: known name? -> chain -> one write, one fdatasync -> answers
//!         -> closed segments on disk -> the shipper's thread: sign -> object synced -> PUT -> answers of `ack = "stored"`
//! ```
//!
//! An outage of the store or of the key lengthens the queue on the disk. Where the disk is full or the queue as long as it may be, nothing is
//! taken from the channel, and listeners ask their senders to come again later.

mod ages;
mod batch;
mod bodies;
mod certificates;
mod destination;
mod doors;
mod files;
mod forward;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod glance;
mod http;
mod latency;
mod lumberjack;
mod member;
mod metrics;
mod offer;
mod parse;
mod pointer;
#[cfg(any(test, fuzzing))]
mod pointer_fuzz;
mod reached;
mod refusals;
mod route;
mod router;
mod secrets;
mod standard_input;
mod status;
mod syslog;
#[cfg(test)]
mod tests;
mod update;
mod waiting;
mod webhooks;
mod writer;

pub use ages::Ages;
pub use batch::{Batch, NotTaken, Taken};
pub use bodies::Bodies;
pub use destination::Destination;
pub use files::{FilesInput, serve_files};
pub use forward::{ForwardInput, Room, serve_forward, serve_heartbeats};
pub use glance::{Glance, GlanceTrouble};
pub use http::{HttpInput, serve};
pub use lumberjack::{LumberjackInput, WindowRoom, serve_lumberjack};
pub use offer::{Ack, Answer, Intake, Offer};
pub use reached::Reached;
pub use refusals::{Refusal, Refused};
pub use route::{FieldIs, Route, TagPattern};
pub use router::{Pending, Router};
pub use secrets::SecretsState;
pub use standard_input::{StandardInput, serve_standard_input};
pub use status::{Part, Status, View};
pub use syslog::{LargeMessages, SyslogInput, Transport, serve_syslog};
pub use update::Update;
pub use webhooks::Webhooks;
pub use writer::Writer;
