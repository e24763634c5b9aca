//! Mistakes of a configuration, each with its line and what to do about it.

use std::fs;
use std::os::unix::fs::symlink;

use auditlog_tests::{Run, command};

use crate::seal::bench::Bench;
use crate::seal::logs::two_logs;

fn check(bench: &Bench, config: &str) -> Run {
    fs::write(bench.path("sealer.toml"), config).unwrap();
    let run = command("auditlog-seal").args(["check-config", "--config"]);
    run.arg(bench.path("sealer.toml")).run()
}

fn configured(bench: &Bench, policy: &str, key: &str) -> String {
    let path = |name: &str| bench.path(name).display().to_string();
    format!(
        "[[logs]]\npolicy = \"{}\"\nkey_file = \"{}\"\nspool = \"{}\"\nto = \"./audit\"\n",
        path(policy),
        path(key),
        path("spool")
    )
}

#[test]
fn mistakes_of_a_configuration_are_named_with_their_line() {
    let bench = Bench::new();
    let log = configured(&bench, "policy.json", "key.pem");
    let http = "[[http]]\nlisten = \"127.0.0.1:9880\"\n";
    assert_eq!(
        check(&bench, &format!("{log}{http}")).ok().stdout,
        "the configuration is valid\n"
    );
    assert!(!bench.path("spool").exists());
    let path = bench.path("sealer.toml").display().to_string();
    let secret = bench.path("webhook.secret");
    fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let webhook = format!(
        "[[http.webhook]]\nsource = \"hoop\"\nfile = \"{}\"\n",
        secret.display()
    );
    for (config, error) in [
        (format!("{log}colour = 1\n{http}"), ":6: unknown key colour"),
        (
            format!("{log}max_segment_events = 0\n{http}"),
            ":6: invalid value '0' for 'max_segment_events <N>': 0 is not in 1..",
        ),
        (
            format!("{log}kms_key = \"alias/x\"\n{http}"),
            ":3: the argument 'key_file <FILE>' cannot be used with 'kms_key <KEY>'",
        ),
        (log.clone(), ": an input is missing"),
        (format!("{log}{http}["), ":8: "),
        (
            format!("{log}{http}without_authentication = true\n{webhook}"),
            ":8: where webhooks are signed, nobody sends without a signature",
        ),
        (
            format!("{log}{http}{webhook}{webhook}"),
            ":8: the webhooks of hoop and hoop have the same secret",
        ),
    ] {
        let run = check(&bench, &config);
        assert_eq!(run.status, 2, "{run}");
        let expected = format!("error: {path}{error}");
        assert!(run.stderr.starts_with(&expected), "{expected}: {run}");
        assert_eq!(run.stderr.matches("\nhint: ").count(), 1, "{run}");
    }
    // A message about a secret does not have it.
    fs::write(&secret, "whsec_s3cret-s3cret").unwrap();
    let run = check(&bench, &format!("{log}{http}{webhook}"));
    let wrong = format!(
        "error: {path}:10: the secret of the webhook hoop is not one of Svix: expected whsec_ and base64 behind it\n"
    );
    assert!(
        run.stderr.starts_with(&wrong) && !run.stderr.contains("s3cret-"),
        "{run}"
    );
}

