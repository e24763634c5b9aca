//! A value in msgpack, read by its type.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tf_provider::fuzz::msgpack(input));
