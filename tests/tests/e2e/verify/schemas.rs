//! Events in schemas that are widely used, as in `tests/schemas/`: sealed byte for byte, and explained by `show`.

use std::fs;

use auditlog_tests::{command, root};

use crate::seal::bench::Bench;

/// The file, the name of the schema, and what `show` finds of time, actor, action, resource and outcome.
type Schema = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const SCHEMAS: [Schema; 8] = [
    (
        "cloudtrail",
        "AWS CloudTrail",
        &[
            ("time", "2026-11-22T19:00:00Z"),
            ("actor", "arn:aws:sts::111122223333:assumed-role/Admin/ada"),
            ("action", "PutBucketPolicy"),
            ("resource", "arn:aws:s3:::acme-audit"),
            ("outcome", "AccessDenied"),
        ],
    ),
    (
        "kubernetes",
        "Kubernetes audit",
        &[
            ("time", "2026-11-22T19:00:00.123456Z"),
            ("actor", "ada@acme.example"),
            ("action", "delete"),
            ("resource", "/api/v1/namespaces/pay/secrets/db?timeout=34s"),
            ("outcome", "403"),
        ],
    ),
    (
        "ocsf",
        "OCSF",
        &[
            ("time", "2026-11-23T19:00:00.123000Z (1795460400123)"),
            ("actor", "ada"),
            ("action", "Logon"),
            ("resource", "db.acme.example"),
            ("outcome", "Failure"),
        ],
    ),
    (
        "ecs",
        "Elastic Common Schema",
        &[
            ("time", "2026-11-22T19:00:00.123Z"),
            ("actor", "ada"),
            ("action", "file-deleted"),
            ("resource", "/srv/ledger/2026.csv"),
            ("outcome", "success"),
        ],
    ),
    (
        "cloudevents",
        "CloudEvents",
        &[
            ("time", "2026-11-22T19:00:00Z"),
            ("actor", "ada"),
            ("action", "example.acme.order.refunded"),
            ("resource", "order/1009"),
            ("outcome", "approved"),
        ],
    ),
    (
        "otlp",
        "OpenTelemetry",
        &[
            ("time", "2026-11-23T19:00:00.123456Z (1795460400123456789)"),
            ("actor", "ada"),
            ("action", "payment.approved"),
            ("resource", "/payments/1009"),
            ("outcome", "200"),
        ],
    ),
    (
        "hoop-session-open",
        "hoop",
        &[
            ("actor", "ada@acme.example"),
            ("action", "session.open"),
            ("resource", "ledger-db"),
            ("outcome", "APPROVED"),
        ],
    ),
    (
        "hoop-session-close",
        "hoop",
        &[
            ("action", "session.close"),
            ("resource", "20c3dbe0-5e9f-4ad0-9d4f-7a0c9b5c3c11"),
            ("outcome", "psql: error: permission denied"),
        ],
    ),
];

/// Segment 0 has three lines, and the segment with the events begins with its open line.
const FIRST_INDEX: usize = 4;

#[test]
fn events_of_known_schemas_pass_through_unchanged_and_are_explained() {
    let bench = Bench::new();
    let samples = SCHEMAS.map(|(name, ..)| {
        let path = root().join(format!("tests/schemas/{name}.json"));
        fs::read_to_string(path).expect("a sample")
    });
    bench.append().input(samples.concat()).run().ok();
    assert_eq!(
        bench.verified(),
        samples.each_ref().map(|one| one.trim_end())
    );
    for (index, (name, schema, parts)) in (FIRST_INDEX..).zip(SCHEMAS) {
        let show = command("auditlog-verify").args(["show", "--index", &index.to_string()]);
        let show = show.arg("--policy").arg(bench.path("policy.json"));
        let run = show.arg(bench.path("audit")).run().ok();
        let shown: Vec<&str> = run
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with("  shape "))
            .take_while(|line| line.starts_with("  "))
            .collect();
        let mut expected = vec![format!("  {:<10}{schema}", "shape")];
        expected.extend(
            parts
                .iter()
                .map(|(label, value)| format!("  {label:<10}{value}")),
        );
        assert_eq!(shown, expected, "{name}: {run}");
    }
    // The page for auditors has a row for each.
    let verify = command("auditlog-verify").args(["--output", "html", "--policy"]);
    let verify = verify
        .arg(bench.path("policy.json"))
        .arg(bench.path("audit"));
    let page = verify.run().ok().stdout;
    for (index, (name, _, parts)) in (FIRST_INDEX..).zip(SCHEMAS) {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("<tr><td>{index}</td>")));
        let row = row.unwrap_or_else(|| panic!("{name}: {page}"));
        for (_, value) in parts {
            assert!(row.contains(&format!("<td>{value}</td>")), "{value}: {row}");
        }
    }
}
