//! The process: started as Terraform starts it, and as nobody should.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio_rustls::rustls::SignatureScheme;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::built::example;
use crate::patience::PATIENCE;
use crate::plugin::{COOKIE, HTTP2_HELLO, Identity, Plugin, ask, call, listen, read_line};
use crate::terraform::kill;

fn refused(with: &[(&str, &str)]) -> Output {
    let environment: BTreeMap<_, _> = with.iter().copied().collect();
    Command::new(example())
        .env_clear()
        .envs(environment)
        .output()
        .unwrap()
}

#[test]
fn a_person_who_starts_it_is_told_what_it_is() {
    let output = refused(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "This is a Terraform provider: a plugin that Terraform starts by itself.\n\n\
         To use it, name it under required_providers in a configuration and run:\n\n    \
         terraform init\n    terraform plan\n"
    );
}

#[test]
fn without_a_client_certificate_it_does_not_start() {
    let output = refused(&[COOKIE]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("PLUGIN_CLIENT_CERT is not set.")
    );
}

#[tokio::test]
async fn terraforms_certificate_is_served_under_both_versions_of_tls() {
    let client = Identity::new();
    let plugin = Plugin::start(&client);
    for version in [&TLS12, &TLS13] {
        let config = plugin
            .config(version)
            .with_client_auth_cert(vec![client.der.clone()], client.key())
            .unwrap();
        assert!(plugin.answers(config).await, "{:?}", version.version);
    }
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let plugin = Plugin::start(&Identity::new());
    for version in [&TLS12, &TLS13] {
        let config = plugin.config(version).with_no_client_auth();
        assert!(!plugin.answers(config).await, "{:?}", version.version);
    }
}

#[tokio::test]
async fn a_caller_with_another_certificate_of_the_same_name_is_refused() {
    let plugin = Plugin::start(&Identity::new());
    let other = Identity::new();
    for version in [&TLS12, &TLS13] {
        let config = plugin
            .config(version)
            .with_client_auth_cert(vec![other.der.clone()], other.key())
            .unwrap();
        assert!(!plugin.answers(config).await, "{:?}", version.version);
    }
}

/// Shows one identity's certificate and signs with another's key.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesClientCert for Impostor {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_caller_that_shows_the_certificate_but_lacks_its_key_is_refused() {
    let client = Identity::new();
    let plugin = Plugin::start(&client);
    let wrong_key = aws_lc_rs::sign::any_supported_type(&Identity::new().key()).unwrap();
    let shown = Arc::new(CertifiedKey::new(vec![client.der.clone()], wrong_key));
    for version in [&TLS12, &TLS13] {
        let config = plugin
            .config(version)
            .with_client_cert_resolver(Arc::new(Impostor(shown.clone())));
        assert!(!plugin.answers(config).await, "{:?}", version.version);
    }
}

#[tokio::test]
async fn a_caller_in_plain_text_is_refused() {
    let plugin = Plugin::start(&Identity::new());
    let mut stream = UnixStream::connect(&plugin.socket).await.unwrap();
    stream.write_all(HTTP2_HELLO).await.unwrap();
    let mut answer = Vec::new();
    // The connection is closed, with a TLS alert at most.
    drop(
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("the end of the connection"),
    );
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}

#[tokio::test]
async fn a_caller_that_says_nothing_holds_up_no_other() {
    let client = Identity::new();
    let plugin = Plugin::start(&client);
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(UnixStream::connect(&plugin.socket).await.unwrap());
    }
    let config = plugin
        .config(&TLS13)
        .with_client_auth_cert(vec![client.der.clone()], client.key())
        .unwrap();
    assert!(plugin.answers(config).await);
}

#[tokio::test]
async fn a_caller_that_says_nothing_is_dropped_in_time() {
    let plugin = Plugin::start(&Identity::new());
    let mut byte = [0];
    let mut silent = UnixStream::connect(&plugin.socket).await.unwrap();
    let end = tokio::time::timeout(PATIENCE, silent.read(&mut byte));
    let end = end.await.expect("the end of the connection");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn many_handshakes_at_once_all_succeed() {
    let client = Arc::new(Identity::new());
    let plugin = Arc::new(Plugin::start(&client));
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let (client, plugin) = (client.clone(), plugin.clone());
        callers.spawn(async move {
            let channel = plugin.channel(&client).await;
            call(&channel, "/tfplugin6.Provider/GetMetadata").await
        });
    }
    for answer in callers.join_all().await {
        answer.unwrap();
    }
}

