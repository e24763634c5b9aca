//! The version of the rules.

/// Version of the rules that this program judges by. A partial result, or what an earlier run left, that was judged by others is
/// not used.
pub(crate) const RULES: u64 = 1;
