//! `auditlog_verification`: what the verifier says of the logs that a trust policy declares, bounded by time and size.
//!
//! It runs the verifier's library and never writes. Data sources are read at every plan, so it looks at the head of each log by
//! default. What is beyond its bounds is undecided, and an undecided verification never passes.

mod model;
mod run;
mod schema;

use tf_provider::{Context, DataSource, Result, Schema};

use crate::account::Account;
pub use model::VerificationModel;

/// The data source.
#[derive(Debug, Clone, Copy)]
pub struct VerificationSource;

impl DataSource for VerificationSource {
    const NAME: &'static str = "auditlog_verification";
    type Data = Account;
    type Model = VerificationModel;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn read(
        &self,
        cx: &Context<Account>,
        config: VerificationModel,
    ) -> Result<VerificationModel> {
        let asked = run::Asked::parse(&config)?;
        let report = run::verify(cx.data(), asked).await?;
        Ok(config.with(&report))
    }
}
