//! Things that are done rather than made.

use tokio::sync::mpsc;

use crate::{Context, FromValue, Object, Result, Schema};

/// Something that a configuration has done at a certain moment and that leaves no state, such as a restart. It needs
/// Terraform 1.14 or later.
pub trait Action: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_sync`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`](crate::Provider::Data).
    type Data: Send + Sync + 'static;

    /// What to do it with, as the schema has it: see [`model!`](crate::model).
    type Config: FromValue + Send + 'static;

    /// What a configuration may say. Nothing in it is computed.
    fn schema(&self) -> Schema {
        Schema::new()
    }

    /// Checks a configuration beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Has its say when it is planned: warns, refuses, or puts it off. Anything in `config` may be unknown.
    fn plan(
        &self,
        cx: &Context<Self::Data>,
        config: &Object,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, config);
        async { Ok(()) }
    }

    /// Does it.
    fn invoke(
        &self,
        cx: &Context<Self::Data>,
        config: Self::Config,
        progress: &Progress,
    ) -> impl Future<Output = Result> + Send;
}

/// Shows the user how far an [`Action`] is.
#[derive(Debug)]
pub struct Progress(pub(crate) mpsc::Sender<String>);

impl Progress {
    /// Says one line. Where nobody listens any more, nothing happens.
    pub async fn say(&self, message: impl Into<String>) {
        drop(self.0.send(message.into()).await);
    }
}
