//! One writer and two, where the store writes whatever it is given.

use std::io::Write as _;
use std::process::{Child, Stdio};
use std::thread;

use auditlog_tests::{Command, Fault, Proxy, Run, accepted, written_ahead};
use aws_sdk_s3::types::ObjectLockRetentionMode::{Compliance, Governance};

use super::{World, key, node};

#[tokio::test(flavor = "multi_thread")]
async fn an_unfenced_sealer_takes_no_event_for_a_store_that_ignores_the_condition() {
    let world = World::new("unfenced", Governance).await;
    let refused = world.append_unfenced("spool").input("1\n").run();
    assert_eq!(
        refused.stderr,
        format!(
            "error: s3://unfenced ignores If-None-Match: it wrote {} a second time\n\
             hint: begin the log under another prefix with --fenced, which lists the versions after each create\n",
            key(0)
        )
    );
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    let spool = written_ahead(&world.folder.path().join("spool"));
    assert!(!spool.contains("\"event\""), "{spool}");
    // This is what it tried, and all that it left behind.
    assert_eq!(world.versions(0).await.len(), 2);
    assert_eq!(world.versions(1).await.len(), 0);
    world.found(&["second-version"]);
}

/// A sealer that has read the head and accepted one event, and waits for more.
struct Waiting {
    child: Child,
    _home: tempfile::TempDir,
}

impl Waiting {
    fn start(world: &World, spool: &str, event: &str) -> Self {
        // A spool of its own, which has never seen the log.
        let run: Command = world.append_unfenced(spool).arg("--fenced");
        let run = run.arg("--head-unknown");
        let (mut run, home) = run.into_inner();
        let run = run.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = run.stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{event}\n").as_bytes()).unwrap();
        let spool = world.folder.path().join(spool);
        accepted(&spool, &format!("\"event\":{event}}}"));
        Self { child, _home: home }
    }

    /// Ends its input: it seals.
    fn seal(mut self) -> Run {
        drop(self.child.stdin.take());
        Run::from_output(&self.child.wait_with_output().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fenced_sealers_on_one_log_end_with_a_fork_that_is_found() {
    let world = World::sealed("raced", Compliance).await;
    let one = Waiting::start(&world, "spool-one", "\"one\"");
    let two = Waiting::start(&world, "spool-two", "\"two\"");
    let runs = thread::scope(|scope| {
        let runs = [one, two].map(|sealer| scope.spawn(|| sealer.seal()));
        runs.map(|run| run.join().unwrap())
    });
    // Both wrote: the store let them. Who listed last has seen the other; both may have.
    assert_eq!(world.versions(3).await.len(), 2);
    let expected = format!("error: {} has 2 versions or more\n", key(3));
    let stopped = runs.iter().filter(|run| run.status == 1);
    for run in stopped.clone() {
        assert!(run.stderr.contains(&expected), "{run}");
        assert!(run.stdout.contains("kept 1 event in the spool"), "{run}");
    }
    assert!(stopped.count() >= 1, "{runs:?}");
    world.found(&["second-version"]);
    world.sealer_stops(&format!(
        "{expected}hint: nothing was written; check the log with auditlog-verify\n"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_sealer_that_comes_second_stops_and_its_events_stay() {
    let world = World::sealed("late", Compliance).await;
    let one = Waiting::start(&world, "spool-one", "\"one\"");
    let two = Waiting::start(&world, "spool-two", "\"two\"");
    one.seal().ok();
    world.found(&[]);
    let late = two.seal();
    assert_eq!(late.status, 1, "{late}");
    assert!(
        late.stderr
            .contains(&format!("error: {} has 2 versions or more\n", key(3))),
        "{late}"
    );
    assert!(late.stdout.contains("kept 1 event in the spool"), "{late}");
    world.found(&["second-version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_put_whose_answer_is_lost_is_found_and_not_repeated() {
    let world = World::sealed("lost", Compliance).await;
    let way = Proxy::to(node().endpoint());
    way.from_now_on("PUT", &key(3), Fault::LoseAnswer);
    let run = world.append().env("AWS_ENDPOINT_URL", way.url());
    let run = run.input("5\n").run().ok();
    assert!(
        run.stdout
            .starts_with("sealed 1 event in 1 segment (3) of "),
        "{run}"
    );
    assert_eq!(way.faults(), 1);
    assert_eq!(world.versions(3).await.len(), 1);
    world.append().input("6\n").run().ok();
    world.found(&[]);
}
