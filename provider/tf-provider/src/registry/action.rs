//! Actions with the types of their models erased.

use super::erased::{Boxed, Erased, model};
use crate::{Action, Context, Object, Progress, Result, Schema, Value};

/// An [`Action`] whose configuration is erased to [`Value`].
pub(crate) trait AnyAction<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn plan<'a>(&'a self, cx: &'a Context<D>, config: &'a Object) -> Boxed<'a, Result>;
    fn invoke<'a>(
        &'a self,
        cx: &'a Context<D>,
        config: Value,
        progress: &'a Progress,
    ) -> Boxed<'a, Result>;
}

impl<D: Send + Sync + 'static, A: Action<Data = D>> AnyAction<D> for Erased<A> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn plan<'a>(&'a self, cx: &'a Context<D>, config: &'a Object) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.plan(cx, config).await })
    }

    fn invoke<'a>(
        &'a self,
        cx: &'a Context<D>,
        config: Value,
        progress: &'a Progress,
    ) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.invoke(cx, model(config)?, progress).await })
    }
}