/// A configuration in which each table has a mistake, and the files that it names.
fn full_of_mistakes(bench: &Bench) -> String {
    let at = |name: &str| bench.path(name).display().to_string();
    fs::write(bench.path("short.token"), "short").unwrap();
    fs::write(bench.path("tls.pem"), "not PEM").unwrap();
    fs::write(bench.path("spool"), "").unwrap();
    format!(
        "[[logs]]\n\
         policy = \"{}\"\n\
         key_fil = \"{}\"\n\
         spool = \"{}\"\n\
         to = \"audit\"\n\
         spool_max_bytes = 0\n\
         ack = \"soon\"\n\
         max_segment_events = 0\n\
         [[http]]\n\
         listen = \"127.0.0.1:9880\"\n\
         [[http.token]]\n\
         source = \"api\"\n\
         file = \"{}\"\n\
         [[http.token]]\n\
         source = \"other\"\n\
         env = \"AUDITLOG_NOT_SET\"\n\
         [http.tls]\n\
         certificate = \"{}\"\n\
         key = \"{}\"\n\
         [[forward]]\n\
         listen = \"0.0.0.0:9880\"\n\
         [[forward.user]]\n\
         name = \"u\"\n\
         file = \"{}\"\n\
         [[lumberjack]]\n\
         [[file]]\n\
         paths = [\"{}/*.log\", \"/var/log/**/a.log\"]\n\
         [[routes]]\n\
         log = \"lg\"\n\
         input = \"htpp\"\n",
        at("policy.json"),
        at("none.pem"),
        at("spool"),
        at("short.token"),
        at("tls.pem"),
        at("none.key"),
        at("none.token"),
        at("spool"),
    )
}

#[test]
fn all_mistakes_of_a_configuration_are_named_at_once_by_its_check_and_by_the_service() {
    let bench = Bench::new();
    let at = |name: &str| bench.path(name).display().to_string();
    let config = full_of_mistakes(&bench);
    let run = check(&bench, &config);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
    let path = at("sealer.toml");
    let begins = format!("error: {path}:");
    let found: Vec<&str> = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix(&begins))
        .collect();
    let expected = [
        "3: unknown key key_fil".to_owned(),
        format!("3: {}: the key cannot be read", at("none.pem")),
        format!("4: {} is not a folder", at("spool")),
        "5: expected a folder that begins with . or / (such as ./audit)".to_owned(),
        "6: nothing is accepted with spool_max_bytes = 0".to_owned(),
        "7: ack: unknown variant `soon`, expected `synced` or `stored`".to_owned(),
        "8: invalid value '0' for 'max_segment_events <N>'".to_owned(),
        "13: the token of api has fewer than 16 characters".to_owned(),
        "16: the token of other is not known: the variable AUDITLOG_NOT_SET is not set".to_owned(),
        format!("18: {}: ", at("tls.pem")),
        format!("19: {}: ", at("none.key")),
        "21: 0.0.0.0:9880 takes the port of the input http, which listens on 127.0.0.1:9880"
            .to_owned(),
        format!("24: the password of u cannot be read: {}", at("none.token")),
        "25: the key listen is missing".to_owned(),
        format!("27: {}/*.log is in the spool", at("spool")),
        "27: /var/log/**/a.log: ** does not lead through folders here".to_owned(),
        "29: no log has the name lg".to_owned(),
        "30: no input has the name htpp".to_owned(),
    ];
    let mut rest = found.clone();
    for expected in &expected {
        let at = rest
            .iter()
            .position(|line| line.starts_with(expected.as_str()));
        let at = at.unwrap_or_else(|| panic!("{expected}: {run}"));
        rest.remove(at);
    }
    // Users of Forward need a key beside it.
    assert_eq!(rest, ["22: users need a shared_key"], "{run}");
    let line = |text: &&str| text.split(':').next().unwrap().parse::<u32>().unwrap();
    assert!(found.is_sorted_by_key(line), "{run}");
    let lines = run.stderr.lines();
    let lines = lines.filter(|line| !line.starts_with("warning: "));
    let hints = lines.skip(1).step_by(2);
    assert!(
        hints.clone().all(|hint| hint.starts_with("hint: ")),
        "{run}"
    );
    assert_eq!(hints.count(), found.len(), "{run}");
    for hint in [
        "hint: write key_file in its place, if that is what is meant",
        "hint: write http in its place, if that is what is meant",
    ] {
        assert!(run.stderr.contains(hint), "{hint}: {run}");
    }

    // The service says the same of the table itself, and does not begin.
    let service = command("auditlog-seal").args(["run", "--config"]);
    let service = service.arg(bench.path("sealer.toml")).run();
    assert_eq!(service.status, 2, "{service}");
    for line in service.stderr.lines() {
        assert!(run.stderr.contains(line), "{line}: {service}");
    }
    let lines = service.stderr.lines();
    let said = lines.filter(|line| line.starts_with("error: ")).count();
    // Each log finds out by itself whether what it names can be used.
    assert_eq!(said + 3, found.len(), "{service}");
}

