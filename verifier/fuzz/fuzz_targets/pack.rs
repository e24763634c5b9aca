//! An evidence pack.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::pack(input);
});
