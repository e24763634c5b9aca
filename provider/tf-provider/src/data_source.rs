//! What a data source is written against.

use crate::{Context, FromValue, Object, Result, Schema, ToValue};

/// Something that configurations only look at.
pub trait DataSource: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_tree`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`](crate::provider::Provider::Data).
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

    /// Looks it up. In `config`, which is wholly known, what is computed is null; in the result it is set.
    fn read(
        &self,
        cx: &Context<Self::Data>,
        config: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;
}
