//! What the provider block may say: the arguments of the AWS provider, under their names and with their meanings.

use tf_provider::{Attribute, Block, Fields, Schema, Type};

use super::attributes::{accounts, flag, seconds, text, texts, texts_in_order, url};
use super::blocks::{assume_role, web_identity};
use super::refused;
use crate::tags;

pub(super) fn schema() -> Schema {
    let schema = Schema::new().description("Audit logs that nobody can change unnoticed.");
    let schema = credentials(schema);
    let schema = endpoints(schema);
    let schema = network(schema);
    let schema = checks(schema);
    refused::add_to(tagging(schema))
}

fn credentials(schema: Schema) -> Schema {
    schema
        .attribute("region", text("AWS region of every resource that names none. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's region, then that of the machine. A resource that exists stays in its region."))
        .attribute("profile", text("Profile of the shared files. It wins over key variables in the environment. Default: `AWS_PROFILE`, then `default`."))
        .attribute("access_key", text("Access key. Everybody who can read the configuration can read it, so prefer the other ways to sign in. Default: the environment, the shared files, then the role of the container or machine."))
        .attribute("secret_key", text("Secret key that belongs to `access_key`. Required with it.").sensitive())
        .attribute("token", text("Session token of temporary credentials. Default: none.").sensitive())
        .attribute("shared_config_files", texts_in_order("Configuration files to read. Default: `AWS_CONFIG_FILE`, then `~/.aws/config`."))
        .attribute("shared_credentials_files", texts_in_order("Credential files to read. Default: `AWS_SHARED_CREDENTIALS_FILE`, then `~/.aws/credentials`."))
        .block("assume_role", Block::list(assume_role()).description("Role to assume. Of several blocks, each is assumed with the credentials of the one before. The provider asks for new credentials before they expire. Default: none."))
        .block("assume_role_with_web_identity", Block::single(web_identity()).description("Role to assume with the token of another identity provider, in place of all other credentials. Roles of `assume_role` follow it. Default: none."))
        .attribute("ec2_metadata_service_endpoint", url("Endpoint of the EC2 metadata service, where the machine's role has its credentials. Default: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, then AWS's own."))
        .attribute("ec2_metadata_service_endpoint_mode", text("Protocol of the EC2 metadata service: `IPv4` or `IPv6`. Default: `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, then `IPv4`.").one_of(["IPv4", "IPv6"]))
        .attribute("skip_metadata_api_check", text("Whether the EC2 metadata service is left alone, `\"true\"` or `\"false\"`. Then the machine's role gives neither credentials nor region. Default: `AWS_EC2_METADATA_DISABLED`, then `\"false\"`.").one_of(["true", "false"]))
}

fn endpoints(schema: Schema) -> Schema {
    let fields = Fields::new()
        .attribute("s3", url("Endpoint of Amazon S3. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, then AWS's own."))
        .attribute("s3control", url("Endpoint of Amazon S3 Control, which tags buckets with attribute-based access control. Default: that of `s3`, then AWS's own."))
        .attribute("kms", url("Endpoint of AWS KMS. Default: `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`, then AWS's own."))
        .attribute("sts", url("Endpoint of AWS STS. Default: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, then AWS's own."));
    schema
        .block("endpoints", Block::single(fields).description("Endpoints in place of those of AWS, for all regions. Default: those of AWS."))
        .attribute("sts_region", text("Region whose STS is asked. Default: `region`."))
        .attribute("use_fips_endpoint", flag("Whether endpoints with FIPS-validated cryptography are used. It does not go with `endpoints`. Default: `AWS_USE_FIPS_ENDPOINT`, then the profile, then false."))
        .attribute("use_dualstack_endpoint", flag("Whether endpoints that answer over IPv6 too are used. Default: `AWS_USE_DUALSTACK_ENDPOINT`, then the profile, then false."))
        .attribute("s3_use_path_style", flag("Whether the bucket's name is in the path of a URL instead of its host. Default: false."))
}

fn network(schema: Schema) -> Schema {
    schema
        .attribute("custom_ca_bundle", text("PEM file with the certificates to trust, in place of those of the system. Default: `AWS_CA_BUNDLE`, then `ca_bundle` of the profile."))
        .attribute("http_proxy", url("URL of the proxy for requests to `http://` endpoints. It serves for `https://` too where no HTTPS proxy is set. Default: `HTTP_PROXY`."))
        .attribute("https_proxy", url("URL of the proxy for requests to `https://` endpoints, which all of AWS's are. Default: `HTTPS_PROXY`, then `http_proxy`."))
        .attribute("no_proxy", text("Hosts, domains and networks that are reached without a proxy, separated by commas. This machine and its metadata service always are. Default: `NO_PROXY`."))
        .attribute("max_retries", Attribute::optional(Type::Number).description("Retries of a call after its first attempt, 0 to 50. Default: `AWS_MAX_ATTEMPTS` less one, then the profile, then 5.").range("retries", 0..=50))
        .attribute("retry_mode", text("What happens between attempts: `standard` waits longer each time, `adaptive` also slows down when AWS limits the rate. Default: `AWS_RETRY_MODE`, then the profile, then `standard`.").one_of(["standard", "adaptive"]))
        .attribute("token_bucket_rate_limiter_capacity", Attribute::optional(Type::Number).description("Tokens that retries spend and successes give back, 1 to 1000000: with none left, calls are not repeated. Default: no limit.").range("tokens", 1..=1_000_000))
        .attribute("connect_timeout_seconds", seconds("Timeout for making a connection, 1 to 3600 seconds. Default: 5."))
        .attribute("attempt_timeout_seconds", seconds("Timeout for one attempt of a call and its answer, 1 to 3600 seconds. Default: 30."))
        .attribute("operation_timeout_seconds", seconds("Timeout for a call with all its retries, and for AWS to settle a change, 1 to 3600 seconds. Default: 180."))
}

fn checks(schema: Schema) -> Schema {
    schema
        .attribute("skip_credentials_validation", flag("Whether the provider goes on when STS does not confirm the credentials, for endpoints without STS. The account is then not known: `account_id` is null, and no request names the bucket's owner. Default: false."))
        .attribute("skip_region_validation", flag("Whether `region` may have any form, for stores that are not AWS. Default: false."))
        .attribute("skip_requesting_account_id", flag("Whether STS is not asked for the account, for endpoints without STS. `account_id` is then null, and no request names the bucket's owner. Default: false."))
        .attribute("allowed_account_ids", accounts("Accounts that the provider may work in. With credentials of another account, it does nothing. Default: every account."))
        .attribute("forbidden_account_ids", accounts("Accounts that the provider must not work in. Default: none."))
}

fn tagging(schema: Schema) -> Schema {
    let ignored = Fields::new()
        .attribute("keys", texts("Keys of tags to leave alone. Default: none."))
        .attribute(
            "key_prefixes",
            texts("Beginnings of keys of tags to leave alone. Default: none."),
        );
    schema
        .block("default_tags", Block::single(Fields::new().attribute("tags", tags::attribute("Tags by key. Default: none."))).description("Tags for everything that the provider creates. A resource's own tag of the same key wins. Default: none."))
        .block("ignore_tags", Block::single(ignored).description("Tags that others manage, on every resource. The provider neither shows them in `tags` and `tags_all` nor changes or removes them. A resource that sets such a tag is refused. Default: none."))
}
