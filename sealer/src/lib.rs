//! Chains, signs and writes audit events once.
