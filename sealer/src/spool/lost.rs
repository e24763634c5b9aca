//! What a person says about a record that the spool has lost.

/// What happens where the spool no longer knows how much of each input was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostInputs {
    /// It cannot be used: inputs that are given again would be sealed twice.
    Refuse,
    /// It goes on, and knows of no input. What waits in it is sealed.
    Forget,
}
