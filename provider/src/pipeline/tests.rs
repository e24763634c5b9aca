//! Golden files, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::verifier_key::VerifierKey;
use tf_provider::Field;

use super::model::{PipelineModel, SenderModel, TlsModel};
use super::program::{EVENT_ID, Follows, Way};
use super::programs::PROGRAMS;
use super::{Rendered, render};

/// Two logs; the first one ended, where it is asked for.
fn policy(seconds: u64, ended: bool) -> String {
    let log = |name: &str, id: &str| {
        let end = r#","ended":{"segment":1,"size":9,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sealed":"2026-05-01T00:00:00Z"}"#;
        let end = if ended && name == "payments" { end } else { "" };
        format!(
            r#"{{"origin":"acme.example/{name}","prefix":"{name}","format":1,"began":"2026-01-01T00:00:00Z","max_silence":[{{"from":"2026-01-01T00:00:00Z","seconds":{seconds}}}],"verifier_keys":["{id}"]{end}}}"#
        )
    };
    let keys = ["payments", "orders"].map(verifier_key);
    format!(
        r#"{{"trust_policy":1,"lock":[{{"from":"2026-01-01T00:00:00Z","mode":"COMPLIANCE","retention_days":365}}],"logs":[{},{}],"keys":[{{"spec":"ECC_NIST_EDWARDS25519","spki":"{SPKI}","valid_from":"2026-01-01T00:00:00Z"}}]}}"#,
        log("payments", &keys[0]),
        log("orders", &keys[1])
    )
}

fn verifier_key(name: &str) -> String {
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{SPKI}\n-----END PUBLIC KEY-----\n");
    let origin = Origin::parse(&format!("acme.example/{name}")).unwrap();
    VerifierKey::new(origin, PublicKey::from_pem(&pem).unwrap()).to_string()
}

const SPKI: &str = "MCowBQYDK2VwAyEAjZITZloBrr/b8aPBVfMXuYS8H3gp5DpA0ikrRwHsdYc=";

fn sender(program: &str) -> SenderModel {
    let is_itself = ["hoop", "kubernetes"].contains(&program);
    let has_certificate = program.starts_with("rsyslog") || program == "filebeat";
    SenderModel {
        program: program.to_owned(),
        paths: (!is_itself).then(|| {
            vec![
                "/var/log/payments/*.json".to_owned(),
                "/var/log/payments.log".to_owned(),
            ]
        }),
        ca_file: (program != "hoop").then(|| "/etc/auditlog/ca.pem".to_owned()),
        certificate: has_certificate.then(|| "/etc/auditlog/sender.pem".to_owned()),
        key: has_certificate.then(|| "/etc/auditlog/sender.key".to_owned()),
        folder: None,
        buffer_megabytes: None,
        settings: None,
    }
}

fn pipeline(senders: BTreeMap<String, SenderModel>) -> PipelineModel {
    PipelineModel {
        trust_policy: policy(90_000, false),
        origin: Some("acme.example/payments".to_owned()),
        url: "https://sealer.acme.example:9880".to_owned(),
        listen: None,
        folder: None,
        spool: None,
        ack: None,
        tls: Some(TlsModel {
            certificate: "/etc/auditlog/sealer.pem".to_owned(),
            key: "/etc/auditlog/sealer.key".to_owned(),
            client_ca: Some("/etc/auditlog/senders.pem".to_owned()),
        }),
        relp_port: None,
        tcp_port: None,
        lumberjack_port: None,
        senders,
        sealer_toml: Field::Unknown,
        sealer_unit: Field::Unknown,
        files: Field::Unknown,
        limits: Field::Unknown,
        listeners: Field::Unknown,
        tokens: Field::Unknown,
    }
}

fn one(sender: SenderModel) -> PipelineModel {
    pipeline([("payments-api".to_owned(), sender)].into())
}

fn all() -> Rendered {
    let senders = PROGRAMS.map(|program| (program.name.to_owned(), sender(program.name)));
    render(&pipeline(senders.into())).unwrap()
}

fn refused(config: &PipelineModel) -> String {
    let Err(found) = render(config) else {
        panic!("it is rendered")
    };
    let lines = found
        .iter()
        .map(|one| format!("{}: {}", one.summary, one.detail));
    lines.collect::<Vec<_>>().join("\n")
}

/// `BLESS=1` writes them again.
#[test]
fn files_are_the_golden_ones() {
    let rendered = all();
    let mut files = rendered.files;
    files.insert("sealer.toml".to_owned(), rendered.sealer_toml);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pipeline/golden");
    for (name, text) in &files {
        let path = folder.join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(&golden, text, "{}", path.display());
    }
    let stored = fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        stored,
        PROGRAMS.len().saturating_add(1),
        "nothing else is stored there"
    );
}

