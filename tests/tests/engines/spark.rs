//! Spark on this machine: a cluster in one process, and a master with two workers on loopback.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Command, Run, binary, engines, root};

use crate::planned::Planned;

const RANGES: u64 = 24;

/// A session starts within half a minute; a machine under load takes longer, one that is broken never ends.
const TIMEOUT: Duration = Duration::from_mins(5);

const JAVA: &str = "Java is missing: sudo apt-get install default-jre-headless";

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Spark as installed, with folders of its own for what it writes.
struct Spark {
    home: tempfile::TempDir,
}

impl Spark {
    fn new() -> Self {
        Command::new("java")
            .arg("-version")
            .install_with(JAVA)
            .run()
            .ok();
        let print = "import pyspark; print(pyspark.__path__[0])";
        let installed = Command::new(engines()).args(["-c", print]).run().ok();
        let home = tempfile::tempdir().expect("a folder");
        for name in ["bin", "jars"] {
            let installed = Path::new(installed.stdout.trim()).join(name);
            symlink(installed, home.path().join(name)).expect("a link");
        }
        Self { home }
    }

    fn command(&self, program: &str, address: &str) -> Command {
        Command::new(self.home.path().join("bin").join(program))
            .env("SPARK_HOME", self.home.path())
            .env("SPARK_LOCAL_DIRS", self.home.path().join("local"))
            .env("SPARK_LOCAL_IP", address)
            .env("PYSPARK_PYTHON", engines())
    }

    /// Submits the job that looks at every range.
    fn submit(&self, planned: &Planned, master: &str, verifier: &Path) -> Command {
        let submit = self.command("spark-submit", "127.0.0.1");
        let submit = submit.args(["--master", master, "--driver-memory", "512m"]);
        let submit = submit.args([
            "--conf",
            "spark.executor.memory=512m",
            "--conf",
            "spark.ui.enabled=false",
        ]);
        // Tasks that take longer than others are run a second time elsewhere.
        let submit = submit.args([
            "--conf",
            "spark.speculation=true",
            "--conf",
            "spark.speculation.quantile=0.5",
        ]);
        let submit = submit.arg(root().join("verifier/engines/spark/parts.py"));
        let submit = submit.arg("--plan").arg(planned.path("plan"));
        let submit = submit.arg("--out").arg(planned.path("parts"));
        submit.arg("--verifier").arg(verifier)
    }

    /// A process of a standalone cluster, with the file that it logs to.
    fn daemon(&self, name: &str, class: &str, address: &str, more: &[&str]) -> Daemon {
        let log = self.home.path().join(name);
        let command = self
            .command("spark-class", address)
            .env("NAME", name)
            .arg(class);
        let command = command.args(["--host", address, "--port", "0", "--webui-port", "0"]);
        let (mut command, home) = command.args(more).into_inner();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("Spark starts");
        Daemon {
            child,
            log,
            _home: home,
        }
    }

    fn master(&self) -> (Daemon, String) {
        let class = "org.apache.spark.deploy.master.Master";
        let master = self.daemon("master", class, "127.0.0.1", &[]);
        let url = || {
            let log = master.log();
            let (_, url) = log.split_once("Starting Spark master at ")?;
            Some(url.lines().next()?.trim().to_owned())
        };
        until("the master starts", || url().is_some());
        let url = url().unwrap_or_default();
        (master, url)
    }

    fn worker(&self, name: &str, address: &str, master: &str) -> Daemon {
        let (class, work) = (
            "org.apache.spark.deploy.worker.Worker",
            self.home.path().join("work"),
        );
        let more = [
            "--cores",
            "1",
            "--memory",
            "512m",
            "--work-dir",
            &work.to_string_lossy(),
            master,
        ];
        let worker = self.daemon(name, class, address, &more);
        until("a worker registers", || {
            worker.log().contains("Successfully registered")
        });
        worker
    }
}

/// Ends with the test.
struct Daemon {
    child: Child,
    log: PathBuf,
    _home: tempfile::TempDir,
}

impl Daemon {
    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process that runs the tasks of a worker.
    fn executors(&self) -> Vec<String> {
        let pid = self.child.id().to_string();
        let run = Command::new("pgrep").args(["--parent", &pid]).run();
        run.stdout.lines().map(str::to_owned).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        _ = Command::new("kill").arg(self.child.id().to_string()).run();
        _ = self.child.wait();
    }
}

fn looked_at(run: &Run) {
    assert_eq!(run.status, 0, "{run}");
    assert!(run.stdout.contains(&format!("{RANGES} ranges: ")), "{run}");
}

