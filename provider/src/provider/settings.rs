//! From the provider block to the settings of the clients.

use std::time::Duration;

use tf_provider::Field;

use super::model::{AssumeRoleModel, Config, EndpointsModel, IgnoreTags, Texts, WebIdentityModel};
use crate::aws::{
    AssumeRole, Endpoints, IgnoredTags, Metadata, ProxySettings, Retries, Session, Settings,
    StaticCredentials, Timeouts, Token, Validation, WebIdentity,
};
use crate::trust::duration::parse_duration;

/// The settings that a known configuration means.
pub(super) fn settings(config: Config) -> Settings {
    Settings {
        region: text(config.region),
        profile: text(config.profile),
        static_credentials: keys(config.access_key, config.secret_key, config.token),
        web_identity: config
            .assume_role_with_web_identity
            .into_known()
            .and_then(web_identity),
        assume_roles: known_or_default(config.assume_role)
            .into_iter()
            .filter_map(assume_role)
            .collect(),
        shared_config_files: texts(config.shared_config_files),
        shared_credentials_files: texts(config.shared_credentials_files),
        endpoints: endpoints(known_or_default(config.endpoints)),
        sts_region: text(config.sts_region),
        use_fips_endpoint: config.use_fips_endpoint.into_known(),
        use_dualstack_endpoint: config.use_dualstack_endpoint.into_known(),
        s3_use_path_style: known_or_default(config.s3_use_path_style),
        custom_ca_bundle: text(config.custom_ca_bundle),
        proxies: ProxySettings {
            http: text(config.http_proxy),
            https: text(config.https_proxy),
            no_proxy: text(config.no_proxy),
        },
        metadata: Metadata {
            endpoint: text(config.ec2_metadata_service_endpoint),
            endpoint_mode: text(config.ec2_metadata_service_endpoint_mode),
            skip: config.skip_metadata_api_check.into_known().as_deref() == Some("true"),
        },
        default_tags: known_or_default(known_or_default(config.default_tags).tags),
        ignored_tags: ignored_tags(known_or_default(config.ignore_tags)),
        retries: Retries {
            max: config.max_retries.into_known(),
            mode: text(config.retry_mode),
            bucket_capacity: config.token_bucket_rate_limiter_capacity.into_known(),
        },
        timeouts: timeouts(
            config.connect_timeout_seconds,
            config.attempt_timeout_seconds,
            config.operation_timeout_seconds,
        ),
        validation: match config.skip_credentials_validation {
            Field::Known(true) => Validation::Skipped,
            Field::Known(false) | Field::Null | Field::Unknown => Validation::Required,
        },
        skip_requesting_account_id: known_or_default(config.skip_requesting_account_id),
        allowed_account_ids: match config.allowed_account_ids {
            Field::Known(allowed) => Some(texts(Field::Known(allowed))),
            Field::Null | Field::Unknown => None,
        },
        forbidden_account_ids: texts(config.forbidden_account_ids),
    }
}

fn known_or_default<T: Default>(field: Field<T>) -> T {
    field.into_known().unwrap_or_default()
}

/// As a variable that is empty, an empty argument does not name anything.
fn text(field: Field<String>) -> Option<String> {
    field.into_known().filter(|text| !text.is_empty())
}

fn texts(list: Texts) -> Vec<String> {
    known_or_default(list)
        .into_iter()
        .filter_map(Field::into_known)
        .collect()
}

fn keys(
    access_key: Field<String>,
    secret_key: Field<String>,
    token: Field<String>,
) -> Option<StaticCredentials> {
    let keys = text(access_key).zip(text(secret_key));
    keys.map(|(access_key, secret_key)| StaticCredentials {
        access_key,
        secret_key,
        token: text(token),
    })
}

fn endpoints(model: EndpointsModel) -> Endpoints {
    Endpoints {
        s3: text(model.s3),
        s3control: text(model.s3control),
        kms: text(model.kms),
        sts: text(model.sts),
    }
}

fn ignored_tags(model: IgnoreTags) -> IgnoredTags {
    IgnoredTags {
        keys: texts(model.keys).into_iter().collect(),
        key_prefixes: texts(model.key_prefixes).into_iter().collect(),
    }
}

