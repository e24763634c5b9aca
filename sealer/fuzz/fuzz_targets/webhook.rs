//! The headers and the body of a webhook. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/listen/webhook/mod.rs"]
mod webhook;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    webhook::fuzz::request(input);
});
