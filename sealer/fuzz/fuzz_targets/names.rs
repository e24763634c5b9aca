//! The file of the names of batches. The modules are taken without their crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/forward/mod.rs"]
mod forward;

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/names"]
mod names {
    mod chunk;
    mod content;
    mod fingerprint;
    pub(crate) mod fuzz;
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    names::fuzz::log(input);
});
