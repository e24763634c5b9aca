//! What senders over HTTP use: compressed bodies, lists of Kubernetes, users, and TLS with certificates of their own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::seal::bench::Bench;
use crate::seal::service::{Service, free_port, into_folder, table_of};

/// A chunk of a gzip member with the bytes as they are.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let python = "import gzip,sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read()))";
    let mut child = std::process::Command::new("python3")
        .args(["-c", python])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

#[test]
fn bodies_are_accepted_as_senders_pack_them() {
    let bench = Bench::new();
    let http = "event_id = \"id\"\n\n[[http.user]]\nname = \"web\"\nenv = \"WEB_PASSWORD\"";
    let password = "a password of web".to_owned();
    let environment = [("WEB_PASSWORD".to_owned(), password.clone())];
    let service = Service::start_with(&bench, &into_folder(&bench), http, &environment);
    let accepted = "{\"accepted\":2}";
    let lines = b"{\"n\":1}\n{\"n\":2}\n".as_slice();
    for (header, body) in [("gzip", gzip(lines)), ("zstd", zstd(lines))] {
        let header = format!("content-encoding: {header}\r\n");
        let answer = service.post(&body, &header).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, accepted));
    }
    // The same content came again without a name of its own: it is kept and marked.
    for body in [gzip(&vec![b'1'; 64 << 20]), zstd(&vec![b' '; 64 << 20])] {
        let kind = if body.starts_with(&[0x1f]) {
            "gzip"
        } else {
            "zstd"
        };
        let header = format!("content-encoding: {kind}\r\n");
        let refused = service.post(&body, &header).unwrap();
        assert_eq!(refused.status, 413, "{}", refused.body);
    }
    let cut = service.post(&gzip(lines)[..20], "content-encoding: gzip\r\n");
    assert_eq!(cut.unwrap().status, 400);

    let basic = format!(
        "authorization: Basic {}\r\n",
        STANDARD.encode(format!("web:{password}"))
    );
    let list = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"auditID":"a"},{"auditID":"b"}]}"#;
    for expected in [accepted, "{\"accepted\":0,\"repeat\":true}"] {
        let answer = service
            .request_to("/kubernetes", list.as_bytes(), &basic)
            .unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
    let json = format!("{basic}content-type: application/json\r\n");
    for expected in ["{\"accepted\":1}", "{\"accepted\":0,\"repeat\":true}"] {
        let answer = service.request_to("/events", b"{\"id\":7}", &json).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
    // What Fluent Bit sends by default.
    let msgpack = format!("{basic}content-type: application/msgpack\r\n");
    let entry = b"\x92\x92\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15\x80\x81\xa2id\xa1x";
    for expected in ["{\"accepted\":1}", "{\"accepted\":0,\"repeat\":true}"] {
        let answer = service.request_to("/events/app.login", entry, &msgpack);
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
    let wrong = format!(
        "authorization: Basic {}\r\n",
        STANDARD.encode("web:guessed")
    );
    assert_eq!(
        service.request_to("/events", b"1", &wrong).unwrap().status,
        401
    );

    let ended = service.end().ok();
    assert!(!ended.stderr.contains(&password), "{ended}");
    let (one, two) = ("{\"n\":1}".to_owned(), "{\"n\":2}".to_owned());
    let mut expected = vec![one.clone(), two.clone(), one, two];
    expected
        .extend(["{\"auditID\":\"a\"}", "{\"auditID\":\"b\"}", "{\"id\":7}"].map(str::to_owned));
    let time = "2023-11-14T22:13:20.123456789Z";
    expected.push(format!(
        "{{\"tag\":\"app.login\",\"time\":\"{time}\",\"record\":{{\"id\":\"x\"}}}}"
    ));
    assert_eq!(bench.verified(), expected);
    let text = bench.text();
    let marked: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("\"repeat\""))
        .collect();
    assert_eq!(marked.len(), 2, "{text}");
    for line in marked {
        assert!(
            line.contains("\"repeat\":\"suspected\",\"event\":{\"n\":"),
            "{line}"
        );
    }
    assert!(
        text.contains("\"source\":\"web\",\"batch\":\"sha256:"),
        "{text}"
    );
    assert!(!text.contains(&password));
}

/// An authority, and a certificate of a server and one of a client.
fn certificates(bench: &Bench) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = authority.self_signed(&key).unwrap();
    fs::write(bench.path("ca.pem"), certificate.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    for (name, host) in [("server", "localhost"), ("client", "payments.example")] {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Acme");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &issuer).unwrap();
        fs::write(bench.path(&format!("{name}.pem")), signed.pem()).unwrap();
        fs::write(bench.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// Posts an event over TLS; `None` where the server does not answer.
fn post_over_tls(bench: &Bench, at: SocketAddr, client: Option<&str>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(bench.path("ca.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match client {
        None => config.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::from_pem_file(bench.path(&format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(bench.path(&format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(session, TcpStream::connect(at).unwrap());
    let head = "POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 7\r\n\r\n";
    write!(stream, "{head}{{\"n\":1}}").ok()?;
    let mut answer = String::new();
    // The end of the connection without a farewell is as good.
    _ = stream.read_to_string(&mut answer);
    answer.contains("\r\n\r\n").then_some(answer)
}

#[test]
fn subject_of_a_client_certificate_says_who_sends() {
    let bench = Bench::new();
    certificates(&bench);
    let path = |name: &str| bench.path(name).display().to_string();
    let tls = format!(
        "[http.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        path("server.pem"),
        path("server.key"),
        path("ca.pem")
    );
    let service = Service::start_over_tls(&bench, &into_folder(&bench), &tls);
    assert_eq!(post_over_tls(&bench, service.at, None), None);
    // It takes events as soon as the head of the log is found.
    let answer = loop {
        let answer = post_over_tls(&bench, service.at, Some("client")).unwrap();
        if !answer.starts_with("HTTP/1.1 503") {
            break answer;
        }
    };
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    service.end().ok();
    assert_eq!(bench.verified(), ["{\"n\":1}"]);
    let text = bench.text();
    assert!(text.contains("\"source\":\"CN=client,O=Acme\""), "{text}");
}

#[track_caller]
fn until(service: &Service, metric: &str, expected: u64) {
    let begun = Instant::now();
    while service.metric(metric) != Some(expected) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{metric}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn certificates_that_are_renewed_are_used_without_a_restart() {
    let bench = Bench::new();
    certificates(&bench);
    let path = |name: &str| bench.path(name).display().to_string();
    let at = free_port();
    let tls = format!(
        "\n[[http]]\nname = \"tls\"\nlisten = \"{at}\"\n[http.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        path("server.pem"),
        path("server.key"),
        path("ca.pem")
    );
    let logs = format!(
        "{}{}\n",
        table_of(&bench, "", "policy.json", "spool"),
        into_folder(&bench)
    );
    let mut service = Service::run(&bench, &logs, &tls, &[]);
    service.until_ready();
    let is_taken = |client: &str| {
        let answer = post_over_tls(&bench, at, Some(client));
        answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    };
    assert!(is_taken("client"));
    let problem = "certificate_problem{input=\"tls\"}";
    assert_eq!(service.metric(problem), Some(0));
    assert!(service.metric("certificate_expires_seconds{input=\"tls\"}") > Some(1_800_000_000));

    // A file that is not a certificate changes nothing.
    fs::write(bench.path("server.pem"), "soon").unwrap();
    until(&service, problem, 1);
    assert!(is_taken("client"));
    for name in ["client.pem", "client.key"] {
        fs::copy(bench.path(name), bench.path(&format!("old-{name}"))).unwrap();
    }
    fs::rename(bench.path("old-client.pem"), bench.path("old.pem")).unwrap();
    fs::rename(bench.path("old-client.key"), bench.path("old.key")).unwrap();
    // Another authority, and certificates of it.
    certificates(&bench);
    until(&service, problem, 0);
    assert!(is_taken("client"));
    let refused = "refused_connections_total{input=\"tls\"}";
    let before = service.metric(refused).unwrap_or(0);
    assert!(!is_taken("old"));
    until(&service, refused, before + 1);
    // A sender without TLS, and whoever looks whether somebody listens.
    let mut plain = TcpStream::connect(at).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    drop(TcpStream::connect(at).unwrap());
    until(&service, refused, before + 2);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(service.metric(refused), Some(before + 2));
    let ended = service.end().ok();
    for line in [
        "warning: the certificates of the input tls have changed and cannot be used; those from before are used until that is corrected: ",
        "info: the input tls has read its certificates again, and uses them for new connections",
        "warning: the input tls has refused a connection of a sender at 127.0.0.1: the TLS handshake failed: ",
    ] {
        assert!(ended.stderr.contains(line), "{line}: {ended}");
    }
}
