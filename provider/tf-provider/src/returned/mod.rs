//! What the provider's code returned, checked by its own schema before Terraform sees it.

pub(crate) mod identity;
pub(crate) mod state;
