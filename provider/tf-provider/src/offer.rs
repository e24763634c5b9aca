//! All that a provider offers, checked.

use crate::registry::{Registry, check_schema};
use crate::{FromValue as _, Provider, Schema};

/// The provider's own schema, and what it registered.
pub(crate) struct Offer<D> {
    pub(crate) schema: Schema,
    pub(crate) registry: Registry<D>,
}

impl<D: Send + Sync + 'static> Offer<D> {
    /// Collects what a provider offers.
    ///
    /// # Errors
    /// Mistakes in the provider's schemas and models, in words.
    pub(crate) fn of<P: Provider<Data = D>>(provider: &P) -> Result<Self, Vec<String>> {
        let mut registry = Registry::new();
        provider.register(&mut registry);
        let schema = provider.schema();
        let mut problems = registry.problems();
        check_schema("provider", &schema, &P::Config::reads(), &mut problems);
        if problems.is_empty() {
            Ok(Self { schema, registry })
        } else {
            Err(problems)
        }
    }
}