/// What every file must have, whatever its format: an id, a buffer that stops the reading, the token, the authority, its limits.
#[test]
fn every_program_buffers_names_its_events_and_says_what_it_cannot_promise() {
    let rendered = all();
    for program in PROGRAMS {
        let files = rendered
            .files
            .iter()
            .filter(|(name, _)| name.starts_with(&format!("{}/", program.name)));
        let text: String = files.map(|(_, text)| text.as_str()).collect();
        let of_way = match program.way {
            Way::Http => ["AUDITLOG_TOKEN", "9880"],
            Way::TokenFile => ["kubernetes.token", "9880/kubernetes"],
            Way::Webhook => ["tokens/hoop", "9880/webhook"],
            Way::Relp => ["/etc/auditlog/sender.key", "2514"],
            Way::Tcp => ["/etc/auditlog/sender.key", "6514"],
            Way::Lumberjack => ["/etc/auditlog/sender.key", "5044"],
        };
        let parts: &[&str] = match program.follows {
            Follows::Files => &[
                EVENT_ID,
                "/etc/auditlog/ca.pem",
                "/var/lib/auditlog-",
                "/var/log/payments/",
                "before the",
            ],
            Follows::Itself => &["and stores it once"],
        };
        for part in parts.iter().copied().chain(of_way) {
            assert!(text.contains(part), "{}: {part}", program.name);
        }
        assert!(!program.limits.is_empty());
        for limit in program.limits {
            assert!(text.contains(&format!("# - {limit}")), "{limit}");
        }
        assert_eq!(rendered.limits[program.name].len(), program.limits.len());
    }
}

