//! The state of the certificates of a listener.

/// What is known of the certificates of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateState {
    /// Until when the one of the listener is valid, in seconds since 1970.
    pub(super) expires: u64,
    /// Whether files that have changed cannot be used.
    pub(super) has_problem: bool,
}
