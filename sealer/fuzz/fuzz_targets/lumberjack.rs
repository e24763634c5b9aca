//! The bytes of a connection of the Lumberjack protocol. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/lumberjack/mod.rs"]
mod lumberjack;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    lumberjack::fuzz::connection(input);
});
