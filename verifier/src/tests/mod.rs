//! The verifier against logs that are made here: a good one, and every way of being bad that the rules name.

mod chain;
mod keys;
mod mangling;
mod pins;
mod storage;
mod time;
mod world;
