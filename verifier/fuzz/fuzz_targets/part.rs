//! The partial result of a range.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::part(input);
});
