//! A JSON Pointer and an event. The modules are taken without their crate, which would bring the AWS SDK.

#![no_main]

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/service"]
mod service {
    mod member;
    mod pointer;
    pub(crate) mod pointer_fuzz;
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    service::pointer_fuzz::pointer(input);
});
