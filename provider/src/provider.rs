//! The provider block: region, credentials, endpoints, default tags, patience.

use std::time::Duration;

use tf_provider::{
    Attribute, Block, ConfigureContext, Diagnostic, Diagnostics, Field, Fields, Number, Object,
    Provider, Registry, Result, Schema, Type, model,
};

use crate::account::{Account, check_account};
use crate::aws::{Cancel, Clients, Endpoints, IgnoredTags, Settings, Tags, Timeouts};
use crate::bucket::BucketResource;
use crate::error::AccountRule;
use crate::range::check_range;
use crate::region;
use crate::signing_key::SigningKeyResource;
use crate::tags;
use crate::trust::TrustPolicySource;

/// The `auditlog` provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Auditlog;

model! {
    /// The provider block.
    #[derive(Debug)]
    pub struct Config {
        region: Field<String>,
        profile: Field<String>,
        access_key: Field<String>,
        secret_key: Field<String>,
        token: Field<String>,
        shared_config_files: Field<Vec<Field<String>>>,
        shared_credentials_files: Field<Vec<Field<String>>>,
        endpoints: Field<EndpointsModel>,
        s3_use_path_style: Field<bool>,
        default_tags: Field<DefaultTags>,
        ignore_tags: Field<IgnoreTags>,
        max_retries: Field<u32>,
        connect_timeout_seconds: Field<u32>,
        attempt_timeout_seconds: Field<u32>,
        operation_timeout_seconds: Field<u32>,
        skip_requesting_account_id: Field<bool>,
        allowed_account_ids: Field<Vec<Field<String>>>,
        forbidden_account_ids: Field<Vec<Field<String>>>,
    }

    /// The `endpoints` block.
    #[derive(Debug)]
    pub struct EndpointsModel {
        s3: Field<String>,
        kms: Field<String>,
        sts: Field<String>,
    }

    /// The `default_tags` block.
    #[derive(Debug)]
    pub struct DefaultTags {
        tags: Field<Tags>,
    }

    /// The `ignore_tags` block.
    #[derive(Debug)]
    pub struct IgnoreTags {
        keys: Field<Vec<Field<String>>>,
        key_prefixes: Field<Vec<Field<String>>>,
    }
}

/// Retries of a call after its first attempt.
const DEFAULT_MAX_RETRIES: u32 = 5;

