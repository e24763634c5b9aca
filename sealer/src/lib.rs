//! Takes audit events, chains and signs them, and writes them once.
//!
//! The sealer is the writer of a log: it finds the log's head in the store, chains each event behind it, keeps what it
//! has accepted in a [spool] until it is sealed, has each segment signed, and creates it under a name that can be
//! taken once. It trusts nothing it finds: a head that it cannot explain stops it. It does not judge a log as a whole:
//! that is the verifier's, which shares no code with it but the format.
//!
//! ```
//! use std::sync::Arc;
//!
//! use auditlog_chain::builder::{Provenance, StoredPayload};
//! use auditlog_chain::keys::KeySpec;
//! use auditlog_sealer::fencing::Fencing;
//! use auditlog_sealer::seal::{KnownHead, Limits, Sealer, Setup};
//! use auditlog_sealer::signer::{LocalKey, Signer};
//! use auditlog_sealer::spool::Spool;
//! use auditlog_sealer::store::Folder;
//! use auditlog_sealer::target::log_without_policy;
//! # let scratch = tempfile::tempdir()?;
//! # let now = || auditlog_chain::timestamp::Timestamp::from_system_time(std::time::SystemTime::now()).unwrap_or(
//! #     auditlog_chain::timestamp::Timestamp::EPOCH);
//!
//! let spool = Spool::open(&scratch.path().join("spool"), "payments in a folder", "writer-1")?;
//! let setup = Setup {
//!     store: Arc::new(Folder::new(&scratch.path().join("bucket"), spool.writer())),
//!     log: log_without_policy("acme.example/audit/payments", None)?,
//!     policy: None,
//!     signer: Arc::new(Signer::Local(LocalKey::generate(KeySpec::EccNistEdwards25519)?)),
//!     previous: Vec::new(),
//!     clock: Arc::new(now),
//!     limits: Limits::default(),
//!     fencing: Fencing::Condition,
//!     known_head: KnownHead::Nothing,
//!     notify: Arc::new(|notice| eprintln!("{notice}")),
//! };
//! let mut sealer = Sealer::start(setup, spool)?;
//! let event = StoredPayload::json(br#"{"user":"ann","action":"login"}"#)?;
//! sealer.append(&event, &Provenance::default(), now())?; // more may be appended while it says `Room::Left`
//! sealer.accept()?; // synced: from here on the event is not lost
//! sealer.seal()?; // signed, and in the store
//! assert_eq!(sealer.sealed().events, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason
)]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

pub mod aws;
pub mod disk;
mod elements;
pub mod error;
pub mod fencing;
mod folder;
pub mod follow;
pub mod forward;
pub mod input;
pub mod level;
pub mod limits;
pub mod listen;
pub mod lumberjack;
#[cfg(test)]
mod mutated;
pub mod names;
pub mod otlp;
pub mod pins;
pub mod seal;
pub mod service;
pub mod signer;
pub mod spool;
pub mod store;
pub mod syslog;
pub mod target;
pub mod wal;

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
pub const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Reads a file of at most `limit` bytes. Where it cannot be read, the fault says `failed`.
fn read_at_most(
    failed: &'static str,
    path: &Path,
    limit: usize,
) -> Result<Vec<u8>, error::FileFault> {
    let read = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|found| found > limit) {
            let reason = format!("larger than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        Ok(bytes)
    });
    read.map_err(error::FileFault::of(failed, path))
}