/// The end of a connection does not end the plugin: only the controller does.
#[tokio::test]
async fn it_outlives_its_callers_connections_and_ends_its_streams_with_itself() {
    let client = Identity::new();
    let mut plugin = Plugin::start(&client);
    let first = plugin.channel(&client).await;
    call(&first, "/tfplugin6.Provider/GetMetadata")
        .await
        .unwrap();
    drop(first);

    let second = plugin.channel(&client).await;
    let mut output = listen(&second, "/plugin.GRPCStdio/StreamStdio").await;
    let mut broker = listen(&second, "/plugin.GRPCBroker/StartStream").await;
    call(&second, "/plugin.GRPCController/Shutdown")
        .await
        .unwrap();
    assert_eq!(output.message().await.unwrap(), None);
    assert_eq!(broker.message().await.unwrap(), None);
    drop(second);
    assert_eq!(plugin.wait(), (true, Vec::new()));
}

// With a thread for the caller's side of the connection, which must answer the farewell.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_plugin_without_a_call_ends_at_once() {
    let client = Identity::new();
    let mut plugin = Plugin::start(&client);
    let channel = plugin.channel(&client).await;
    call(&channel, "/tfplugin6.Provider/GetMetadata")
        .await
        .unwrap();
    kill("-TERM", &plugin.child.id().to_string());
    assert_eq!(plugin.wait(), (true, Vec::new()));
}

#[tokio::test]
async fn only_the_user_reaches_the_socket() {
    let plugin = Plugin::start(&Identity::new());
    let folder = std::fs::metadata(plugin.socket.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn an_interrupt_does_not_end_it_and_shutdown_does() {
    let client = Identity::new();
    let mut plugin = Plugin::start(&client);
    let channel = plugin.channel(&client).await;
    call(&channel, "/grpc.health.v1.Health/Check")
        .await
        .unwrap();
    kill("-INT", &plugin.child.id().to_string());
    call(&channel, "/tfplugin6.Provider/StopProvider")
        .await
        .unwrap();
    call(&channel, "/tfplugin6.Provider/GetMetadata")
        .await
        .unwrap();
    let newer = call(&channel, "/tfplugin6.Provider/LockState")
        .await
        .unwrap_err();
    assert_eq!(newer.code(), tonic::Code::Unimplemented);
    call(&channel, "/plugin.GRPCController/Shutdown")
        .await
        .unwrap();
    assert_eq!(plugin.wait(), (true, Vec::new()));
}

#[test]
fn it_ends_when_its_parent_is_gone() {
    let client = Identity::new();
    let folder = tempfile::tempdir().unwrap();
    // The shell starts the provider and lives until its stdin is closed.
    let mut shell = Command::new("sh")
        .args(["-c", "\"$0\" </dev/null & read -r line"])
        .arg(example())
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_CLIENT_CERT", &client.pem)
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(shell.stdout.take().unwrap());
    let (socket, _) = read_line(&mut stdout);
    assert!(socket.exists());
    drop(shell.stdin.take());
    shell.wait().unwrap();
    stdout.read_to_string(&mut String::new()).unwrap();
    assert!(!socket.exists());
}

/// The parts of the schema's messages that are looked at here.
mod wire {
    use std::collections::HashMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Response {
        #[prost(message, optional, tag = "1")]
        pub(super) provider: Option<Schema>,
        #[prost(map = "string, message", tag = "2")]
        pub(super) resources: HashMap<String, Schema>,
        #[prost(map = "string, message", tag = "3")]
        pub(super) data_sources: HashMap<String, Schema>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Schema {
        #[prost(message, optional, tag = "2")]
        pub(super) block: Option<Block>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Block {
        #[prost(message, repeated, tag = "2")]
        pub(super) attributes: Vec<Attribute>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Attribute {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) ty: Vec<u8>,
        #[prost(message, optional, tag = "10")]
        pub(super) nested: Option<Nested>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Nested {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<Attribute>,
    }
}

#[tokio::test]
async fn an_attribute_has_a_type_or_a_nested_type() {
    let client = Identity::new();
    let plugin = Plugin::start(&client);
    let channel = plugin.channel(&client).await;
    let schemas: wire::Response = ask(&channel, "/tfplugin6.Provider/GetProviderSchema")
        .await
        .unwrap();
    let mut attributes: Vec<_> = (schemas.provider.into_iter())
        .chain(schemas.resources.into_values())
        .chain(schemas.data_sources.into_values())
        .flat_map(|schema| schema.block.unwrap().attributes)
        .collect();
    let (mut plain, mut nested) = (0, 0);
    while let Some(attribute) = attributes.pop() {
        match (attribute.ty.is_empty(), attribute.nested) {
            (false, None) => plain += 1,
            (true, Some(inside)) => {
                nested += 1;
                attributes.extend(inside.attributes);
            }
            (_, other) => panic!("{}: {:?} and {other:?}", attribute.name, attribute.ty),
        }
    }
    assert!(plain > 20 && nested > 3, "{plain} {nested}");
}
