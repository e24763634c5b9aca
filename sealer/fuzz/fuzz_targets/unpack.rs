//! A compressed body. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/listen/unpack/mod.rs"]
mod unpack;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    unpack::fuzz::body(input);
});
