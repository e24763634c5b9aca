//! List resources with the types of their models erased.

use super::erased::{Boxed, Erased, model};
use crate::{Context, ListResource, Listing, Object, Result, Schema, Value};

/// A [`ListResource`] whose configuration is erased to [`Value`].
pub(crate) trait AnyList<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn list<'a>(
        &'a self,
        cx: &'a Context<D>,
        config: Value,
        listing: &'a Listing,
    ) -> Boxed<'a, Result>;
}

impl<D: Send + Sync + 'static, L: ListResource<Data = D>> AnyList<D> for Erased<L> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn list<'a>(
        &'a self,
        cx: &'a Context<D>,
        config: Value,
        listing: &'a Listing,
    ) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.list(cx, model(config)?, listing).await })
    }
}
