//! A request of OTLP. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/otlp/mod.rs"]
mod otlp;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    otlp::fuzz::request(input);
});