#[test]
fn every_setting_that_loses_events_is_refused_with_its_reason() {
    for program in PROGRAMS {
        let with = |name: &str, value: &str| {
            let settings = [(name.to_owned(), value.to_owned())];
            one(SenderModel {
                settings: Some(settings.into()),
                ..sender(program.name)
            })
        };
        for fixed in program.fixed {
            let said = refused(&with(fixed.name, "other"));
            assert!(
                said.contains(fixed.why) && said.contains("loses events"),
                "{said}"
            );
            if !fixed.value.is_empty() {
                render(&with(fixed.name, fixed.value)).unwrap();
            }
        }
        for tunable in program.tunable {
            let rendered = render(&with(tunable.name, &tunable.most.to_string())).unwrap();
            let text: String = rendered.files.into_values().collect();
            assert!(text.contains(&tunable.most.to_string()), "{}", tunable.name);
            for value in [
                tunable.most.saturating_add(1).to_string(),
                "-1".to_owned(),
                "x\n".to_owned(),
            ] {
                let said = refused(&with(tunable.name, &value));
                assert!(said.contains("is not a whole number from"), "{said}");
            }
        }
        let said = refused(&with("unheard_of", "1"));
        let expected = match program.tunable {
            [] => ": none is left open.",
            [..] => "known to lose nothing. These are: ",
        };
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_a_sender_or_a_log_cannot_be_is_refused() {
    let vector = || one(sender("vector"));
    let mut open = vector();
    open.url = "http://sealer.acme.example:9880".to_owned();
    assert!(refused(&open).contains("has no TLS"));
    open.url = "http://127.0.0.1:9880".to_owned();
    assert!(refused(&open).contains("`ca_file` is for a sealer behind https://"));
    let mut heard = vector();
    (heard.listen, heard.tls) = (Some("0.0.0.0:9880".to_owned()), None);
    assert!(refused(&heard).contains("listens on 0.0.0.0:9880 without TLS"));
    heard.listen = Some("[::1]:9880".to_owned());
    render(&heard).unwrap();
    let strange = pipeline([("a b".to_owned(), sender("vector"))].into());
    assert!(refused(&strange).contains("is not a name of 1 to 64"));
    let mut unnamed = vector();
    unnamed.origin = None;
    let said = refused(&unnamed);
    assert!(
        said.contains("- acme.example/payments\n- acme.example/orders"),
        "{said}"
    );
    let mut ended = vector();
    ended.trust_policy = policy(90_000, true);
    assert!(refused(&ended).contains("nobody may write to it"));
    let mut broken = vector();
    broken.trust_policy = "{}".to_owned();
    assert!(refused(&broken).starts_with("Unreadable trust policy"));
}

#[test]
fn two_senders_in_one_buffer_are_refused_and_so_is_one_in_the_spool() {
    let with = |folder: Option<&str>| SenderModel {
        folder: folder.map(str::to_owned),
        ..sender("vector")
    };
    let two = |one: Option<&str>, other: Option<&str>| {
        pipeline([("a".to_owned(), with(one)), ("b".to_owned(), with(other))].into())
    };
    for (one, other) in [
        (Some("/data/buffer"), Some("/data/buffer")),
        (Some("/data"), Some("/data/buffer")),
        (Some("/data/buffer"), Some("/data")),
        (None, Some("/var/lib/auditlog-a")),
    ] {
        let said = refused(&two(one, other));
        assert!(
            said.starts_with("The sender b is refused: Its `folder`, "),
            "{said}"
        );
        assert!(said.contains("of the sender a: on one machine"), "{said}");
    }
    render(&two(None, None)).unwrap();
    render(&two(Some("/data/a"), Some("/data/ab"))).unwrap();
    let said = refused(&two(Some("/var/lib/auditlog/spool/x"), None));
    assert!(
        said.contains("overlaps \"/var/lib/auditlog/spool\" of `spool`"),
        "{said}"
    );
}

#[test]
fn folders_that_a_restart_empties_are_warned_of() {
    let mut config = one(SenderModel {
        folder: Some("/dev/shm/buffer".to_owned()),
        ..sender("vector")
    });
    config.spool = Some("/tmp/spool".to_owned());
    let rendered = render(&config).unwrap();
    let warning = super::lost_on_restart(&rendered.volatile).unwrap();
    for part in [
        "\"/tmp/spool\" is in /tmp,",
        "\"/dev/shm/buffer\" is in /dev/shm,",
    ] {
        assert!(warning.detail.contains(part), "{}", warning.detail);
    }
    let usual = render(&one(sender("vector"))).unwrap();
    assert_eq!(super::lost_on_restart(&usual.volatile), None);
}

/// A listener is refused before anything is made, also where the trust policy is known only later.
#[test]
fn public_listener_without_tls_is_refused_at_once() {
    let given = |listen: &str| {
        tf_provider::Object::new()
            .with("url", "https://sealer.acme.example:9880")
            .with("listen", listen)
    };
    let source = super::PipelineSource;
    let check = |config: &tf_provider::Object| tf_provider::DataSource::validate(&source, config);
    assert!(check(&given("127.0.0.1:9880")).is_ok());
    assert!(check(&given("0.0.0.0:9880")).is_err());
    let tls = given("0.0.0.0:9880").with("tls", tf_provider::Value::Unknown);
    assert!(check(&tls).is_ok());
}

#[test]
fn sender_of_syslog_is_known_by_its_certificate_or_is_the_only_one_on_the_machine() {
    let rsyslog = || one(sender("rsyslog"));
    let mut unknown = rsyslog();
    unknown.senders = [(
        "a".to_owned(),
        SenderModel {
            certificate: None,
            key: None,
            ..sender("rsyslog")
        },
    )]
    .into();
    assert!(refused(&unknown).contains("Set `certificate`, `key` and `ca_file`"));
    let mut unseen = rsyslog();
    unseen.tls = None;
    assert!(refused(&unseen).contains("set `tls` with `client_ca`"));
    let half = one(SenderModel {
        key: None,
        ..sender("rsyslog")
    });
    assert!(refused(&half).contains("belong together"));
    let token = one(SenderModel {
        certificate: sender("rsyslog").certificate,
        key: sender("rsyslog").key,
        ..sender("vector")
    });
    assert!(refused(&token).contains("the token says who sends"));

    let plain = |program| SenderModel {
        ca_file: None,
        certificate: None,
        key: None,
        ..sender(program)
    };
    let mut local = pipeline(
        [
            ("a".to_owned(), plain("rsyslog")),
            ("b".to_owned(), plain("rsyslog-tcp")),
        ]
        .into(),
    );
    (local.url, local.tls, local.relp_port) =
        ("http://127.0.0.1:9880".to_owned(), None, Some(7514));
    for (listen, relp, tcp, both) in [
        (None, Some(7514), Some(7514), "`relp_port` and `tcp_port`"),
        (None, Some(6514), None, "`relp_port` and `tcp_port`"),
        (None, None, Some(9880), "`listen` and `tcp_port`"),
        (
            Some("127.0.0.1:2514"),
            None,
            None,
            "`listen` and `relp_port`",
        ),
    ] {
        let mut twice = local.clone();
        twice.listen = listen.map(str::to_owned);
        (twice.relp_port, twice.tcp_port) = (relp, tcp);
        assert!(refused(&twice).contains(both), "{both}");
        // Nobody listens where no sender needs it.
        twice.senders = [("a".to_owned(), plain("vector"))].into();
        render(&twice).unwrap();
        let at_plan = tf_provider::Object::new()
            .with("url", "http://127.0.0.1:9880")
            .with("listen", listen.map(str::to_owned))
            .with("relp_port", relp)
            .with("tcp_port", tcp)
            .with("senders", local.senders.clone());
        let found = tf_provider::DataSource::validate(&super::PipelineSource, &at_plan);
        let found = found.unwrap_err();
        assert!(found.iter().any(|one| one.detail.contains(both)), "{both}");
    }
    let rendered = render(&local).unwrap();
    for part in [
        "\nlisten = \"127.0.0.1:7514\"\n",
        "\nsource = \"a\"\n",
        "\nlisten = \"127.0.0.1:6514\"\n",
        "\nsource = \"b\"\n",
    ] {
        assert!(
            rendered.sealer_toml.contains(part),
            "{part}: {}",
            rendered.sealer_toml
        );
    }
    assert!(!rendered.files["a/rsyslog.conf"].contains("tls"));
    local.senders.insert("c".to_owned(), plain("rsyslog"));
    assert!(refused(&local).contains("nothing distinguishes a and c"));
}

#[test]
fn filebeat_has_a_certificate_and_a_port_of_its_own() {
    let filebeat = || one(sender("filebeat"));
    render(&filebeat()).unwrap();
    let mut unseen = filebeat();
    unseen.tls = None;
    assert!(refused(&unseen).contains("set `tls` with `client_ca`"));
    let mut twice = filebeat();
    twice.listen = Some("127.0.0.1:5044".to_owned());
    assert!(refused(&twice).contains("`listen` and `lumberjack_port`"));
    twice.lumberjack_port = Some(5045);
    let rendered = render(&twice).unwrap();
    assert!(rendered.files["payments-api/filebeat.yml"].contains("sealer.acme.example:5045"));
    let listener = "\n[[lumberjack]]\nlisten = \"127.0.0.1:5045\"\n";
    assert!(rendered.sealer_toml.contains(listener));
    let listeners = [("http".to_owned(), 5044), ("lumberjack".to_owned(), 5045)];
    assert_eq!(rendered.listeners, listeners.into());
    assert!(rendered.tokens.is_empty());
}

#[test]
fn program_that_follows_no_files_has_neither_paths_nor_a_buffer() {
    let kubernetes = || sender("kubernetes");
    render(&one(kubernetes())).unwrap();
    let paths = SenderModel {
        paths: sender("vector").paths,
        ..kubernetes()
    };
    assert!(refused(&one(paths)).contains("`paths` is for programs that follow files"));
    let folder = SenderModel {
        folder: Some("/data".to_owned()),
        ..kubernetes()
    };
    assert!(refused(&one(folder)).contains("`folder` is for programs"));
    let none = SenderModel {
        paths: None,
        ..sender("vector")
    };
    assert!(refused(&one(none)).contains("vector follows files: set `paths`."));
    let hoop = || one(sender("hoop"));
    let text = render(&hoop()).unwrap().sealer_toml;
    let secret = "\n[[http.webhook]]\nsource = \"payments-api\"\nfile = \"/etc/auditlog/tokens/payments-api\"\n";
    assert!(text.contains(secret), "{text}");
    let mut near = hoop();
    near.url = "http://127.0.0.1:9880".to_owned();
    assert!(refused(&near).contains("behind https:// alone"));
    let checked = one(SenderModel {
        ca_file: sender("vector").ca_file,
        ..sender("hoop")
    });
    assert!(refused(&checked).contains("`ca_file` is not for hoop"));
}

/// Whoever sets up the machine of the sealer asks for these.
#[test]
fn listeners_and_tokens_are_those_of_the_file() {
    let rendered = all();
    assert_eq!(
        rendered.listeners.len(),
        rendered.sealer_toml.matches("\nlisten = ").count()
    );
    for port in rendered.listeners.values() {
        let listen = format!("\nlisten = \"127.0.0.1:{port}\"\n");
        assert!(rendered.sealer_toml.contains(&listen), "{listen}");
    }
    let files = rendered.sealer_toml.matches("/tokens/").count();
    // One is in the head of the file.
    assert_eq!(rendered.tokens.len().saturating_add(1), files);
    for source in &rendered.tokens {
        let file = format!("file = \"/etc/auditlog/tokens/{source}\"\n");
        assert!(rendered.sealer_toml.contains(&file), "{file}");
    }
}

#[test]
fn sealer_closes_segments_within_half_of_a_short_silence() {
    let mut short = one(sender("vector"));
    assert!(
        !render(&short)
            .unwrap()
            .sealer_toml
            .contains("max_segment_seconds")
    );
    short.trust_policy = policy(120, false);
    let text = render(&short).unwrap().sealer_toml;
    assert!(text.contains("\nmax_segment_seconds = 60\n"), "{text}");
}
