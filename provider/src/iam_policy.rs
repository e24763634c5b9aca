//! `auditlog_iam_policy`: the IAM policies that the roles of provider, sealer and auditor need.
//!
//! It calls nothing: the same arguments give the same documents.

use auditlog_chain::policy::is_prefix;
use tf_provider::{Attribute, Context, DataSource, Field, Result, Schema, Type, model};

use crate::account::{Account, check_account};
use crate::aws::{IamScope, partition};
use crate::region;

/// The data source.
#[derive(Debug, Clone, Copy)]
pub struct IamPolicySource;

model! {
    /// Arguments and result.
    #[derive(Debug, Clone)]
    pub struct IamPolicyModel {
        region: String,
        account_id: String,
        buckets: Vec<String>,
        log_prefixes: Option<Vec<String>>,
        archive_prefixes: Option<Vec<String>>,
        aliases: Option<Vec<String>>,
        signing_key_arns: Option<Vec<String>>,
        encryption_key_arns: Option<Vec<String>>,
        provider_json: Field<String>,
        sealer_json: Field<String>,
        auditor_json: Field<String>,
    }
}

impl DataSource for IamPolicySource {
    const NAME: &'static str = "auditlog_iam_policy";
    type Data = Account;
    type Model = IamPolicyModel;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("IAM policies for the roles of provider, sealer and auditor: the calls that they make, on these resources.")
            .attribute(
                "region",
                Attribute::required(Type::String)
                    .description("Region of the buckets and keys. The partition follows from it.")
                    .validate(|region: String| region::check(&region)),
            )
            .attribute(
                "account_id",
                Attribute::required(Type::String)
                    .description("Account that owns the buckets and keys, twelve digits.")
                    .validate(|account: String| check_account(&account)),
            )
            .attribute("buckets", names(true, "Names of the buckets, at least one.", check_bucket))
            .attribute(
                "log_prefixes",
                names(
                    false,
                    "Prefixes of the logs that sealer and auditor work on, such as `logs/payments`. Default: everything in the buckets.",
                    check_prefix,
                ),
            )
            .attribute(
                "archive_prefixes",
                names(
                    false,
                    "Prefixes, each ending in `/`, that Terraform writes trust policies under. Default: none, and Terraform writes no object.",
                    check_archive,
                ),
            )
            .attribute(
                "aliases",
                names(
                    false,
                    "Aliases that Terraform makes, moves and deletes, each with its `alias/`. Default: every alias of the account in the region.",
                    check_alias,
                ),
            )
            .attribute(
                "signing_key_arns",
                names(
                    false,
                    "ARNs of the keys that the sealer signs with. Name every version that is not retired. Default: none, and the sealer signs with a key of its own.",
                    check_key,
                ),
            )
            .attribute(
                "encryption_key_arns",
                names(
                    false,
                    "ARNs of the KMS keys that objects are encrypted with. Default: none, for buckets with SSE-S3.",
                    check_key,
                ),
            )
            .attribute("provider_json", computed("Policy for the role that runs Terraform, as JSON. It neither deletes nor unlocks objects."))
            .attribute("sealer_json", computed("Policy for the role of `auditlog-seal`, as JSON."))
            .attribute("auditor_json", computed("Policy for the role that runs `auditlog-verify`, as JSON. It only reads."))
    }

    async fn read(&self, _: &Context<Account>, config: IamPolicyModel) -> Result<IamPolicyModel> {
        let scope = scope(&config);
        Ok(IamPolicyModel {
            provider_json: scope.provider().into(),
            sealer_json: scope.sealer().into(),
            auditor_json: scope.auditor().into(),
            ..config
        })
    }
}

fn scope(config: &IamPolicyModel) -> IamScope {
    let list = |names: &Option<Vec<String>>| names.clone().unwrap_or_default();
    IamScope {
        partition: partition(&config.region).to_owned(),
        region: config.region.clone(),
        account: config.account_id.clone(),
        buckets: config.buckets.clone(),
        log_prefixes: list(&config.log_prefixes),
        archive_prefixes: list(&config.archive_prefixes),
        aliases: list(&config.aliases),
        signing_keys: list(&config.signing_key_arns),
        encryption_keys: list(&config.encryption_key_arns),
    }
}

type Check = fn(&str) -> Result<(), String>;

fn names(required: bool, description: &str, check: Check) -> Attribute {
    let names = Type::set(Type::String);
    let attribute = if required {
        Attribute::required(names)
    } else {
        Attribute::optional(names)
    };
    attribute
        .description(description)
        .validate(move |names: Vec<Field<String>>| {
            if required && names.is_empty() {
                return Err("Name at least one.".to_owned());
            }
            names
                .iter()
                .filter_map(Field::known)
                .try_for_each(|name| check(name))
        })
}

fn computed(description: &str) -> Attribute {
    Attribute::computed(Type::String).description(description)
}

fn check_bucket(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if (3..=63).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("{name:?} is not the name of a bucket."))
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if is_prefix(prefix) {
        return Ok(());
    }
    Err(format!(
        "{prefix:?} is not the prefix of a log, such as \"logs/payments\"."
    ))
}

fn check_archive(prefix: &str) -> Result<(), String> {
    if prefix.strip_suffix('/').is_some_and(is_prefix) {
        return Ok(());
    }
    Err(format!(
        "{prefix:?} is not a prefix that ends in \"/\", such as \"archive/\"."
    ))
}

fn check_alias(alias: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/_-".contains(&b);
    match alias.strip_prefix("alias/") {
        Some(name) if !name.is_empty() && name.bytes().all(allowed) => Ok(()),
        _ => Err(format!(
            "{alias:?} is not an alias, such as \"alias/acme-audit\"."
        )),
    }
}

fn check_key(arn: &str) -> Result<(), String> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "kms", _, _, key] if key.starts_with("key/") && !key.contains(['*', '?']) => {
            Ok(())
        }
        _ => Err(format!(
            "{arn:?} is not the ARN of a KMS key. An alias is not enough: IAM compares the key's own ARN."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_each_by_its_own_rule() {
        let key = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        let rules: [(Check, &str, &str); 6] = [
            (check_bucket, "acme-audit", "arn:aws:s3:::acme-audit"),
            (check_prefix, "logs/payments", "logs/payments/"),
            (check_archive, "archive/", "archive"),
            (check_alias, "alias/acme", "acme"),
            (
                check_key,
                key,
                "arn:aws:kms:eu-central-1:123456789012:alias/acme",
            ),
            (
                check_key,
                key,
                "arn:aws:kms:eu-central-1:123456789012:key/*",
            ),
        ];
        for (check, good, bad) in rules {
            assert_eq!(check(good), Ok(()));
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
