//! Import by identity over the socket of the real provider, as Terraform calls it from 1.12 on.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auditlog_tests::{Endpoint, Engine, binary};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint as Address};
use tonic_prost::ProstCodec;

use super::{ALIAS, id, key_of};
use crate::provider::stack::{Stack, values};

#[derive(Clone, PartialEq, Message)]
struct DynamicValue {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Configure {
    #[prost(message, optional, tag = "2")]
    config: Option<DynamicValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Configured {
    #[prost(message, repeated, tag = "1")]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, PartialEq, Message)]
struct Identity {
    #[prost(message, optional, tag = "1")]
    data: Option<DynamicValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Import {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(message, optional, tag = "4")]
    identity: Option<Identity>,
}

#[derive(Clone, PartialEq, Message)]
struct Imported {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<Resource>,
    #[prost(message, repeated, tag = "2")]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(message, optional, tag = "2")]
    state: Option<DynamicValue>,
    #[prost(message, optional, tag = "4")]
    identity: Option<Identity>,
}

#[derive(Clone, PartialEq, Message)]
struct Diagnostic {
    #[prost(int32, tag = "1")]
    severity: i32,
    #[prost(string, tag = "2")]
    summary: String,
}

/// The provider as a process of its own, to which a caller attaches; killed when the test ends.
struct Attached {
    process: Child,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for Attached {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Attached {
    fn start(endpoint: &Endpoint) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary("terraform-provider-auditlog"))
            .args(["--debug", "auditlog/auditlog"])
            .env_clear()
            .envs(endpoint.env())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let socket = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, json) = line.split_once("TF_REATTACH_PROVIDERS='")?;
                let json: serde_json::Value =
                    serde_json::from_str(json.strip_suffix('\'')?).unwrap();
                let provider = json.as_object().unwrap().values().next().unwrap().clone();
                Some(provider["Addr"]["String"].as_str().unwrap().into())
            })
            .expect("how to attach");
        Self {
            process,
            socket,
            _folder: folder,
        }
    }

    async fn channel(&self) -> Channel {
        let socket = self.socket.clone();
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move {
                // It is printed before the provider listens on it.
                for _ in 0..200 {
                    if socket.exists() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                UnixStream::connect(socket).await.map(TokioIo::new)
            }
        });
        let address = Address::from_static("http://localhost");
        address.connect_with_connector(connector).await.unwrap()
    }
}

async fn call<Q, A>(channel: &Channel, rpc: &str, request: Q) -> A
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = format!("/tfplugin6.Provider/{rpc}").parse().unwrap();
    let codec = ProstCodec::<Q, A>::default();
    let answer = grpc.unary(Request::new(request), path, codec).await;
    answer.unwrap().into_inner()
}

async fn import(channel: &Channel, id: &str, identity: Option<Identity>) -> Imported {
    let request = Import {
        type_name: "auditlog_signing_key".to_owned(),
        id: id.to_owned(),
        identity,
    };
    call(channel, "ImportResourceState", request).await
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    bytes.windows(text.len()).any(|window| window == text)
}

#[tokio::test]
async fn key_is_imported_by_its_identity_over_the_socket() {
    let rotated = |trigger: &str| {
        key_of(
            "",
            &format!("{ALIAS}\nrotation = {{ trigger = {trigger:?} }}"),
        )
    };
    let stack = Stack::applied(Engine::Ministack, &rotated("a"));
    let first = values(&stack.terraform, super::ADDRESS)["arn"]
        .as_str()
        .unwrap()
        .to_owned();
    stack.configure(&rotated("b"));
    stack.terraform.apply().ok();
    let attached = Attached::start(&stack.endpoint);
    let channel = attached.channel().await;
    let empty = DynamicValue {
        msgpack: vec![0x80],
    };
    let configure = Configure {
        config: Some(empty),
    };
    let configured: Configured = call(&channel, "ConfigureProvider", configure).await;
    assert_eq!(configured.diagnostics, []);

    let by_id = import(&channel, "alias/one", None).await;
    let [found] = by_id.resources.as_slice() else {
        panic!("{by_id:?}")
    };
    let identity = found.identity.clone().expect("an identity");
    let data = identity.data.clone().expect("its data").msgpack;
    assert!(holds(&data, &first), "the first version names the resource");

    let by_identity = import(&channel, "", Some(identity.clone())).await;
    assert_eq!(by_identity, by_id);
    let state = found.state.clone().expect("a state").msgpack;
    assert!(
        holds(&state, &id(&stack)),
        "the version that signs was found"
    );

    // one that no key has: the last digit is another
    let mut gone = data;
    let last = gone.last_mut().expect("a digit");
    *last = if *last == b'0' { b'1' } else { b'0' };
    let gone = Identity {
        data: Some(DynamicValue { msgpack: gone }),
    };
    let refused = import(&channel, "", Some(gone)).await;
    assert_eq!(refused.resources, []);
    assert_eq!(refused.diagnostics[0].summary, "No such key");
}
