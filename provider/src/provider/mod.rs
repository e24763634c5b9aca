//! The provider block: who signs in, where, and through which network.

use tf_provider::{
    ConfigureContext, Diagnostic, Diagnostics, Field, Object, Provider, Registry, Result, Schema,
};

use crate::account::Account;
use crate::aws::{Cancel, Clients};
use crate::bucket::BucketResource;
use crate::error::AccountRule;
use crate::iam_policy::IamPolicySource;
use crate::pipeline::PipelineSource;
use crate::region;
use crate::signing_key::SigningKeyResource;
use crate::trust_policy::{
    MonthlyCost, RetentionDays, TrustPolicyArchiveResource, TrustPolicySource,
};
use crate::verification::VerificationSource;

mod attributes;
mod blocks;
mod model;
mod refused;
mod schema;
mod settings;

pub use model::{
    AssumeRoleModel, Config, DefaultTags, EndpointsModel, IgnoreTags, WebIdentityModel,
};

/// The `auditlog` provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Auditlog;

impl Provider for Auditlog {
    type Config = Config;
    type Data = Account;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn register(&self, registry: &mut Registry<Account>) {
        registry.resource(BucketResource);
        registry.resource(SigningKeyResource);
        registry.resource(TrustPolicyArchiveResource);
        registry.data_source(TrustPolicySource);
        registry.data_source(IamPolicySource);
        registry.data_source(VerificationSource);
        registry.data_source(PipelineSource);
        registry.function(RetentionDays);
        registry.function(MonthlyCost);
    }

    fn validate(&self, config: &Object) -> Result {
        let mut found = Diagnostics::new();
        found.extend(incomplete_credentials(config));
        found.extend(strange_regions(config)?);
        found.extend(accounts_without_number(config)?);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    async fn configure(&self, cx: &ConfigureContext, config: Config) -> Result<Account> {
        // without it, no client can be made
        if let Some(argument) = cx.unknown().first() {
            return Ok(Account::Unknown(argument.to_string()));
        }
        let cancel = Cancel::default();
        let (terraform, switch) = (cx.cancellation().clone(), cancel.clone());
        tokio::spawn(async move {
            terraform.cancelled().await;
            switch.cancel();
        });
        match Clients::connect(&settings::settings(config), cancel).await {
            Ok(clients) => Ok(Account::Connected(Box::new(clients))),
            Err(error) => Err(error.diagnostic().into()),
        }
    }
}

fn incomplete_credentials(config: &Object) -> Vec<Diagnostic> {
    let pairs = [
        ("access_key", "secret_key"),
        ("secret_key", "access_key"),
        ("token", "access_key"),
    ];
    let missing =
        |(one, other): &(&str, &str)| !config.value(one).is_null() && config.value(other).is_null();
    let diagnostic = |(one, other): (&'static str, &str)| {
        let detail = format!("{one:?} also needs {other:?}, which is not set.");
        Diagnostic::error("Incomplete credentials", detail).at(one)
    };
    pairs.into_iter().filter(missing).map(diagnostic).collect()
}

fn strange_regions(config: &Object) -> Result<Vec<Diagnostic>> {
    if config.get::<Field<bool>>("skip_region_validation")? == Field::Known(true) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for argument in ["region", "sts_region"] {
        let Field::Known(name) = config.get::<Field<String>>(argument)? else {
            continue;
        };
        if let Err(wrong) = region::check(&name) {
            let detail =
                format!("{wrong} A store that is not AWS may need skip_region_validation = true.");
            found.push(Diagnostic::error("Not an AWS region", detail).at(argument));
        }
    }
    Ok(found)
}

fn accounts_without_number(config: &Object) -> Result<Vec<Diagnostic>> {
    let mut found = Vec::new();
    let skipped = config.get::<Field<bool>>("skip_requesting_account_id")?;
    for rule in [AccountRule::Allowed, AccountRule::Forbidden] {
        let argument = rule.argument();
        if skipped == Field::Known(true) && !config.value(argument).is_null() {
            let detail = format!(
                "{argument:?} needs the account, which skip_requesting_account_id = true does not ask for."
            );
            found.push(Diagnostic::error("The account is not known", detail).at(argument));
        }
    }
    Ok(found)
}
