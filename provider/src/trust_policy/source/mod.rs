//! `auditlog_trust_policy`: what was declared, as the one document that a verifier needs.
//!
//! It is the long form, for logs in folders and for buckets that are not ours: everything that a trust policy can say can be
//! said. It calls nothing and uses only the times in its arguments: the same configuration gives the same bytes. The clock
//! decides only whether a span is still in force, and so whether its retention is refused.

mod checks;
mod declared;
mod model;
mod schema;

use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, DataSource, Object, Result, Schema};

use crate::account::Account;
use crate::trust::document::{Rendered, check_spans_at, trust_policy};
pub use model::TrustPolicyModel;

/// The data source.
#[derive(Debug, Clone, Copy)]
pub struct TrustPolicySource;

impl DataSource for TrustPolicySource {
    const NAME: &'static str = "auditlog_trust_policy";
    type Data = Account;
    type Model = TrustPolicyModel;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, config: &Object) -> Result {
        checks::check_silences(config)
    }

    async fn read(
        &self,
        _: &Context<Account>,
        config: TrustPolicyModel,
    ) -> Result<TrustPolicyModel> {
        let declared = declared::declared(&config)?;
        let Rendered {
            policy,
            json,
            sha256,
        } = trust_policy(&declared)?;
        if let Some(now) = Timestamp::from_system_time(SystemTime::now()) {
            check_spans_at(&declared, &policy, now)?;
        }
        Ok(TrustPolicyModel {
            sha256: sha256.into(),
            json: json.into(),
            ..config
        })
    }
}

#[cfg(test)]
mod tests;
