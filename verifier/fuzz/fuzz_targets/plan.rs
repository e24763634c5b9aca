//! The plan of a verification in ranges.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::plan(input);
});
