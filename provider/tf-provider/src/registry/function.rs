//! Functions with the types of their arguments erased.

use super::erased::Boxed;
use crate::{
    Arguments as _, Function, FunctionError, Result, Signature, Step, ToValue as _, Value,
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
