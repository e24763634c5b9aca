//! `make acceptance-aws`, against the local endpoint: nobody has to pay to know that the script itself works.

use auditlog_tests::{Command, Engine, root};

#[test]
fn acceptance_on_aws_passes_on_the_local_endpoint() {
    let endpoint = Engine::Ministack.start();
    let run = Command::new("bash")
        .arg(root().join("tests/acceptance/run"))
        .envs(endpoint.env())
        .env("AUDITLOG_ACCEPTANCE", "yes")
        .run()
        .ok();
    for step in ["created: ", "verified again", "imported: ", "destroyed: "] {
        assert!(run.stdout.contains(step), "{step:?} is not in {run}");
    }
    let listed = run.stdout.find("This creates").expect("the list");
    let created = run.stdout.find("ok  created").expect("the first step");
    assert!(listed < created, "{run}");
}

#[test]
fn acceptance_on_aws_asks_first() {
    let endpoint = Engine::Ministack.start();
    let run = Command::new("bash")
        .arg(root().join("tests/acceptance/run"))
        .envs(endpoint.env())
        .input("n\n")
        .run();
    assert_eq!(run.status, 2, "{run}");
    assert!(!run.stdout.contains("ok  "), "{run}");
}
