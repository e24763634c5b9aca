//! The example provider as a process of its own: started as Terraform starts it, and as nobody should.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// How HTTP/2 begins, and an empty SETTINGS frame: what a gRPC client sends first.
const HTTP2_HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The example. `cargo test` builds it before it runs any test, but not when it is given the name of a test: an old one
/// would then be tested in its place.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/fs");
    let remedy = "run `cargo build -p tf-provider --examples`";
    let built =
        std::fs::metadata(&path).unwrap_or_else(|_| panic!("no {}: {remedy}", path.display()));
    let built = built.modified().unwrap();
    let sources = std::fs::read_to_string(path.with_extension("d")).unwrap();
    for source in sources
        .split_whitespace()
        .skip(1)
        .filter(|path| Path::new(path).extension().is_some_and(|kind| kind == "rs"))
    {
        let changed = std::fs::metadata(source).and_then(|source| source.modified());
        let fresh = changed.is_ok_and(|changed| changed <= built);
        assert!(fresh, "{} is older than {source}: {remedy}", path.display());
    }
    path
}

/// A certificate as Terraform makes one: P-521, self-signed, marked as an authority.
struct Identity {
    key: KeyPair,
    der: CertificateDer<'static>,
    pem: String,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            key,
            der: certificate.der().clone(),
            pem: certificate.pem(),
        }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// A running provider, killed if a test fails half-way.
