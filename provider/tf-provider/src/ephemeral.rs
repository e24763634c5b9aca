//! Things that live as long as a run of Terraform and are stored in neither plan nor state.

use std::time::SystemTime;

use crate::{Context, FromValue, Object, Result, Schema, ToValue};

/// Something that is opened for a run, kept alive in it and closed at its end, such as a token or a lock. It needs
/// Terraform 1.10 or later.
///
/// What [`renew`](Self::renew) and [`close`](Self::close) need is left as [private data](Context::set_private) by
/// [`open`](Self::open).
pub trait EphemeralResource: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_lock`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`](crate::Provider::Data).
    type Data: Send + Sync + 'static;

    /// The plain struct that has a field for each attribute and block of the schema: see [`model!`](crate::model).
    type Model: FromValue + ToValue + Send + 'static;

    /// What a configuration may say, and what comes back.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Opens it. In `config`, which is wholly known, what is computed is null; in the result it is set.
    fn open(
        &self,
        cx: &Context<Self::Data>,
        config: Self::Model,
    ) -> impl Future<Output = Result<Opened<Self::Model>>> + Send;

    /// Keeps it alive, and says when to do so again. Called only if [`Opened::renew_at`] asked for it.
    fn renew(
        &self,
        cx: &Context<Self::Data>,
    ) -> impl Future<Output = Result<Option<SystemTime>>> + Send {
        let _ = cx;
        async { Ok(None) }
    }

    /// Ends it.
    fn close(&self, cx: &Context<Self::Data>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }
}

/// An ephemeral resource that is open: made of the model, `Opened::from(model)`.
#[derive(Clone, Debug)]
pub struct Opened<M> {
    pub(crate) result: M,
    pub(crate) renew_at: Option<SystemTime>,
}

impl<M> Opened<M> {
    /// The same, to be renewed no later than this.
    #[must_use]
    pub fn renew_at(self, time: SystemTime) -> Self {
        Self {
            renew_at: Some(time),
            ..self
        }
    }
}

impl<M> From<M> for Opened<M> {
    fn from(result: M) -> Self {
        Self {
            result,
            renew_at: None,
        }
    }
}
