//! What an earlier run kept.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::cache(input);
});
