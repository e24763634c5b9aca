//! The command `auditlog-seal`, on folders and on real S3 and KMS endpoints.

mod access;
mod alarms;
pub(crate) mod bench;
mod bucket;
mod crash;
mod crowd;
mod disk;
mod endure;
mod folder;
mod follow;
mod http;
mod input;
mod keeper;
mod kills;
mod lock;
mod network;
mod operate;
pub(crate) mod random;
mod resume;
mod senders;
mod service;
mod service_kills;
mod setup;
mod signals;
mod spool;
mod start;
mod store;
