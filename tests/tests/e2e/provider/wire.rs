//! Which hosts the provider asks, and whom it trusts: behind a forward proxy that keeps the names it is asked for.

use std::sync::{Arc, Mutex};

use auditlog_tests::{Endpoint, Engine, Terraform};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::provider::stack::said;

const RESOURCES: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/audit"
}
"#;

/// The names that the endpoint has behind the tunnels.
const NAMES: [&str; 4] = [
    "aws.example",
    "sts-fips.us-east-1.amazonaws.com",
    "sts.us-east-1.api.aws",
    "sts-fips.us-east-1.api.aws",
];

/// A forward proxy. Each tunnel leads to the endpoint, which answers with TLS, under its names, by an authority of its own.
struct Tunnels {
    url: String,
    authority: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    async fn to(endpoint: &Endpoint) -> Self {
        let own = rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).unwrap();
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key);
        let tls = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tunnels = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            authority: own.cert.pem(),
            asked: Arc::default(),
        };
        let (asked, endpoint) = (tunnels.asked.clone(), endpoint.url().replace("http://", ""));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, tls.clone(), endpoint.clone(), asked.clone()));
            }
        });
        tunnels
    }

    /// The hosts that it was asked for since the last time, each once, in the order of the alphabet.
    fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked.dedup();
        asked
    }
}

/// Serves one `CONNECT`, until one of the two sides ends it.
async fn tunnel(
    mut client: TcpStream,
    tls: TlsAcceptor,
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(target.replace(":443", ""));
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut client = tls.accept(client).await?;
    let mut endpoint = TcpStream::connect(endpoint).await?;
    copy_bidirectional(&mut client, &mut endpoint).await?;
    Ok(())
}

/// Terraform with the endpoint's credentials, and no other way to it than the tunnels.
fn terraform(tunnels: &Tunnels, endpoint: &Endpoint) -> Terraform {
    let mut env = endpoint.env();
    env.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
    let terraform = Terraform::with_config(&env, "");
    terraform.init();
    terraform.write("authority.pem", &tunnels.authority);
    terraform
}

fn configure(terraform: &Terraform, tunnels: &Tunnels, provider: &str) {
    let url = &tunnels.url;
    let provider = format!(
        "provider \"auditlog\" {{\n  https_proxy = \"{url}\"\n  max_retries = 0\n{provider}\n}}\n"
    );
    terraform.write("main.tf", &format!("{provider}{RESOURCES}"));
}

const EXAMPLE: &str = r#"
  endpoints {
    s3  = "https://aws.example"
    kms = "https://aws.example"
    sts = "https://aws.example"
  }
  s3_use_path_style = true
"#;

#[tokio::test(flavor = "multi_thread")]
async fn authority_of_the_bundle_is_trusted_and_no_other() {
    let endpoint = Engine::Ministack.start();
    let tunnels = Tunnels::to(&endpoint).await;
    let terraform = terraform(&tunnels, &endpoint);
    configure(&terraform, &tunnels, EXAMPLE);
    said(
        &terraform.plan(),
        &[
            "AWS STS cannot be reached",
            "invalid peer certificate",
            "the certificates that it needs (`custom_ca_bundle`)",
        ],
    );
    let bundle = terraform.path().join("authority.pem");
    let plan = terraform.command(&["plan", "-no-color"]);
    plan.env("AWS_CA_BUNDLE", &bundle).run().ok();

    let with_bundle =
        |file: &str| format!("{EXAMPLE}\n  custom_ca_bundle = \"${{path.module}}/{file}\"");
    configure(&terraform, &tunnels, &with_bundle("authority.pem"));
    terraform.apply().ok();
    assert_eq!(terraform.plan().status, 0);
    assert_eq!(tunnels.asked(), ["aws.example"]);

    for (file, reason) in [
        ("absent.pem", "absent.pem: No such file"),
        ("main.tf", "main.tf: it contains no certificate"),
    ] {
        configure(&terraform, &tunnels, &with_bundle(file));
        said(
            &terraform.plan(),
            &["Unusable argument", "`custom_ca_bundle`", reason],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_fips_and_of_both_protocols_are_asked_for() {
    let endpoint = Engine::Ministack.start();
    let tunnels = Tunnels::to(&endpoint).await;
    let terraform = terraform(&tunnels, &endpoint);
    let fips = "  use_fips_endpoint = true\n";
    let both_protocols = "  use_dualstack_endpoint = true\n";
    // A key is made only where its account is known, so STS has to answer. The tunnels have no certificate for S3 and KMS.
    let bundle = "  custom_ca_bundle = \"${path.module}/authority.pem\"\n";
    let asked = |provider: &str, env: (&str, &str)| {
        let region = "  region = \"us-east-1\"\n";
        configure(&terraform, &tunnels, &format!("{region}{bundle}{provider}"));
        for resource in ["auditlog_bucket.audit", "auditlog_signing_key.audit"] {
            let target = format!("-target={resource}");
            let apply = terraform.command(&["apply", "-no-color", "-auto-approve", &target]);
            let run = apply.env(env.0, env.1).run();
            assert_eq!(run.status, 1, "nobody answers for this name: {run}");
        }
        tunnels.asked()
    };
    let of_fips = [
        "kms-fips.us-east-1.amazonaws.com",
        "sts-fips.us-east-1.amazonaws.com",
        "trail.s3-fips.us-east-1.amazonaws.com",
    ];
    assert_eq!(asked(fips, ("LANG", "C")), of_fips);
    assert_eq!(asked("", ("AWS_USE_FIPS_ENDPOINT", "true")), of_fips);
    assert_eq!(
        asked(both_protocols, ("LANG", "C")),
        [
            "kms.us-east-1.api.aws",
            "sts.us-east-1.api.aws",
            "trail.s3.dualstack.us-east-1.amazonaws.com"
        ]
    );
    assert_eq!(
        asked(fips, ("AWS_USE_DUALSTACK_ENDPOINT", "true")),
        [
            "kms-fips.us-east-1.api.aws",
            "sts-fips.us-east-1.api.aws",
            "trail.s3-fips.dualstack.us-east-1.amazonaws.com"
        ]
    );
    configure(
        &terraform,
        &tunnels,
        &format!("  region = \"eu-west-1\"\n{fips}"),
    );
    said(&terraform.plan(), &["AWS STS cannot be reached"]);
    assert_eq!(tunnels.asked(), ["sts-fips.eu-west-1.amazonaws.com"]);
}
