//! The same policies in force on the local endpoint, for IAM users who may do everything by their own.
//!
//! It evaluates who calls and what encryption is named. It does not know the other conditions, and reads an absent key as AWS does,
//! so that statements with those conditions are left out here: the offline judge has them.

use std::collections::BTreeMap;
use std::future::Future;

use auditlog_chain::policy::LockMode;
use auditlog_tests::{Endpoint, Engine, REGION};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    GrantOperation, KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    ServerSideEncryption, Tag, Tagging, VersioningConfiguration,
};
use serde_json::{Value, json};
use terraform_provider_auditlog::aws::{
    BucketPolicy, KeyPolicy, KeyPolicyState, LogAccess, ObjectEncryption, Principal,
};
use terraform_provider_auditlog::trust::spans::LockBounds;

const USERS: &[&str] = &["terraform", "break-glass", "sealer", "auditor", "intern"];
const OBJECT: &str = "logs/payments/000000000000.jsonl.zst";
/// The keys that the endpoint knows.
const EVALUATED: &[&str] = &[
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "s3:x-amz-server-side-encryption",
];

/// An endpoint, and the keys of its users.
struct World {
    endpoint: Endpoint,
    users: BTreeMap<&'static str, (String, String)>,
}

impl World {
    fn new() -> Self {
        let endpoint = Engine::Ministack.start_guarded();
        let everything = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "*", "Resource": "*" },
        ] });
        let user = |name: &&'static str| (*name, endpoint.user_named(name, &everything));
        let users = USERS.iter().map(user).collect();
        Self { endpoint, users }
    }

    fn account() -> &'static str {
        Engine::Ministack.account()
    }

    /// The users for whom a call is not refused, sorted.
    async fn allowed<F, T, E>(&self, call: impl Fn(&(String, String)) -> F) -> Vec<&'static str>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::fmt::Debug,
    {
        let mut allowed = Vec::new();
        for (name, keys) in &self.users {
            match call(keys).await {
                Ok(_) => allowed.push(*name),
                Err(error) => {
                    let code = error.code().map(str::to_owned);
                    let refused = matches!(
                        code.as_deref(),
                        Some("AccessDenied" | "AccessDeniedException")
                    );
                    assert!(refused, "{name}: {error:?}");
                }
            }
        }
        allowed
    }
}

fn principals(names: &[&str]) -> Vec<Principal> {
    let arn = |name: &&str| format!("arn:aws:iam::{}:user/{name}", World::account());
    names
        .iter()
        .map(|name| Principal::parse(&arn(name)).expect("a principal"))
        .collect()
}

/// The statements whose conditions the endpoint evaluates, and how many are left out.
fn evaluated(policy: &str) -> (String, usize) {
    let mut document: Value = serde_json::from_str(policy).expect("a policy");
    let statements = document["Statement"].as_array_mut().expect("statements");
    let all = statements.len();
    statements.retain(|one| {
        let operators = one["Condition"].as_object().into_iter().flatten();
        let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
        keys.all(|(key, _)| EVALUATED.contains(&key.as_str()))
    });
    let left_out = all - statements.len();
    (document.to_string(), left_out)
}

async fn bucket(world: &World) {
    let policy = BucketPolicy {
        partition: "aws".to_owned(),
        account: World::account().to_owned(),
        bucket: "trail".to_owned(),
        logs: vec![LogAccess {
            prefix: "logs/payments".to_owned(),
            writers: Some(principals(&["sealer"])),
            readers: Some(principals(&["auditor"])),
            lock: LockBounds {
                modes: vec![LockMode::Governance],
                min_days: 1,
                max_days: 3,
            },
        }],
        declared_prefixes: Vec::new(),
        administrators: Some(principals(&["terraform"])),
        break_glass: Some(principals(&["break-glass"])),
        encryption: ObjectEncryption::SseS3,
        deliveries: Vec::new(),
        extra: None,
    };
    let (policy, left_out) = evaluated(&policy.render().expect("a policy"));
    // TLS twice, once, multipart, unlocked, mode, minimum, maximum, customer's key
    assert_eq!(left_out, 9, "{policy}");
    let root = world.endpoint.s3();
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    root.create_bucket()
        .bucket("trail")
        .object_lock_enabled_for_bucket(true)
        .create_bucket_configuration(place)
        .send()
        .await
        .expect("a bucket");
    root.put_bucket_policy()
        .bucket("trail")
        .policy(policy)
        .send()
        .await
        .expect("the policy");
}

