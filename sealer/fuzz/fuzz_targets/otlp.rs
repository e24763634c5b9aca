//! A request of OTLP. The modules are taken without their crate, which would bring the AWS SDK.

#![no_main]

#[path = "../../src/elements.rs"]
mod elements;
#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/otlp/mod.rs"]
mod otlp;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    otlp::fuzz::request(input);
});