fn timeouts(connect: Field<u32>, attempt: Field<u32>, operation: Field<u32>) -> Timeouts {
    let defaults = Timeouts::default();
    let or = |field: Field<u32>, default: Duration| {
        let seconds = field.into_known().map(u64::from);
        seconds.map_or(default, Duration::from_secs)
    };
    Timeouts {
        connect: or(connect, defaults.connect),
        attempt: or(attempt, defaults.attempt),
        operation: or(operation, defaults.operation),
    }
}

/// A block without a role does not mean anything, as in the AWS provider.
fn assume_role(model: AssumeRoleModel) -> Option<AssumeRole> {
    Some(AssumeRole {
        session: Session {
            role_arn: text(model.role_arn)?,
            session_name: text(model.session_name),
            duration: duration(model.duration),
            policy: text(model.policy),
            policy_arns: texts(model.policy_arns),
        },
        external_id: text(model.external_id),
        source_identity: text(model.source_identity),
        tags: known_or_default(model.tags),
        transitive_tag_keys: texts(model.transitive_tag_keys),
    })
}

fn web_identity(model: WebIdentityModel) -> Option<WebIdentity> {
    let given = text(model.web_identity_token).map(Token::Given);
    let file = text(model.web_identity_token_file).map(Token::File);
    Some(WebIdentity {
        session: Session {
            role_arn: text(model.role_arn)?,
            session_name: text(model.session_name),
            duration: duration(model.duration),
            policy: text(model.policy),
            policy_arns: texts(model.policy_arns),
        },
        token: given.or(file)?,
    })
}

fn duration(field: Field<String>) -> Option<Duration> {
    let seconds = text(field).and_then(|text| parse_duration(&text).ok());
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use tf_provider::{Object, Value};

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "each test builds it in place"
    )]
    fn of(object: Object) -> Settings {
        settings(object.decode().unwrap())
    }

    #[test]
    fn roles_are_assumed_in_the_order_of_their_blocks() {
        let block = |arn: &str| Value::Object(Object::new().with("role_arn", arn));
        let roles = Value::List(vec![block("one"), block(""), block("two")]);
        let found = of(Object::new().with("assume_role", roles)).assume_roles;
        let arns: Vec<&str> = found
            .iter()
            .map(|role| role.session.role_arn.as_str())
            .collect();
        assert_eq!(arns, ["one", "two"]);
    }

    #[test]
    fn role_is_what_its_block_says() {
        let block = Object::new()
            .with("role_arn", "arn")
            .with("duration", "20m")
            .with("external_id", "42")
            .with("source_identity", "me");
        let roles = Value::List(vec![Value::Object(block)]);
        let found = of(Object::new().with("assume_role", roles)).assume_roles;
        let role = found.first().unwrap();
        assert_eq!(role.session.duration, Some(Duration::from_mins(20)));
        assert_eq!(role.external_id.as_deref(), Some("42"));
        assert_eq!(role.source_identity.as_deref(), Some("me"));
    }

    #[test]
    fn empty_configuration_leaves_everything_to_the_chain() {
        let found = of(Object::new());
        assert!(found.region.is_none() && found.assume_roles.is_empty());
        assert_eq!(found.allowed_account_ids, None);
        assert_eq!(found.use_fips_endpoint, None);
        assert!(!found.metadata.skip);
        // whose list has no entry, lets nobody in
        let nobody = Object::new().with("allowed_account_ids", Value::List(Vec::new()));
        assert_eq!(of(nobody).allowed_account_ids, Some(Vec::new()));
    }

    #[test]
    fn web_identity_has_its_token_in_the_block_or_in_a_file() {
        let found = |name: &str| {
            let block = Object::new().with("role_arn", "arn").with(name, "x");
            let block = Value::Object(block);
            of(Object::new().with("assume_role_with_web_identity", block)).web_identity
        };
        let token = |name| found(name).map(|identity| identity.token);
        assert_eq!(
            token("web_identity_token"),
            Some(Token::Given("x".to_owned()))
        );
        assert_eq!(
            token("web_identity_token_file"),
            Some(Token::File("x".to_owned()))
        );
        assert_eq!(token("session_name"), None);
    }

    #[test]
    fn metadata_service_is_skipped_by_a_text_as_in_the_aws_provider() {
        let skip = |text: &str| {
            of(Object::new().with("skip_metadata_api_check", text))
                .metadata
                .skip
        };
        assert!(skip("true") && !skip("false") && !skip(""));
    }
}