#[test]
fn a_cluster_finds_in_1000_segments_what_one_machine_does_and_no_partial_result_can_be_left_out_or_changed()
 {
    let (spark, planned) = (Spark::new(), Planned::bad());
    planned.plan("plan", RANGES);
    let verifier = binary("auditlog-verify");
    looked_at(
        &spark
            .submit(&planned, "local-cluster[2,1,512]", &verifier)
            .run(),
    );
    planned.assert_merges_to_the_report_of_one_machine("parts", 1);

    planned.plan("later", RANGES);
    planned.assert_refused("later", "parts", "is of another plan");
    let path = planned.path("parts/part-000005.json");
    let part = fs::read_to_string(&path).expect("a part");
    fs::write(
        planned.path("parts/again.json"),
        part.replacen("\"entries\":", "\"entries\":1", 1),
    )
    .expect("a file");
    planned.assert_refused(
        "plan",
        "parts",
        "are partial results of one range, and differ",
    );
    fs::remove_file(planned.path("parts/again.json")).expect("it is there");
    fs::remove_file(&path).expect("it is there");
    planned.assert_refused("plan", "parts", "range 5 has no partial result");

    // Only that range is looked at again. It fails as often as it is tried, and says why.
    let broken = planned.path("plan/range-000005.json");
    let list = fs::read_to_string(&broken).expect("a list");
    fs::write(&broken, format!("{list} ")).expect("a file");
    let run = spark.submit(&planned, "local[1]", &verifier).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stderr
            .contains("range 5: auditlog-verify part ended with 2"),
        "{run}"
    );
    fs::write(&broken, list).expect("a file");
    let run = spark.submit(&planned, "local[1]", &verifier).run().ok();
    assert!(run.stdout.contains("1 ranges: "), "{run}");
    assert_eq!(fs::read_to_string(&path).expect("a part"), part);
}

/// A command that runs the verifier, and writes down what each worker began. The first to begin range 0 waits for as long as `hung` is there.
fn observed(planned: &Planned) -> PathBuf {
    let mut script = String::from("#!/bin/sh\n");
    let (starts, hung) = (planned.path("starts"), planned.path("hung"));
    let (starts, hung, real) = (starts.display(), hung.display(), binary("auditlog-verify"));
    _ = writeln!(script, "[ \"$1 $4\" = 'part --range' ] || exit 3");
    _ = writeln!(script, "echo \"$5 $NAME\" >> {starts}");
    _ = writeln!(
        script,
        "if [ \"$5\" = 0 ] && mkdir {hung} 2>/dev/null; then"
    );
    _ = writeln!(
        script,
        "  while [ -d {hung} ]; do sleep 0.1; done; exit 2\nfi"
    );
    _ = writeln!(script, "exec {} \"$@\"", real.display());
    let path = planned.path("observed");
    fs::write(&path, script).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a script");
    path
}

#[test]
fn a_killed_executor_and_a_task_that_hangs_change_nothing() {
    let (spark, planned) = (Spark::new(), Planned::good());
    planned.plan("plan", RANGES);
    let (_master, url) = spark.master();
    // A task is run a second time only on another host.
    let workers = [("one", "127.0.0.1"), ("two", "127.0.0.2")];
    let workers = workers.map(|(name, address)| (name, spark.worker(name, address, &url)));
    let submit = spark.submit(&planned, &url, &observed(&planned));
    let job = thread::spawn(move || submit.run());

    let starts = || fs::read_to_string(planned.path("starts")).unwrap_or_default();
    let begun = |range: Option<&str>, name: &str| {
        let is =
            |line: &&str| line.ends_with(name) && range.is_none_or(|range| line.starts_with(range));
        starts().lines().filter(is).count()
    };
    let hangs = |name: &str| begun(Some("0 "), name) > 0;
    until("both workers run tasks", || {
        job.is_finished()
            || workers.iter().any(|(name, _)| hangs(name))
                && workers.iter().all(|(name, _)| begun(None, name) > 0)
    });
    let busy = workers.iter().find(|(name, _)| !hangs(name));
    let (name, worker) = busy.expect("a worker that does not hang");
    let before = begun(None, name);
    for executor in worker.executors() {
        Command::new("kill").args(["-9", &executor]).run().ok();
    }
    until("the job ends", || job.is_finished());
    let run = job.join().expect("a run");
    looked_at(&run);
    // The other worker hung, so another executor ran the rest, and range 0 for the second time.
    assert!(
        begun(None, name) > before && hangs(name),
        "{}\n{run}",
        starts()
    );
    fs::remove_dir(planned.path("hung")).expect("it is there");
    planned.assert_merges_to_the_report_of_one_machine("parts", 0);
}