#[test]
fn files_that_a_configuration_names_are_opened_by_its_check() {
    let bench = Bench::new();
    bench.keygen("other.pem");
    fs::write(bench.path("broken.json"), "{}").unwrap();
    let http = "[[http]]\nlisten = \"127.0.0.1:9880\"\n";
    for (policy, key, more, error) in [
        (
            "none.json",
            "key.pem",
            "",
            "the trust policy cannot be read",
        ),
        ("broken.json", "key.pem", "", "broken.json"),
        ("policy.json", "none.pem", "", "the key cannot be read"),
        (
            "policy.json",
            "policy.json",
            "",
            "policy.json: not a PEM file",
        ),
        (
            "policy.json",
            "other.pem",
            "",
            "is not one of the log's keys",
        ),
        (
            "policy.json",
            "key.pem",
            "origin = \"acme.example/x\"\n",
            "acme.example/x",
        ),
        (
            "policy.json",
            "key.pem",
            "pins = \"none.json\"\n",
            "none.json",
        ),
    ] {
        let run = check(
            &bench,
            &format!("{}{more}{http}", configured(&bench, policy, key)),
        );
        assert_eq!(run.status, 2, "{run}");
        assert!(
            run.stderr.contains(error) && run.stderr.contains("\nhint: "),
            "{run}"
        );
    }
    // Segments and spool in one folder.
    let audit = bench.path("audit").display().to_string();
    let config = configured(&bench, "policy.json", "key.pem").replace("./audit", &audit);
    let config = config.replace(&bench.path("spool").display().to_string(), &audit);
    let run = check(&bench, &format!("{config}{http}"));
    let expected = format!(":4: the spool {audit} cannot be in the folder of the log, {audit}/");
    assert!(run.status == 2 && run.stderr.contains(&expected), "{run}");
}

#[test]
fn mistakes_in_logs_and_routes_are_named_with_their_line() {
    let bench = Bench::new();
    let logs = two_logs(&bench, "");
    let http = "[[http]]\nlisten = \"127.0.0.1:9880\"\n";
    check(&bench, &format!("{logs}{http}")).ok();
    let route = |keys: &str| format!("{logs}{http}[[routes]]\nlog = \"orders\"\n{keys}");
    let line = logs.lines().count() + 5;
    for (config, error) in [
        (
            logs.replace("name = \"orders\"\n", "") + http,
            ":8: each of several logs needs a name".to_owned(),
        ),
        (
            logs.replace("name = \"orders\"", "name = \"payments\"") + http,
            ":9: two logs have the name payments".to_owned(),
        ),
        (
            logs.replace("name = \"orders\"", "name = \"a b\"") + http,
            ":9: \"a b\" cannot be the name of a log".to_owned(),
        ),
        (
            logs.replace("spool-orders", "spool") + http,
            ":12: two logs have the spool".to_owned(),
        ),
        (
            route("input = \"forward\"\n"),
            format!(":{line}: no input has the name forward"),
        ),
        (
            route("tag = \"a..b\"\n"),
            format!(":{line}: \"a..b\" is not a pattern of tags"),
        ),
        (
            route("field = \"kind\"\n"),
            format!(":{line}: \"kind\" is not a JSON Pointer"),
        ),
        (
            route("field = \"/kind\"\n"),
            format!(":{line}: a field needs equals beside it"),
        ),
        (
            route("").replace("log = \"orders\"", "log = \"none\""),
            format!(
                ":{}: no log has the name none\nhint: write one of payments, orders\n",
                line - 1
            ),
        ),
    ] {
        let run = check(&bench, &config);
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stderr.contains(&error), "{error}: {run}");
    }
}

