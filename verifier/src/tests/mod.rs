//! The verifier against logs that are made here: a good one, and every way of being bad that the rules name.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test that overflows fails, as it should, and looks for one variant"
)]

mod absence;
mod chain;
mod counted;
mod evidence;
mod forged;
mod forged_fields;
mod fuzz;
mod head;
mod histories;
mod incremental;
mod kept;
mod keys;
mod mangling;
mod pins;
mod proof;
mod ranges;
mod search;
mod storage;
mod tiles;
mod time;
mod vectors;
mod world;
