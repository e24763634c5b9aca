//! The lines of a followed file. The modules are taken without their crate, which would bring the AWS SDK.

#![no_main]

/// What the modules take from others of the crate.
mod limits {
    pub(crate) const MAX_INPUT_LINE_BYTES: usize = auditlog_chain::limits::MAX_LINE_BYTES;
}

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/input"]
mod input {
    mod position;

    pub(crate) use position::{Position, Running};
}

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/follow"]
mod follow {
    pub(crate) mod fuzz;
    mod lines;
    mod place;
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    follow::fuzz::file(input);
});