#[test]
fn inputs_that_cannot_deliver_are_refused() {
    let bench = Bench::new();
    let logs = two_logs(&bench, "");
    let log = configured(&bench, "policy.json", "key.pem");
    let audit = bench.path("audit");
    let to_folder = log.replace("./audit", &audit.display().to_string());
    let http = "[[http]]\nlisten = \"127.0.0.1:9880\"\n";
    let lumberjack = "[[lumberjack]]\nlisten = \"127.0.0.1:5044\"\n";
    let user = "[[http.user]]\nname = \"x:y\"\nenv = \"HOME\"\n";
    let of_segments = format!("[[file]]\npaths = [\"{}/payments/*\"]\n", audit.display());
    // The names of folders match too.
    let of_folders = of_segments.replace("/audit/payments", "/*/*");
    let of_link = of_segments.replace("/audit/", "/link/");
    let of_file = of_segments.replace("/audit/payments/", "/links/");
    let line = |before: &str, more: usize| before.lines().count() + more;
    for (config, error) in [
        (
            format!("{logs}[[stdin]]\n"),
            format!(
                ":{}: no route leads to a log from the input stdin\nhint: add [[routes]] with input = \"stdin\" and log = \"NAME\"\n",
                line(&logs, 1)
            ),
        ),
        (
            format!("{logs}{lumberjack}"),
            format!(
                ":{}: no route leads to a log from the input lumberjack",
                line(&logs, 1)
            ),
        ),
        (
            format!("{log}{http}event_id = \"/id\"\n"),
            format!(
                ":{}: \"/id\" is not the name of a member of an event",
                line(&log, 3)
            ),
        ),
        (
            format!("{log}{lumberjack}event_id = \"\"\n"),
            format!(
                ":{}: \"\" is not the name of a member of an event",
                line(&log, 3)
            ),
        ),
        (
            format!("{log}{http}{user}"),
            format!(":{}: \"x:y\" cannot be sent", line(&log, 4)),
        ),
        (
            format!("{to_folder}{of_segments}"),
            format!(
                "/payments/* is in the log in {}, which the service itself writes",
                audit.display()
            ),
        ),
        (
            format!("{to_folder}{of_folders}"),
            format!(
                "/*/*/* is in the log in {}, which the service itself writes",
                audit.display()
            ),
        ),
        (
            format!("{to_folder}{of_link}"),
            format!(
                "/link/payments/* is in the log in {}, which the service itself writes",
                audit.display()
            ),
        ),
        (
            format!("{to_folder}{of_file}"),
            format!(
                "/000000000000.jsonl.zst is in the log in {}/payments, which the service itself writes",
                audit.display()
            ),
        ),
    ] {
        // A segment has to be there only where a link leads to it.
        if config.contains("/link/") {
            fs::create_dir(&audit).unwrap();
            symlink(&audit, bench.path("link")).unwrap();
        } else if config.contains("/links/") {
            bench.append().input("1\n").run().ok();
            fs::create_dir(bench.path("links")).unwrap();
            let segment = "000000000000.jsonl.zst";
            let to = audit.join("payments").join(segment);
            symlink(to, bench.path("links").join(segment)).unwrap();
        }
        let run = check(&bench, &config);
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stderr.contains(&error), "{error}: {run}");
    }
    // Each leads to a log, or its senders say to which.
    let routes = "[[routes]]\nlog = \"orders\"\ninput = \"stdin\"\n";
    for good in [
        format!("{logs}{http}"),
        format!("{logs}[[stdin]]\ntag = \"orders\"\n"),
        format!("{logs}[[stdin]]\n{routes}"),
        format!("{log}{lumberjack}event_id = \"id\"\n"),
    ] {
        check(&bench, &good).ok();
    }
}
