//! The body of a request over HTTP. The modules are taken without their crate, which would bring the AWS SDK.

#![no_main]

#[path = "../../src/elements.rs"]
mod elements;
#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/forward/mod.rs"]
mod forward;
#[allow(dead_code, unused_imports, reason = "the fuzzer uses a part of it")]
#[path = "../../src/otlp/mod.rs"]
mod otlp;

/// What the modules take from others of the crate.
mod limits {
    pub(crate) const MAX_BATCH_EVENTS: usize = 1 << 17;
}

mod seal {
    /// As the one of the crate, which is not read here.
    pub(crate) enum Naming {
        Unique,
        Content,
    }
}

#[allow(dead_code, reason = "the fuzzer uses a part of it")]
#[path = "../../src/service"]
mod service {
    pub(crate) mod fuzz;
    mod member;
    mod parse;
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    service::fuzz::body(input);
});
