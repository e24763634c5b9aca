//! The number of a segment in one byte, and its object.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::segment(input);
});
