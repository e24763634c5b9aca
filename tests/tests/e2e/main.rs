//! End to end: the real Terraform CLI, the built commands, and real S3 and KMS endpoints.
//!
//! One binary, so that it is linked once: a folder of modules for each command, and one for what they share.

mod acceptance;
mod arrows;
mod credentials;
mod forge;
mod hostile;
mod modules;
mod moto;
mod operations;
mod provider;
mod reading;
mod readme;
mod seal;
mod support;
mod upgrade;
mod vectors;
mod verify;
mod version;
mod words;
