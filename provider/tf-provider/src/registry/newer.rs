//! Functions, ephemeral resources, list resources and actions with their types erased.

use std::time::SystemTime;

use super::erased::{Boxed, Erased, model};
use crate::{
    Action, Arguments as _, Context, EphemeralResource, Function, FunctionError, ListResource,
    Listing, Object, Opened, Progress, Result, Schema, Signature, Step, ToValue as _, Value,
    ValueError,
};

/// A [`Function`] whose arguments are erased to [`Value`].
pub(crate) trait AnyFunction: Send + Sync {
    fn signature(&self) -> &Signature;
    /// The variadic arguments come as one list at the end.
    fn call(&self, arguments: Vec<Value>) -> Boxed<'_, Result<Value, FunctionError>>;
}

/// A function with its signature, which is made once.
pub(super) struct Signed<F> {
    pub(super) inner: F,
    pub(super) signature: Signature,
}

impl<F: Function> AnyFunction for Signed<F> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, arguments: Vec<Value>) -> Boxed<'_, Result<Value, FunctionError>> {
        Box::pin(async move {
            let arguments = F::Arguments::from_values(arguments)
                .map_err(|(at, error)| self.wrong_argument(at, error))?;
            Ok(self.inner.call(arguments).await?.to_value())
        })
    }
}

impl<F> Signed<F> {
    fn wrong_argument(&self, at: usize, mut error: ValueError) -> FunctionError {
        let mut at = at;
        if at == self.signature.parameters.len() {
            // The path leads into the list of the variadic arguments.
            let (first, rest) = error.path.split_first();
            if let Some(Step::Index(index)) = first {
                at = at.saturating_add(usize::try_from(index).unwrap_or_default());
                error.path = rest;
            }
        }
        wrong(&error).at(at)
    }
}

/// An argument that is not what it should be, in words.
pub(crate) fn wrong(error: &ValueError) -> FunctionError {
    let text = format!("Expected {}, found {}.", error.expected, error.found);
    FunctionError::new(if error.path.is_root() {
        text
    } else {
        format!("{}: {text}", error.path)
    })
}

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
