//! What was declared: spans, keys, and the trust policy made from them. All of it is pure.

pub mod cost;
pub mod document;
pub mod duration;
pub mod keys;
pub mod model;
pub mod preset;
pub mod spans;
pub mod values;
