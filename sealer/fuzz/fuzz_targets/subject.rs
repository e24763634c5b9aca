//! The subject of a client certificate, and until when it is valid. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[path = "../../src/listen/subject.rs"]
mod subject;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    subject::fuzz::certificate(input);
});
