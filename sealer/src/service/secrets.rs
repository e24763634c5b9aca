//! The state of the secrets of an input.

/// Whether the secrets that the files of an input have now are those that senders are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsState {
    /// They are.
    Used,
    /// They cannot be used, and those from before are.
    Unusable,
}
