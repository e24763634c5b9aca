//! The provider block as it was written.

use tf_provider::{Field, model};

use crate::aws::Tags;

/// A list or a set of texts.
pub(super) type Texts = Field<Vec<Field<String>>>;

model! {
    /// The provider block.
    #[derive(Debug)]
    pub struct Config {
        pub(super) region: Field<String>,
        pub(super) profile: Field<String>,
        pub(super) access_key: Field<String>,
        pub(super) secret_key: Field<String>,
        pub(super) token: Field<String>,
        pub(super) shared_config_files: Texts,
        pub(super) shared_credentials_files: Texts,
        pub(super) assume_role: Field<Vec<AssumeRoleModel>>,
        pub(super) assume_role_with_web_identity: Field<WebIdentityModel>,
        pub(super) endpoints: Field<EndpointsModel>,
        pub(super) sts_region: Field<String>,
        pub(super) use_fips_endpoint: Field<bool>,
        pub(super) use_dualstack_endpoint: Field<bool>,
        pub(super) s3_use_path_style: Field<bool>,
        pub(super) custom_ca_bundle: Field<String>,
        pub(super) http_proxy: Field<String>,
        pub(super) https_proxy: Field<String>,
        pub(super) no_proxy: Field<String>,
        pub(super) ec2_metadata_service_endpoint: Field<String>,
        pub(super) ec2_metadata_service_endpoint_mode: Field<String>,
        pub(super) skip_metadata_api_check: Field<String>,
        pub(super) default_tags: Field<DefaultTags>,
        pub(super) ignore_tags: Field<IgnoreTags>,
        pub(super) max_retries: Field<u32>,
        pub(super) retry_mode: Field<String>,
        pub(super) token_bucket_rate_limiter_capacity: Field<u32>,
        pub(super) connect_timeout_seconds: Field<u32>,
        pub(super) attempt_timeout_seconds: Field<u32>,
        pub(super) operation_timeout_seconds: Field<u32>,
        pub(super) skip_credentials_validation: Field<bool>,
        pub(super) skip_region_validation: Field<bool>,
        pub(super) skip_requesting_account_id: Field<bool>,
        pub(super) allowed_account_ids: Texts,
        pub(super) forbidden_account_ids: Texts,
        pub(super) insecure: Field<bool>,
        pub(super) s3_us_east_1_regional_endpoint: Field<String>,
        pub(super) tag_policy_compliance: Field<String>,
        pub(super) user_agent: Texts,
    }

    /// The `endpoints` block.
    #[derive(Debug, Default)]
    pub struct EndpointsModel {
        pub(super) s3: Field<String>,
        pub(super) s3control: Field<String>,
        pub(super) kms: Field<String>,
        pub(super) sts: Field<String>,
    }

    /// The `default_tags` block.
    #[derive(Debug, Default)]
    pub struct DefaultTags {
        pub(super) tags: Field<Tags>,
    }

    /// The `ignore_tags` block.
    #[derive(Debug, Default)]
    pub struct IgnoreTags {
        pub(super) keys: Texts,
        pub(super) key_prefixes: Texts,
    }

    /// An `assume_role` block.
    #[derive(Debug)]
    pub struct AssumeRoleModel {
        pub(super) role_arn: Field<String>,
        pub(super) session_name: Field<String>,
        pub(super) external_id: Field<String>,
        pub(super) duration: Field<String>,
        pub(super) policy: Field<String>,
        pub(super) policy_arns: Texts,
        pub(super) source_identity: Field<String>,
        pub(super) tags: Field<Tags>,
        pub(super) transitive_tag_keys: Texts,
    }

    /// The `assume_role_with_web_identity` block.
    #[derive(Debug)]
    pub struct WebIdentityModel {
        pub(super) role_arn: Field<String>,
        pub(super) session_name: Field<String>,
        pub(super) duration: Field<String>,
        pub(super) policy: Field<String>,
        pub(super) policy_arns: Texts,
        pub(super) web_identity_token: Field<String>,
        pub(super) web_identity_token_file: Field<String>,
    }
}
