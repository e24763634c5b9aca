//! The bytes of a connection of syslog or RELP. The module is taken without its crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/syslog/mod.rs"]
mod syslog;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    syslog::fuzz::stream(input);
});
