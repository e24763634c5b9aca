//! Several logs of one service: batches find theirs, and a problem of one log does not stop the others.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::command;

use crate::seal::bench::{Bench, objects_in};
use crate::seal::service::{Service, table_of};

/// Two logs, the second one under a policy that has retired its key.
pub(super) fn two_logs(bench: &Bench, routes: &str) -> String {
    let other = command("auditlog-seal").args(["policy", "--origin", "acme.example/audit/orders"]);
    let other = other.arg("--key-file").arg(bench.path("key.pem"));
    fs::write(bench.path("orders.json"), other.run().ok().stdout).unwrap();
    let payments = table_of(bench, "name = \"payments\"\n", "policy.json", "spool");
    let orders = table_of(bench, "name = \"orders\"\n", "orders.json", "spool-orders");
    let into = |folder: &str| format!("to = \"{}\"\n", bench.path(folder).display());
    let (one, other) = (into("audit"), into("audit-orders"));
    format!("{payments}{one}\n{orders}{other}\n{routes}")
}

/// The events of the second log.
fn orders(bench: &Bench) -> Vec<String> {
    let verify = command("auditlog-verify").arg("--policy");
    let verify = verify.arg(bench.path("orders.json"));
    verify.arg(bench.path("audit-orders")).run().ok();
    let mut events = Vec::new();
    for object in objects_in(&bench.path("audit-orders/orders")) {
        let text = zstd::stream::decode_all(object.as_slice()).unwrap();
        for line in String::from_utf8(text).unwrap().lines() {
            let event = line.split_once("\"event\":");
            events.extend(event.map(|(_, event)| event.strip_suffix('}').unwrap().to_owned()));
        }
    }
    events
}

#[test]
fn batches_are_routed_and_a_problem_of_one_log_does_not_stop_the_other() {
    let bench = Bench::new();
    let routes = "[[routes]]\nlog = \"orders\"\ntag = \"shop.*\"\n\n[[routes]]\nlog = \"payments\"\ntag = \"pay\"\n\n\
        [[routes]]\nlog = \"payments\"\ntag = \"mixed\"\nfield = \"/kind\"\nequals = \"payment\"\n\n\
        [[routes]]\nlog = \"orders\"\ntag = \"mixed\"\nfield = \"/kind\"\nequals = \"order\"\n";
    let logs = two_logs(&bench, routes);
    let good = fs::read_to_string(bench.path("orders.json")).unwrap();
    let mut retired: serde_json::Value = serde_json::from_str(&good).unwrap();
    retired["keys"][0]["valid_from"] = "2019-01-01T00:00:00.000000Z".into();
    retired["keys"][0]["retired_at"] = "2020-01-01T00:00:00.000000Z".into();
    fs::write(bench.path("orders.json"), retired.to_string()).unwrap();
    let mut service = Service::of_logs(&bench, &logs, &[]);
    service.until_ready();
    assert_eq!(service.post_to("/events/pay", "1", "").unwrap().status, 200);
    let refused = service.post_to("/events/shop.eu", "2", "").unwrap();
    assert_eq!(refused.status, 503);
    assert!(
        refused.body.contains("was retired at 2020"),
        "{}",
        refused.body
    );
    let ready = service.get("/readyz").unwrap();
    assert_eq!(ready.status, 200);
    assert!(ready.body.starts_with("orders: "), "{}", ready.body);
    assert_eq!(service.get("/readyz/orders").unwrap().status, 503);
    assert_eq!(service.get("/readyz/payments").unwrap().status, 200);

    // Once its policy is mended, the other log goes on by itself.
    fs::write(bench.path("orders.json"), good).unwrap();
    let begun = Instant::now();
    while service.post_to("/events/shop.eu", "2", "").unwrap().status != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(50));
    }
    let mixed = "{\"kind\":\"order\"}\n{\"kind\":\"payment\"}\n{\"kind\":\"order\",\"n\":2}\n";
    let both = service.post_to("/events/mixed", mixed, "idempotency-key: m\r\n");
    assert_eq!(both.unwrap().body, "{\"accepted\":3}");
    let again = service.post_to("/events/mixed", mixed, "idempotency-key: m\r\n");
    assert_eq!(again.unwrap().body, "{\"accepted\":0,\"repeat\":true}");
    for (path, body, expected) in [
        (
            "/events",
            "3",
            "no route leads to a log from the input http",
        ),
        (
            "/events/other",
            "3",
            "no route leads to a log from the input http with the tag \"other\"",
        ),
        (
            "/events/mixed",
            "{\"kind\":\"order\"}\n{}",
            "no route leads to a log from the input http with the tag \"mixed\" for event 2",
        ),
    ] {
        let refused = service.post_to(path, body, "").unwrap();
        assert_eq!((refused.status, refused.body.as_str()), (422, expected));
    }
    let ended = service.end().ok();
    assert!(
        ended
            .stderr
            .starts_with("warning: log orders: no events are accepted now"),
        "{ended}"
    );
    assert_eq!(bench.verified(), ["1", "{\"kind\":\"payment\"}"]);
    assert_eq!(
        orders(&bench),
        ["2", "{\"kind\":\"order\"}", "{\"kind\":\"order\",\"n\":2}"]
    );
}

