//! The protocol as generated from `proto/`.

#![expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    reason = "generated code; the definitions it comes from are commented"
)]
#![allow(
    dead_code,
    reason = "the whole protocol is generated; an expectation of this lint is not counted"
)]

/// Terraform's side of the protocol.
pub(crate) mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The launcher's side.
pub(crate) mod plugin {
    tonic::include_proto!("plugin");
}

/// The standard health service.
pub(crate) mod health {
    tonic::include_proto!("grpc.health.v1");
}
