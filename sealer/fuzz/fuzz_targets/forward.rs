//! A message of the Forward protocol. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/forward/mod.rs"]
mod forward;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    forward::fuzz::message(input);
});
