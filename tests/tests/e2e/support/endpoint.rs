//! The endpoints that the other tests rest on really do what they rest on.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::Stdio;

use auditlog_tests::{Command, Endpoint, Engine, REGION, python, root};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use aws_sdk_kms::operation::sign::builders::SignFluentBuilder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{CreateBucketConfiguration, ObjectLockMode};
use serde_json::json;

use crate::support::engines::on_each_engine;

on_each_engine! {
    it_answers_and_ends_with_its_value,
    it_ends_with_an_owner_that_was_killed,
    a_guarded_one_knows_its_users.await,
    a_locked_version_cannot_be_deleted.await,
    a_key_is_created_once.await,
    its_signatures_are_real.await,
}

const BUCKET: &str = "locked";

/// 2100-01-01, later than any run of this test.
const RETAIN_UNTIL_SECONDS: i64 = 4_102_444_800;

async fn locked_bucket(endpoint: &Endpoint) -> aws_sdk_s3::Client {
    let s3 = endpoint.s3();
    let place = CreateBucketConfiguration::builder()
        .location_constraint(REGION.into())
        .build();
    let create = s3
        .create_bucket()
        .bucket(BUCKET)
        .create_bucket_configuration(place);
    create
        .object_lock_enabled_for_bucket(true)
        .send()
        .await
        .expect("a locked bucket");
    s3
}

fn it_answers_and_ends_with_its_value(engine: Engine) {
    let endpoint = engine.start();
    let address = endpoint
        .url()
        .strip_prefix("http://")
        .expect("an HTTP endpoint")
        .to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(endpoint);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn it_ends_when_its_test_panics() {
    let (send, receive) = std::sync::mpsc::channel();
    let test = std::thread::spawn(move || {
        let endpoint = Engine::Ministack.start();
        send.send(endpoint.url().replace("http://", ""))
            .expect("the other end");
        panic!("on purpose");
    });
    let address = receive.recv().expect("an address");
    assert!(test.join().is_err());
    assert!(TcpStream::connect(&address).is_err());
}

fn it_ends_with_an_owner_that_was_killed(engine: Engine) {
    // What is left of a killed owner is the end of its child's input.
    let (mut command, _home) = Command::new(python()).into_inner();
    command
        .arg(root().join("tests/endpoint.py"))
        .arg(engine.name())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the Python of target/venv starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("its endpoint");
    assert!(line.starts_with("http://127.0.0.1:"), "{line:?}");
    drop(child.stdin.take());
    child.wait().expect("its end");
}

async fn a_guarded_one_knows_its_users(engine: Engine) {
    let endpoint = engine.start_guarded();
    let nothing = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    let nobody = endpoint.user(&json!({ "Version": "2012-10-17", "Statement": [nothing] }));
    endpoint.s3().list_buckets().send().await.expect("root may");
    let config = endpoint.s3().config().to_builder();
    let credentials = Credentials::new(nobody.0, nobody.1, None, None, "the test");
    let nobody = aws_sdk_s3::Client::from_conf(config.credentials_provider(credentials).build());
    let refused = nobody.list_buckets().send().await;
    assert_eq!(refused.expect_err("a refusal").code(), Some("AccessDenied"));
}

async fn a_locked_version_cannot_be_deleted(engine: Engine) {
    let endpoint = engine.start();
    let s3 = locked_bucket(&endpoint).await;
    let put = s3
        .put_object()
        .bucket(BUCKET)
        .key("entry")
        .body(ByteStream::from_static(b"kept"));
    let put = put
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(DateTime::from_secs(RETAIN_UNTIL_SECONDS));
    let version = put
        .send()
        .await
        .expect("a stored object")
        .version_id
        .expect("a versioned bucket");

    let delete = s3
        .delete_object()
        .bucket(BUCKET)
        .key("entry")
        .version_id(&version)
        .send()
        .await;
    assert_eq!(delete.expect_err("a refusal").code(), Some("AccessDenied"));

    let kept = s3
        .get_object()
        .bucket(BUCKET)
        .key("entry")
        .version_id(&version)
        .send()
        .await
        .expect("it is still there");
    assert_eq!(
        kept.body
            .collect()
            .await
            .expect("its bytes")
            .into_bytes()
            .as_ref(),
        b"kept"
    );
}

async fn a_key_is_created_once(engine: Engine) {
    let endpoint = engine.start();
    let s3 = locked_bucket(&endpoint).await;
    let put = |bytes: &'static [u8]| {
        s3.put_object()
            .bucket(BUCKET)
            .key("segment")
            .if_none_match("*")
            .body(ByteStream::from_static(bytes))
            .send()
    };
    put(b"first").await.expect("the first writer wins");
    let refused = put(b"second").await.expect_err("the second loses");
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    assert_eq!(
        refused
            .raw_response()
            .map(|response| response.status().as_u16()),
        Some(412)
    );
}

async fn its_signatures_are_real(engine: Engine) {
    let endpoint = engine.start();
    let kms = endpoint.kms();
    let create = kms
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify);
    let key = create
        .send()
        .await
        .expect("a key")
        .key_metadata
        .expect("its metadata")
        .key_id;
    let spki = kms
        .get_public_key()
        .key_id(&key)
        .send()
        .await
        .expect("its public key")
        .public_key
        .expect("its bytes");
    // An SPKI of P-256 ends in its 65 byte point.
    let point = spki.as_ref().last_chunk::<65>().expect("a point");

    let message = b"a checkpoint";
    let sign = kms
        .sign()
        .key_id(&key)
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
    let raw = sign
        .clone()
        .message_type(MessageType::Raw)
        .message(Blob::new(message));
    let hashed = sign
        .message_type(MessageType::Digest)
        .message(Blob::new(digest(&SHA256, message).as_ref()));
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
    let signature = signed(raw).await;
    public
        .verify(message, signature.as_ref())
        .expect("the signature holds");
    public
        .verify(b"another checkpoint", signature.as_ref())
        .expect_err("and only for its message");
    let signature = signed(hashed).await;
    match engine {
        Engine::Ministack => public.verify(message, signature.as_ref()),
        // It hashes what is a hash already.
        Engine::Moto => public.verify(digest(&SHA256, message).as_ref(), signature.as_ref()),
    }
    .expect("the signature holds");
}

async fn signed(request: SignFluentBuilder) -> Blob {
    let answer = request.send().await.expect("an answer");
    answer.signature.expect("a signature")
}
