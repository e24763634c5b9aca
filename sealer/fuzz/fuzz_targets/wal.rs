//! A write-ahead file. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/wal/mod.rs"]
mod wal;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    wal::fuzz::file(input);
});