#[tokio::test]
async fn bucket_lets_in_who_was_stated() {
    let world = World::new();
    bucket(&world).await;
    let s3 = |keys: &(String, String)| world.endpoint.s3_of(keys);
    let put = |keys: &(String, String)| s3(keys).put_object().bucket("trail").key(OBJECT).send();
    assert_eq!(world.allowed(put).await, ["sealer"]);
    let get = |keys: &(String, String)| s3(keys).get_object().bucket("trail").key(OBJECT).send();
    assert_eq!(world.allowed(get).await, ["auditor", "sealer"]);
    let elsewhere = |keys: &(String, String)| s3(keys).put_object().bucket("trail").key("x").send();
    assert_eq!(world.allowed(elsewhere).await.len(), USERS.len());
    let versioning = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let configure = |keys: &(String, String)| {
        s3(keys)
            .put_bucket_versioning()
            .bucket("trail")
            .versioning_configuration(versioning.clone())
            .send()
    };
    assert_eq!(world.allowed(configure).await, ["terraform"]);
    // an import reads from tags what was declared when
    let forged = Tag::builder()
        .key("auditlog:log:payments")
        .value("x")
        .build();
    let forged = Tagging::builder()
        .tag_set(forged.expect("a tag"))
        .build()
        .expect("tags");
    let forge = |keys: &(String, String)| {
        let put = s3(keys).put_bucket_tagging().bucket("trail");
        put.tagging(forged.clone()).send()
    };
    assert_eq!(world.allowed(forge).await, ["terraform"]);
    let look = |keys: &(String, String)| s3(keys).get_bucket_policy().bucket("trail").send();
    assert_eq!(world.allowed(look).await.len(), USERS.len());
    let hide =
        |keys: &(String, String)| s3(keys).delete_object().bucket("trail").key(OBJECT).send();
    assert_eq!(world.allowed(hide).await, ["break-glass"]);
}

#[tokio::test]
async fn bucket_refuses_other_encryption_that_is_named() {
    let world = World::new();
    bucket(&world).await;
    let put = |encryption: ServerSideEncryption| {
        let put = world.endpoint.s3_of(&world.users["sealer"]).put_object();
        put.bucket("trail")
            .key(OBJECT)
            .server_side_encryption(encryption)
            .send()
    };
    put(ServerSideEncryption::Aes256)
        .await
        .expect("the bucket's own");
    let refused = put(ServerSideEncryption::AwsKms)
        .await
        .expect_err("another");
    assert_eq!(refused.code(), Some("AccessDenied"), "{refused:?}");
}

/// The same policy without the algorithm, which the endpoint does not know.
fn without_algorithm(policy: &str) -> String {
    let mut document: Value = serde_json::from_str(policy).expect("a policy");
    let statements = document["Statement"].as_array_mut().expect("statements");
    statements.retain(|one| one["Sid"] != "AuditlogAlgorithm");
    for statement in statements {
        if let Some(condition) = statement["Condition"].as_object_mut() {
            condition.remove("StringEquals");
        }
    }
    document.to_string()
}

#[tokio::test]
async fn key_lets_in_who_was_stated_and_signs_for_nobody_once_retired() {
    let world = World::new();
    let root = world.endpoint.kms();
    let created = root
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify);
    let created = created
        .send()
        .await
        .expect("a key")
        .key_metadata
        .expect("its metadata");
    let key = created.key_id.as_str();
    let mut policy = KeyPolicy {
        partition: "aws".to_owned(),
        account: World::account().to_owned(),
        signers: Some(principals(&["sealer"])),
        verifiers: Some(principals(&["auditor"])),
        administrators: Some(principals(&["terraform"])),
        algorithm: "ECDSA_SHA_256".to_owned(),
        state: KeyPolicyState::Signing,
    };
    let kms = |keys: &(String, String)| world.endpoint.kms_of(keys);
    let put = async |policy: &KeyPolicy| {
        let document = without_algorithm(&policy.render().expect("a policy"));
        root.put_key_policy()
            .key_id(key)
            .policy(document)
            .send()
            .await
            .expect("the policy");
    };
    let sign = |keys: &(String, String)| {
        let sign = kms(keys)
            .sign()
            .key_id(key)
            .message(Blob::new(b"head"))
            .message_type(MessageType::Raw);
        sign.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
    };
    let read = |keys: &(String, String)| kms(keys).get_public_key().key_id(key).send();
    let grant = |keys: &(String, String)| {
        let intern = format!("arn:aws:iam::{}:user/intern", World::account());
        kms(keys)
            .create_grant()
            .key_id(key)
            .grantee_principal(intern)
            .operations(GrantOperation::Sign)
            .send()
    };
    let disable = |keys: &(String, String)| kms(keys).disable_key().key_id(key).send();
    put(&policy).await;
    assert_eq!(world.allowed(sign).await, ["sealer"]);
    assert_eq!(
        world.allowed(read).await,
        ["auditor", "sealer", "terraform"]
    );
    assert_eq!(world.allowed(grant).await, [""; 0]);
    policy.state = KeyPolicyState::Retired;
    put(&policy).await;
    assert_eq!(world.allowed(sign).await, [""; 0]);
    assert_eq!(
        world.allowed(read).await,
        ["auditor", "sealer", "terraform"]
    );
    assert_eq!(world.allowed(disable).await, ["terraform"]);
}
