//! The format of an audit log that nobody can change unnoticed: bytes and types, no I/O, no clock, no async.
//!
//! A *log* is a sequence of lines, named by its [origin](origin::Origin) and stored as numbered *segments*. Each line but the
//! last of a segment is a leaf of one RFC 6962 tree and carries the hash of the leaf before it. The last line of a segment is a
//! signed C2SP checkpoint. `docs/guides/chain-format.md` is the format in numbered rules (F1 to F18), which this crate cites.
//!
//! - [`builder`] makes segments, for a sealer; [`segment`] checks them, for a verifier. A builder that resumes lines from a disk
//!   checks them too.
//! - [`line`](mod@line), [`checkpoint`] and [`event`] parse exactly what they format, so a value in hand is well formed.
//! - [`keys`] has the signature schemes, [`verifier_key`] a key under the name of a log, [`tree`] the hashes over all lines.
//! - [`policy`] is the trust policy: what was declared, who may sign, and whose signatures a segment needs. [`limits`] is how
//!   large anything may be.
//!
//! What this crate does not do: look for segments, compare neighbours, judge what is absent, or read a clock.
//!
//! ```
//! use auditlog_chain::builder::{Provenance, SegmentBuilder, StoredPayload};
//! use auditlog_chain::keys::PublicKey;
//! use auditlog_chain::line::KeyChange;
//! use auditlog_chain::origin::Origin;
//! use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
//! use auditlog_chain::timestamp::Timestamp;
//! use auditlog_chain::verifier_key::VerifierKey;
//! use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
//! use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pair = Ed25519KeyPair::generate()?;
//! let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key())?;
//! let origin = Origin::parse("acme.example/audit/payments").ok_or("not an origin")?;
//! let key = VerifierKey::new(origin.clone(), PublicKey::from_spki_der(spki.as_ref())?);
//! let now = Timestamp::parse_rfc3339("2026-11-22T19:00:00Z").ok_or("not a time")?;
//!
//! // Segment 0 announces the key and holds nothing else.
//! let announced = KeyChange { verifier_key: key.clone(), previous: None };
//! let first = SegmentBuilder::open(Head::of_new_log(origin.clone()), now, Some(announced))?.close(now)?;
//!
//! // Segment 1 holds an event.
//! let mut builder = SegmentBuilder::open(first.head().clone(), now, None)?;
//! builder.append(&Provenance::default(), &StoredPayload::event(br#"{"user":"ada","action":"login"}"#)?, now)?;
//! let closed = builder.close(now)?;
//! let signature = pair.sign(&key.message(&closed.checkpoint(), closed.sealed()));
//! let object = closed.finish(vec![key.note_signature(signature.as_ref(), now)])?;
//!
//! // Whoever has the object, the origin and the key can check it, and sees every changed byte.
//! let expected = Expected { origin: &origin, segment: 1, format: FORMAT };
//! let segment = check_segment(&object, expected)?;
//! segment.check_signatures(&[&key])?;
//! assert_eq!((segment.events(), segment.size()), (1, 6));
//!
//! let mut changed = object.clone();
//! changed[100] ^= 1;
//! assert!(check_segment(&changed, expected).is_err());
//! # Ok(())
//! # }
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

pub mod builder;
pub mod checkpoint;
pub mod cursor;
pub mod event;
pub mod fault;
mod frame;
pub mod hash;
pub mod keys;
pub mod limits;
pub mod line;
pub mod origin;
pub mod policy;
pub mod segment;
pub mod timestamp;
pub mod tree;
pub mod verifier_key;

#[cfg(test)]
mod tests;
