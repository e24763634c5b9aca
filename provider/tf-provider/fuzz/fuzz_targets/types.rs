//! A type in JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tf_provider::fuzz::types(input));
