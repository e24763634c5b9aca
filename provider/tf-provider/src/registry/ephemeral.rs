//! Ephemeral resources with the types of their models erased.

use std::time::SystemTime;

use super::erased::{Boxed, Erased, model};
use crate::{Context, EphemeralResource, Object, Opened, Result, Schema, ToValue as _, Value};

/// An [`EphemeralResource`] whose model is erased to [`Value`].
pub(crate) trait AnyEphemeral<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn open<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Opened<Value>>>;
    fn renew<'a>(&'a self, cx: &'a Context<D>) -> Boxed<'a, Result<Option<SystemTime>>>;
    fn close<'a>(&'a self, cx: &'a Context<D>) -> Boxed<'a, Result>;
}

impl<D: Send + Sync + 'static, E: EphemeralResource<Data = D>> AnyEphemeral<D> for Erased<E> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn open<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Opened<Value>>> {
        Box::pin(async move {
            let Opened { result, renew_at } = self.inner.open(cx, model(config)?).await?;
            let result = result.to_value();
            Ok(Opened { result, renew_at })
        })
    }

    fn renew<'a>(&'a self, cx: &'a Context<D>) -> Boxed<'a, Result<Option<SystemTime>>> {
        Box::pin(async move { self.inner.renew(cx).await })
    }

    fn close<'a>(&'a self, cx: &'a Context<D>) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.close(cx).await })
    }
}
