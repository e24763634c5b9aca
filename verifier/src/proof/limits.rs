//! What a proof does not show. Every proof is printed with it.

/// Of an inclusion proof.
pub const OF_INCLUSION: [&str; 3] = [
    "does not show that the entry was stored, or when; only the bucket and its locks show that",
    "does not show that the log still contains the entry, or that nothing was removed beside it; verify the log for that",
    "the time in the entry is the writer's; whoever holds the key can sign another tree",
];

/// Of a consistency proof.
pub const OF_CONSISTENCY: [&str; 3] = [
    "does not show that either tree was stored, or when; only the bucket and its locks show that",
    "does not show that the first tree is right; it shows that the second one begins with it",
    "does not show when either tree was signed: what a key signed after it was retired or lost looks the same",
];
