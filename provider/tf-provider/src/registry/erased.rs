//! Resources and data sources with the types of their models erased.

use std::pin::Pin;

use crate::{
    AttributePath, Context, DataSource, FromValue, IdentitySchema, MoveSource, Moved, Object, Plan,
    Resource, Result, Schema, ToValue, Value, ValueError,
};

/// Anything that has a schema, which is made once.
pub(super) struct Erased<T> {
    pub(super) inner: T,
    pub(super) schema: Schema,
    pub(super) identity: Option<IdentitySchema>,
}

impl<T> Erased<T> {
    /// One that has no identity.
    pub(super) fn new(inner: T, schema: Schema) -> Self {
        Self {
            inner,
            schema,
            identity: None,
        }
    }
}

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Resource`] whose model is erased to [`Value`].
pub(crate) trait AnyResource<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn upgrade(&self, version: i64, state: Object) -> Result<Object>;
    fn plan<'a>(&'a self, cx: &'a Context<D>, plan: &'a mut Plan) -> Boxed<'a, Result>;
    fn create<'a>(&'a self, cx: &'a Context<D>, planned: Value) -> Boxed<'a, Result<Value>>;
    fn read<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result<Option<Value>>>;
    fn update<'a>(
        &'a self,
        cx: &'a Context<D>,
        prior: Value,
        planned: Value,
    ) -> Boxed<'a, Result<Value>>;
    fn delete<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result>;
    fn import<'a>(&'a self, cx: &'a Context<D>, id: String) -> Boxed<'a, Result<Value>>;
    fn identity_schema(&self) -> Option<&IdentitySchema>;
    fn identity(&self, data: &D, state: &Object) -> Result<Object>;
    fn import_by_identity<'a>(
        &'a self,
        cx: &'a Context<D>,
        identity: Object,
    ) -> Boxed<'a, Result<Value>>;
    fn upgrade_identity(&self, version: i64, identity: Object) -> Result<Object>;
    fn move_from(&self, source: &MoveSource) -> Result<Option<Moved>>;
    fn plan_destroy<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result>;
}

pub(super) fn model<M: FromValue>(value: Value) -> Result<M, ValueError> {
    M::from_value(value, &AttributePath::root())
}

impl<D: Send + Sync + 'static, R: Resource<Data = D>> AnyResource<D> for Erased<R> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        self.inner.upgrade(version, state)
    }

    fn plan<'a>(&'a self, cx: &'a Context<D>, plan: &'a mut Plan) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.plan(cx, plan).await })
    }

    fn create<'a>(&'a self, cx: &'a Context<D>, planned: Value) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.create(cx, model(planned)?).await?.to_value()) })
    }

    fn read<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result<Option<Value>>> {
        Box::pin(async move {
            Ok(self
                .inner
                .read(cx, model(state)?)
                .await?
                .map(|state| state.to_value()))
        })
    }

    fn update<'a>(
        &'a self,
        cx: &'a Context<D>,
        prior: Value,
        planned: Value,
    ) -> Boxed<'a, Result<Value>> {
        Box::pin(async move {
            Ok(self
                .inner
                .update(cx, model(prior)?, model(planned)?)
                .await?
                .to_value())
        })
    }

    fn delete<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.delete(cx, model(state)?).await })
    }

    fn import<'a>(&'a self, cx: &'a Context<D>, id: String) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.import(cx, id).await?.to_value()) })
    }

    fn identity_schema(&self) -> Option<&IdentitySchema> {
        self.identity.as_ref()
    }

    fn identity(&self, data: &D, state: &Object) -> Result<Object> {
        self.inner.identity(data, state)
    }

    fn import_by_identity<'a>(
        &'a self,
        cx: &'a Context<D>,
        identity: Object,
    ) -> Boxed<'a, Result<Value>> {
        Box::pin(async move {
            Ok(self
                .inner
                .import_by_identity(cx, identity)
                .await?
                .to_value())
        })
    }

    fn upgrade_identity(&self, version: i64, identity: Object) -> Result<Object> {
        self.inner.upgrade_identity(version, identity)
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Moved>> {
        self.inner.move_from(source)
    }

    fn plan_destroy<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.plan_destroy(cx, model(state)?).await })
    }
}

/// A [`DataSource`] whose model is erased to [`Value`].
pub(crate) trait AnyDataSource<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn read<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Value>>;
}

impl<D: Send + Sync + 'static, S: DataSource<Data = D>> AnyDataSource<D> for Erased<S> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn read<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.read(cx, model(config)?).await?.to_value()) })
    }
}
