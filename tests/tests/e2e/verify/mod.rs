//! The command `auditlog-verify`, on folders and on real S3 endpoints.

mod absence;
mod access;
mod by_hand;
mod cache;
mod files;
mod folder;
mod forgery;
mod kept;
mod net;
mod output;
mod page;
mod pins;
mod policy;
mod probe;
mod proofs;
mod ranges;
mod reports;
pub(crate) mod s3;
mod schemas;
mod several;
