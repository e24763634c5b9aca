//! A state in JSON, read by its type and by itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tf_provider::fuzz::state(input));