struct Plugin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    socket: PathBuf,
    certificate: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Plugin {
    /// Starts it as Terraform does, for a caller with this certificate.
    fn start(client: &Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(example())
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_CLIENT_CERT", &client.pem)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (socket, certificate) = read_line(&mut stdout);
        Self {
            child,
            stdout,
            socket,
            certificate,
            folder,
        }
    }

    fn config(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> tokio_rustls::rustls::ConfigBuilder<
        ClientConfig,
        tokio_rustls::rustls::client::WantsClientCert,
    > {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
    }

    async fn connect(&self, mut config: ClientConfig) -> std::io::Result<TlsStream<UnixStream>> {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = UnixStream::connect(&self.socket).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// Whether a caller gets as far as an answer. A TLS 1.3 client learns only then that it was refused.
    async fn answers(&self, config: ClientConfig) -> bool {
        let exchange = async {
            let mut stream = self.connect(config).await?;
            stream.write_all(HTTP2_HELLO).await?;
            let mut frame = [0; 9];
            stream.read_exact(&mut frame).await?;
            Ok::<_, std::io::Error>(frame[3] == 4)
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer or a refusal")
            .unwrap_or(false)
    }

    async fn channel(&self, client: &Identity) -> Channel {
        let config = self
            .config(&TLS13)
            .with_client_auth_cert(vec![client.der.clone()], client.key())
            .unwrap();
        let stream = TokioIo::new(self.connect(config).await.unwrap());
        let mut once = Some(stream);
        let connector = tower::service_fn(move |_| {
            let stream = once
                .take()
                .ok_or_else(|| std::io::Error::other("one connection only"));
            std::future::ready(stream)
        });
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
            .unwrap()
    }

    /// Waits for the end and returns what it left behind.
    fn wait(&mut self) -> (bool, Vec<PathBuf>) {
        let mut rest = String::new();
        // The end of the process is the end of its stdout.
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let left = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        (self.child.wait().unwrap().success(), left)
    }
}

fn read_line(stdout: &mut impl std::io::BufRead) -> (PathBuf, CertificateDer<'static>) {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let fields: Vec<_> = line.trim_end().split('|').collect();
    let ["1", "6", "unix", socket, "grpc", certificate] = fields[..] else {
        panic!("{line:?}")
    };
    (
        socket.into(),
        STANDARD_NO_PAD.decode(certificate).unwrap().into(),
    )
}

/// Calls an RPC whose request is empty and whose answer is not looked at.
async fn call(channel: &Channel, path: &'static str) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<(), ()>::default();
    grpc.unary(Request::new(()), path.parse().unwrap(), codec)
        .await
        .map(|_| ())
}

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
    let kill = Command::new("kill")
        .args(["-INT", &plugin.child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    call(&channel, "/tfplugin6.Provider/StopProvider")
        .await
        .unwrap();
    call(&channel, "/tfplugin6.Provider/GetMetadata")
        .await
        .unwrap();
    let newer = call(&channel, "/tfplugin6.Provider/PlanAction")
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

/// A working folder for the real Terraform, which finds the example in a mirror and never asks a registry.
struct Terraform {
    folder: tempfile::TempDir,
}

impl Terraform {
    fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let platform = format!(
            "{}_{}",
            os.replace("macos", "darwin"),
            match arch {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            }
        );
        let mirror = folder.path().join("mirror");
        let package = mirror
            .join("registry.terraform.io/example/fs/0.1.0")
            .join(platform);
        std::fs::create_dir_all(&package).unwrap();
        std::fs::copy(example(), package.join("terraform-provider-fs_v0.1.0")).unwrap();
        let rc = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        );
        std::fs::write(folder.path().join("cli.tfrc"), rc).unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("main.tf"), configuration).unwrap();
        let terraform = Self { folder };
        terraform.succeeds(&["init"]);
        terraform
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("terraform")
            .args(arguments)
            .arg("-no-color")
            .current_dir(self.folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_CONFIG_FILE", self.folder.path().join("cli.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env_remove("TF_LOG")
            .output()
            .expect("terraform on PATH: install it from https://developer.hashicorp.com/terraform/install")
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn data(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join("data").join(name)
    }
}

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    fs = { source = "example/fs" }
  }
}
variable "text" { default = "hello" }
variable "mode" { default = "0644" }
variable "name" { default = "a.txt" }
provider "fs" { root = "data" }
resource "fs_file" "a" {
  path    = var.name
  content = var.text
  mode    = var.mode
  tags    = ["b", "a"]
  owner   = { team = "x" }
  note    = "written once, never stored"
}
resource "fs_file" "b" {
  path    = "b.txt"
  content = "a is ${fs_file.a.id}"
}
data "fs_tree" "all" {
  path       = "."
  depends_on = [fs_file.a, fs_file.b]
}
output "names" { value = join(",", data.fs_tree.all.files[*].name) }
"#;

#[test]
fn the_real_terraform_runs_the_example_through_its_life() {
    let terraform = Terraform::new(CONFIGURATION);
    let plan = terraform.succeeds(&["plan"]);
    assert!(
        plan.contains("+ size    = 5"),
        "what follows from the configuration is planned:\n{plan}"
    );
    assert!(
        plan.contains("+ contact = \"nobody\""),
        "a default inside a nested attribute is planned:\n{plan}"
    );

    let apply = terraform.succeeds(&["apply", "-auto-approve"]);
    assert!(apply.contains("names = \"a.note,a.txt,b.txt\""), "{apply}");
    terraform.succeeds(&["plan", "-detailed-exitcode"]);
    let state = std::fs::read_to_string(terraform.folder.path().join("terraform.tfstate")).unwrap();
    assert!(
        !state.contains("never stored"),
        "a write-only attribute is not in the state"
    );

    let change = terraform.succeeds(&["apply", "-auto-approve", "-var=text=longer"]);
    assert!(
        change.contains("0 added, 1 changed, 0 destroyed"),
        "{change}"
    );
    let replacement = terraform.succeeds(&["plan", "-var=text=longer", "-var=name=c.txt"]);
    assert!(
        replacement.contains("# forces replacement"),
        "{replacement}"
    );

    std::fs::write(terraform.data("a.txt"), "edited behind its back").unwrap();
    std::fs::remove_file(terraform.data("b.txt")).unwrap();
    let drift = terraform.succeeds(&["plan", "-var=text=longer"]);
    assert!(
        drift.contains("1 to add, 1 to change, 0 to destroy"),
        "{drift}"
    );

    let wrong = terraform.fails(&["plan", "-var=mode=99"]);
    assert!(
        wrong.contains("\"99\" is not octal, such as 0644."),
        "{wrong}"
    );
    assert!(
        wrong.contains("mode    = var.mode"),
        "the error points at the attribute:\n{wrong}"
    );

    terraform.succeeds(&["apply", "-auto-approve"]);
    terraform.succeeds(&["state", "rm", "fs_file.b"]);
    let taken = terraform.fails(&["apply", "-auto-approve"]);
    assert!(taken.contains("File exists"), "{taken}");
    terraform.succeeds(&["import", "fs_file.b", "b.txt"]);
    terraform.succeeds(&["plan", "-detailed-exitcode"]);

    terraform.succeeds(&["destroy", "-auto-approve"]);
    assert!(!terraform.data("a.txt").exists() && !terraform.data("b.txt").exists());
}