/// An empty folder is at the place of a disk that is not mounted, or nothing at all.
#[test]
fn log_whose_folder_is_not_there_at_the_start_goes_on_once_it_is_back() {
    let bench = Bench::new();
    let routes =
        "[[routes]]\nlog = \"orders\"\ntag = \"orders\"\n\n[[routes]]\nlog = \"payments\"\n";
    let logs = two_logs(&bench, routes);
    let (folder, away) = (bench.path("audit"), bench.path("away"));
    let until_back = |service: &Service, log: &str| {
        let (begun, path) = (Instant::now(), format!("/readyz/{log}"));
        while service.get(&path).is_none_or(|ready| ready.status != 200) {
            assert!(begun.elapsed() < Duration::from_mins(1), "{log}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    for (number, stand_in) in ["none", "empty", "older"].into_iter().enumerate() {
        let service = Service::of_logs(&bench, &logs, &[]);
        until_back(&service, "payments");
        assert_eq!(service.post(number.to_string(), "").unwrap().status, 200);
        service.end().ok();
        fs::rename(&folder, &away).unwrap();
        match stand_in {
            "empty" => fs::create_dir_all(folder.join("payments")).unwrap(),
            "older" => {
                fs::create_dir_all(folder.join("payments")).unwrap();
                let first = "payments/000000000000.jsonl.zst";
                fs::copy(away.join(first), folder.join(first)).unwrap();
            }
            _ => {}
        }
        let service = Service::of_logs(&bench, &logs, &[]);
        let begun = Instant::now();
        while !service.get("/readyz/payments").is_some_and(|ready| {
            ready.status == 503 && ready.body.contains("but the spool remembers segment")
        }) {
            assert!(begun.elapsed() < Duration::from_mins(1), "{stand_in}");
            thread::sleep(Duration::from_millis(20));
        }
        let refused = service.post("9", "").unwrap();
        assert_eq!(refused.status, 503, "{stand_in}: {}", refused.body);
        until_back(&service, "orders");
        let taken = service.post_to("/events/orders", "1", "").unwrap();
        assert_eq!(taken.status, 200, "{stand_in}: {}", taken.body);
        // Nothing was written into what was there instead.
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::rename(&away, &folder).unwrap();
        until_back(&service, "payments");
        let ended = service.end().ok();
        let hint =
            "; mount the disk of the folder, or put the folder back, and the log goes on by itself";
        assert!(ended.stderr.contains(hint), "{ended}");
        assert!(
            ended.stderr.contains("events are accepted again"),
            "{ended}"
        );
    }
    assert_eq!(bench.verified(), ["0", "1", "2"]);
}
