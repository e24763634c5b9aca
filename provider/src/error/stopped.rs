//! Terraform's wish to stop, in the middle of a call.

/// Why a call has no answer: it would have had to be repeated.
#[derive(Debug, thiserror::Error)]
#[error("Terraform asked the provider to stop after {attempts} attempts")]
pub struct Stopped {
    /// The attempts that were made.
    pub attempts: u32,
}

/// The wish to stop among the causes of a failed call.
pub(super) fn stopped<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Stopped> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| cause.downcast_ref())
}
