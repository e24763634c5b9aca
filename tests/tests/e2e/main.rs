//! End to end: the real Terraform CLI, the built commands, and real S3 and KMS endpoints.
//!
//! One binary, so that it is linked once; a module for each thing that is looked at.

mod arrows;
mod endpoint;
mod engines;
mod forge;
mod moto;
mod provider_access;
mod provider_bucket;
mod provider_config;
mod provider_docs;
mod provider_faults;
mod provider_key;
mod provider_policy;
mod provider_stack;
mod proxy;
mod readme;
mod seal;
mod seal_access;
mod seal_bucket;
mod seal_crash;
mod seal_disk;
mod seal_folder;
mod seal_input;
mod seal_network;
mod seal_setup;
mod seal_signals;
mod seal_spool;
mod seal_store;
mod vectors;
mod verify_access;
mod verify_files;
mod verify_folder;
mod verify_log;
mod verify_net;
mod verify_output;
mod verify_policy;
mod verify_s3;
mod verify_state;
