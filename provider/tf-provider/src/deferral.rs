//! Operations that are put off to a later run.

/// Why an operation is put off to a later run: see [`Context::defer`](crate::Context::defer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// Something in the resource's configuration is not known yet, without which nothing can be said.
    ResourceConfigUnknown,
    /// Something in the provider's configuration is not known yet.
    ProviderConfigUnknown,
    /// Something that must be there first is not.
    AbsentPrerequisite,
}
