//! A proof: a tlog-proof, a consistency proof's document, or a case.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    auditlog_verifier::fuzz::proof(input);
});