impl Provider for Auditlog {
    type Config = Config;
    type Data = Account;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("Audit logs that nobody can change unnoticed.")
            .attribute(
                "region",
                text("AWS region of all buckets and keys. Default: `AWS_REGION`, then the profile's region.")
                    .validate(|region: String| region::check(&region)),
            )
            .attribute("profile", text("Profile of the shared files. It wins over key variables in the environment. Default: `AWS_PROFILE`, then `default`."))
            .attribute("access_key", text("Access key. Everybody who can read the configuration can read it, so prefer the other ways to sign in."))
            .attribute("secret_key", text("Secret key that belongs to `access_key`.").sensitive())
            .attribute("token", text("Session token of temporary credentials.").sensitive())
            .attribute("shared_config_files", files("Configuration files in place of `~/.aws/config`."))
            .attribute("shared_credentials_files", files("Credential files in place of `~/.aws/credentials`."))
            .attribute("s3_use_path_style", flag("Whether the bucket's name is in the path of a URL instead of its host."))
            .attribute("max_retries", Attribute::optional(Type::Number).description("Retries of a call after its first attempt, 0 to 50. Default: 5.").validate(|number: Number| check_range(&number, 0..=50, "retries")))
            .attribute("connect_timeout_seconds", seconds("Timeout for making a connection, 1 to 3600 seconds. Default: 5."))
            .attribute("attempt_timeout_seconds", seconds("Timeout for one attempt of a call and its answer, 1 to 3600 seconds. Default: 30."))
            .attribute("operation_timeout_seconds", seconds("Timeout for a call with all its retries, and for AWS to settle a change, 1 to 3600 seconds. Default: 180."))
            .attribute(
                "skip_requesting_account_id",
                flag("Whether STS is not asked for the account, for endpoints without STS. `account_id` is then null."),
            )
            .attribute(
                "allowed_account_ids",
                accounts("Accounts that the provider may work in. With credentials of another account, it does nothing."),
            )
            .attribute("forbidden_account_ids", accounts("Accounts that the provider must not work in."))
            .block(
                "endpoints",
                Block::single(
                    Fields::new()
                        .attribute("s3", url("Endpoint of Amazon S3."))
                        .attribute("kms", url("Endpoint of AWS KMS."))
                        .attribute("sts", url("Endpoint of AWS STS.")),
                )
                .description("Endpoints in place of those of AWS. Default: `AWS_ENDPOINT_URL_S3` and the variables like it."),
            )
            .block(
                "default_tags",
                Block::single(Fields::new().attribute("tags", tags::attribute("Tags by key. Default: none.")))
                    .description("Tags for everything that the provider creates. A resource's own tag of the same key wins."),
            )
            .block(
                "ignore_tags",
                Block::single(
                    Fields::new()
                        .attribute("keys", texts("Keys of tags to leave alone. Default: none."))
                        .attribute("key_prefixes", texts("Beginnings of keys of tags to leave alone. Default: none.")),
                )
                .description(
                    "Tags that others manage, on every resource. The provider neither shows them in `tags` and `tags_all` nor \
                     changes or removes them. A resource that sets such a tag is refused. Default: none.",
                ),
            )
    }

    fn register(&self, registry: &mut Registry<Account>) {
        registry.resource(BucketResource);
        registry.resource(SigningKeyResource);
        registry.data_source(TrustPolicySource);
    }

    fn validate(&self, config: &Object) -> Result {
        let mut found = Diagnostics::new();
        for (one, other) in [
            ("access_key", "secret_key"),
            ("secret_key", "access_key"),
            ("token", "access_key"),
        ] {
            if !config.value(one).is_null() && config.value(other).is_null() {
                found.push(
                    Diagnostic::error(
                        "Incomplete credentials",
                        format!("{one:?} also needs {other:?}, which is not set."),
                    )
                    .at(one),
                );
            }
        }
        for rule in [AccountRule::Allowed, AccountRule::Forbidden] {
            let skipped = config.get::<Field<bool>>("skip_requesting_account_id")?;
            if !config.value(rule.argument()).is_null() && skipped == Field::Known(true) {
                found.push(
                    Diagnostic::error(
                        "The account is not known",
                        format!(
                            "{:?} needs the account, which skip_requesting_account_id = true does not ask for.",
                            rule.argument()
                        ),
                    )
                    .at(rule.argument()),
                );
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    async fn configure(&self, cx: &ConfigureContext, config: Config) -> Result<Account> {
        if let Some(attribute) = unknown_attribute(&config) {
            return Ok(Account::Unknown(attribute));
        }
        let cancel = Cancel::default();
        let (terraform, switch) = (cx.cancellation().clone(), cancel.clone());
        tokio::spawn(async move {
            terraform.cancelled().await;
            switch.cancel();
        });
        match Clients::connect(&settings(config), cancel).await {
            Ok(clients) => Ok(Account::Connected(Box::new(clients))),
            Err(error) => Err(error.diagnostic().into()),
        }
    }
}

/// The first attribute without which no client can be made, and which is not known yet.
fn unknown_attribute(config: &Config) -> Option<&'static str> {
    let list = |field: &Field<Vec<Field<String>>>| {
        field.is_unknown()
            || field
                .known()
                .is_some_and(|entries| entries.iter().any(Field::is_unknown))
    };
    let endpoint = |pick: fn(&EndpointsModel) -> &Field<String>| {
        config.endpoints.is_unknown()
            || config
                .endpoints
                .known()
                .is_some_and(|known| pick(known).is_unknown())
    };
    let default_tags = config
        .default_tags
        .known()
        .is_some_and(|known| known.tags.is_unknown());
    let ignore_tags = config
        .ignore_tags
        .known()
        .is_some_and(|known| list(&known.keys) || list(&known.key_prefixes));
    [
        ("region", config.region.is_unknown()),
        ("profile", config.profile.is_unknown()),
        ("access_key", config.access_key.is_unknown()),
        ("secret_key", config.secret_key.is_unknown()),
        ("token", config.token.is_unknown()),
        ("shared_config_files", list(&config.shared_config_files)),
        (
            "shared_credentials_files",
            list(&config.shared_credentials_files),
        ),
        ("endpoints.s3", endpoint(|known| &known.s3)),
        ("endpoints.kms", endpoint(|known| &known.kms)),
        ("endpoints.sts", endpoint(|known| &known.sts)),
        ("s3_use_path_style", config.s3_use_path_style.is_unknown()),
        (
            "default_tags",
            config.default_tags.is_unknown() || default_tags,
        ),
        (
            "ignore_tags",
            config.ignore_tags.is_unknown() || ignore_tags,
        ),
        ("max_retries", config.max_retries.is_unknown()),
        (
            "connect_timeout_seconds",
            config.connect_timeout_seconds.is_unknown(),
        ),
        (
            "attempt_timeout_seconds",
            config.attempt_timeout_seconds.is_unknown(),
        ),
        (
            "operation_timeout_seconds",
            config.operation_timeout_seconds.is_unknown(),
        ),
        (
            "skip_requesting_account_id",
            config.skip_requesting_account_id.is_unknown(),
        ),
        ("allowed_account_ids", list(&config.allowed_account_ids)),
        ("forbidden_account_ids", list(&config.forbidden_account_ids)),
    ]
    .into_iter()
    .find_map(|(name, unknown)| unknown.then_some(name))
}

fn settings(config: Config) -> Settings {
    let defaults = Timeouts::default();
    let or = |field: Field<u32>, default: Duration| {
        field
            .into_known()
            .map_or(default, |seconds| Duration::from_secs(seconds.into()))
    };
    let list = |field: Field<Vec<Field<String>>>| -> Vec<String> {
        field
            .into_known()
            .unwrap_or_default()
            .into_iter()
            .filter_map(Field::into_known)
            .collect()
    };
    let endpoints = config
        .endpoints
        .into_known()
        .map_or_else(Endpoints::default, |known| Endpoints {
            s3: known.s3.into_known(),
            kms: known.kms.into_known(),
            sts: known.sts.into_known(),
        });
    let token = config.token.into_known();
    Settings {
        region: config.region.into_known(),
        // as a variable that is empty, an empty argument names nothing
        profile: config.profile.into_known().filter(|name| !name.is_empty()),
        static_credentials: config
            .access_key
            .into_known()
            .zip(config.secret_key.into_known())
            .map(|(access, secret)| (access, secret, token)),
        shared_config_files: list(config.shared_config_files),
        shared_credentials_files: list(config.shared_credentials_files),
        endpoints,
        s3_use_path_style: config.s3_use_path_style.into_known().unwrap_or(false),
        default_tags: config
            .default_tags
            .into_known()
            .and_then(|known| known.tags.into_known())
            .unwrap_or_default(),
        ignored_tags: config
            .ignore_tags
            .into_known()
            .map(|ignored| IgnoredTags {
                keys: list(ignored.keys).into_iter().collect(),
                key_prefixes: list(ignored.key_prefixes).into_iter().collect(),
            })
            .unwrap_or_default(),
        max_retries: config
            .max_retries
            .into_known()
            .unwrap_or(DEFAULT_MAX_RETRIES),
        timeouts: Timeouts {
            connect: or(config.connect_timeout_seconds, defaults.connect),
            attempt: or(config.attempt_timeout_seconds, defaults.attempt),
            operation: or(config.operation_timeout_seconds, defaults.operation),
        },
        skip_requesting_account_id: config
            .skip_requesting_account_id
            .into_known()
            .unwrap_or(false),
        allowed_account_ids: match config.allowed_account_ids {
            Field::Known(allowed) => Some(list(Field::Known(allowed))),
            Field::Null | Field::Unknown => None,
        },
        forbidden_account_ids: list(config.forbidden_account_ids),
    }
}

fn text(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

fn flag(description: &str) -> Attribute {
    Attribute::optional(Type::Bool).description(description)
}

fn files(description: &str) -> Attribute {
    Attribute::optional(Type::list(Type::String)).description(description)
}

fn texts(description: &str) -> Attribute {
    Attribute::optional(Type::set(Type::String)).description(description)
}

fn accounts(description: &str) -> Attribute {
    Attribute::optional(Type::list(Type::String))
        .description(description)
        .validate(|accounts: Vec<Field<String>>| {
            let mut known = accounts.iter().filter_map(Field::known);
            known.try_for_each(|account| check_account(account))
        })
}

fn url(description: &str) -> Attribute {
    text(description).validate(|url: String| {
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(());
        }
        Err(format!("{url:?} is not an http:// or https:// URL."))
    })
}

fn seconds(description: &str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .validate(|number: Number| check_range(&number, 1..=3600, "seconds"))
}
