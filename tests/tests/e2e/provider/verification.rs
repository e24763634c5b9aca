//! `auditlog_verification`: the example with the real Terraform, on a bucket with a log.

use auditlog_chain::builder::StoredPayload;
use auditlog_tests::{Engine, Fault, Proxy, Run, Terraform, root};
use serde_json::{Value, json};

use crate::support::log::{Log, now};
use crate::verify::s3::World;

/// The example, with the trust policy beside it.
fn example(world: &World) -> Terraform {
    let example = root().join("examples/data-sources/auditlog_verification/data-source.tf");
    let text = std::fs::read_to_string(example).expect("the example");
    let terraform = Terraform::with_config(&world.endpoint.env(), &text);
    let policy = std::fs::read_to_string(world.folder.path().join("policy.json"));
    let values = json!({ "trust_policy": policy.expect("the policy") });
    terraform.write("terraform.tfvars.json", &values.to_string());
    terraform.init();
    terraform
}

fn words(run: &Run) -> String {
    let text = format!("{} {}", run.stdout, run.stderr).replace(['│', '╷', '╵'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_trail_passes_the_check_and_the_postcondition() {
    let world = World::of(Engine::Ministack.start(), 6).await;
    let terraform = example(&world);
    let run = terraform.apply().ok();
    assert!(!words(&run).contains("Warning"), "{run}");
    let logs = terraform.output("verified");
    assert_eq!(logs[0]["verdict"], "verified", "{logs}");
    assert_eq!(logs[0]["segments"], 4, "{logs}");
    assert_eq!(logs[0]["last_segment"], 5, "{logs}");
    // On demand, all of it.
    terraform
        .run(&["apply", "-auto-approve", "-no-color", "-var", "verify=full"])
        .ok();
    let logs = terraform.output("verified");
    assert_eq!(
        (&logs[0]["segments"], &logs[0]["entries"]),
        (&6.into(), &10.into()),
        "{logs}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_warns_in_a_check_and_stops_at_a_postcondition() {
    let world = World::of(Engine::Ministack.start(), 2).await;
    world.put("stranger", b"", 1).await;
    let terraform = example(&world);
    let run = terraform.apply();
    assert_eq!(run.status, 1, "{run}");
    let text = words(&run);
    assert!(text.contains("Resource postcondition failed"), "{run}");
    assert!(
        text.contains("The audit trail does not verify: 1 fault")
            || text.contains("The audit trail does not verify: fault: 1 fault"),
        "{run}"
    );
    // Without the postcondition, the check warns and the apply goes on.
    let text =
        std::fs::read_to_string(terraform.path().join("main.tf")).expect("the configuration");
    let only_check = text
        .split("# Every segment")
        .next()
        .expect("the first part");
    terraform.write("main.tf", &format!("{only_check}\noutput \"faults\" {{\n  value = data.auditlog_verification.audit.faults\n}}\n"));
    let run = terraform.apply().ok();
    assert!(
        words(&run).contains("Warning: Check block assertion failed"),
        "{run}"
    );
    let faults = terraform.output("faults");
    assert_eq!(faults[0]["code"], "object-unaccounted", "{faults}");
    assert_eq!(faults[0]["object"], "stranger", "{faults}");
}

/// The data source with more arguments, and all that it found.
fn configuration(more: &str) -> String {
    format!(
        "data \"auditlog_verification\" \"audit\" {{\n  trust_policy = file(\"${{path.module}}/trust-policy.json\")\n{more}}}\n\noutput \"found\" {{\n  value = data.auditlog_verification.audit\n}}\n"
    )
}

/// Beyond a bound, the verdict is open, whatever was seen within it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_that_is_exceeded_is_never_a_pass() {
    // Three segments of half a megabyte that do not get smaller.
    let mut log = Log::new(2);
    let mut state = 1u64;
    for _ in 0..3 {
        let hex = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            format!("{state:016x}")
        });
        let event = format!("\"{}\"", hex.take(60_000).collect::<String>());
        let event = StoredPayload::event(event.as_bytes()).expect("an event");
        log.seal_events(&[event], now());
    }
    let world = World::holding(Engine::Ministack.start(), log, 3).await;
    let way = Proxy::to(world.endpoint.url());
    let mut env = world.endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, &configuration("  segments = 2\n"));
    let policy = std::fs::read_to_string(world.folder.path().join("policy.json"));
    terraform.write("trust-policy.json", &policy.expect("the policy"));
    terraform.init();
    terraform.apply().ok();
    let found = terraform.output("found");
    assert_eq!(found["verified"], true, "{found}");
    // Within its bounds, the head alone was read, and the result says so.
    let summary = found["summary"].as_str().expect("a text");
    let left_out = "segments before 3 of log acme.example/audit/payments";
    assert!(
        summary.ends_with(&format!("; {left_out} not checked")),
        "{summary}"
    );
    assert_eq!(
        found["not_checked"],
        serde_json::json!([left_out]),
        "{found}"
    );

    let slow = || Fault::Trickle(std::time::Duration::from_millis(300));
    for (more, request, code, said) in [
        (
            "  max_megabytes = 1\n",
            None,
            "segment-unreadable",
            "is beyond the bound of 1000000 bytes",
        ),
        (
            "  depth = \"full\"\n  max_megabytes = 1\n",
            None,
            "segment-unreadable",
            "is beyond the bound of 1000000 bytes",
        ),
        (
            "  timeout = \"3s\"\n",
            Some("versions"),
            "listing-unreadable",
            "could not be listed within the bound of 3 seconds",
        ),
        (
            "  timeout = \"3s\"\n",
            Some("000000000004"),
            "segment-unreadable",
            "was not read within the bound of 3 seconds",
        ),
    ] {
        if let Some(request) = request {
            way.times(9, "GET", request, slow());
        }
        terraform.write("main.tf", &configuration(more));
        let begun = std::time::Instant::now();
        terraform.apply().ok();
        let took = begun.elapsed();
        let found = terraform.output("found");
        assert_eq!(
            (&found["verified"], &found["exit_code"]),
            (&false.into(), &2.into()),
            "{more}: {found}"
        );
        let undecided = found["undecided"].as_array().expect("a list");
        let is_said = |one: &Value| {
            one["code"] == code
                && one["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(said))
        };
        assert!(undecided.iter().any(is_said), "{more}: {found}");
        // A slow answer takes ten minutes.
        assert!(took < std::time::Duration::from_mins(2), "{more}: {took:?}");
        way.heal();
    }
}

/// What cannot be read is undecided, and never passes.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_does_not_pass_and_wrong_arguments_are_refused() {
    let world = World::of(Engine::Ministack.start(), 2).await;
    let policy =
        std::fs::read_to_string(world.folder.path().join("policy.json")).expect("the policy");
    let terraform = Terraform::with_config(&world.endpoint.env(), &configuration(""));
    terraform.write(
        "trust-policy.json",
        &policy.replace("acme-audit", "another-bucket"),
    );
    terraform.init();
    terraform.apply().ok();
    let found = terraform.output("found");
    assert_eq!(
        (&found["verified"], &found["verdict"]),
        (&false.into(), &"no_verdict".into()),
        "{found}"
    );
    assert_eq!(
        found["undecided"][0]["code"], "listing-unreadable",
        "{found}"
    );
    assert_eq!(found["exit_code"], 2, "{found}");
    terraform.write("trust-policy.json", &policy);
    for (more, said) in [
        (
            "  origins = [\"acme.example/audit/unknown\"]\n",
            "does not declare a log acme.example/audit/unknown",
        ),
        ("  depth = \"most\"\n", "head"),
        ("  timeout = \"soon\"\n", "soon"),
        ("  folder = \"./absent\"\n", "The folder cannot be read"),
    ] {
        terraform.write("main.tf", &configuration(more));
        let run = terraform.plan();
        assert_eq!(run.status, 1, "{run}");
        assert!(words(&run).contains(said), "{said}: {run}");
    }
}
