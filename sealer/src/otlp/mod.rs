//! Log records of OpenTelemetry (OTLP), in protobuf and in JSON: the bytes of a request, and nothing else.
//!
//! Each record is an event of its own, with the resource and the scope that it comes from: `{"resource":…,"scope":…,"logRecord":…}`, and
//! `resourceSchemaUrl` and `scopeSchemaUrl` where they name a schema. What came as JSON is kept byte for byte. What came as protobuf is written as the JSON of OTLP.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod json;
mod protobuf;
mod record;
mod status;
mod wire;

pub use json::records_of_json;
pub use protobuf::records_of_protobuf;
pub use status::{status_json, status_protobuf};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError<E> {
    /// It is not a request for logs.
    #[error("the body is not an ExportLogsServiceRequest: {0}")]
    Json(serde_json::Error),
    /// It is not an object of JSON.
    #[error("the body is not an ExportLogsServiceRequest: expected a JSON object")]
    NotAnObject,
    /// The same in protobuf.
    #[error("the body is not an ExportLogsServiceRequest: {0}")]
    Protobuf(&'static str),
    /// The caller has refused a record.
    #[error("record {record}: {source}")]
    Record {
        /// Its number, from 1.
        record: usize,
        /// Why.
        source: E,
    },
}
