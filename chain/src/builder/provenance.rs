//! Where an event comes from (F8).

use crate::line::{Repeat, is_name};

/// Where an event comes from: what an entry says beside its payload (F8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// Who sent it.
    pub source: Option<&'a Source>,
    /// The batch that begins with it.
    pub batch: Option<&'a Batch>,
    /// Whether it may be a repeat.
    pub repeat: Option<Repeat>,
}

impl<'a> Provenance<'a> {
    /// Of an event of which nothing but its sender is known.
    pub const fn of(source: Option<&'a Source>) -> Self {
        Self {
            source,
            batch: None,
            repeat: None,
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a name.
            pub fn parse(name: &str) -> Option<Self> {
                is_name(name).then(|| Self(name.to_owned()))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The established sender of an event: 1 to 255 characters of printable ASCII without `"` and `\`.
    Source
}

name! {
    /// The sender's name for a batch of events, which it keeps when it sends the batch again: a chunk id, an idempotency key,
    /// a position in a file. 1 to 255 characters of printable ASCII without `"` and `\`.
    Batch
}
