//! A local S3 and KMS endpoint that is a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use crate::command::Command;
use crate::project;

/// The region of every test.
pub const REGION: &str = "eu-central-1";

const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "test";

// It answers within a second; a machine under load takes longer, one that is broken never ends.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running endpoint (`tests/endpoint.py`); dropped, it ends, and its data with it.
#[derive(Debug)]
pub struct Ministack {
    endpoint: String,
    child: Child,
    // Holds its log and its temporary files.
    folder: tempfile::TempDir,
}

impl Ministack {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let (mut command, _home) = Command::new(project::python()).into_inner();
        let mut child = command
            .arg(project::root().join("tests/endpoint.py"))
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the Python of target/venv starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            _ = BufReader::new(stdout).read_line(&mut line);
            _ = send.send(line);
        });
        let line = receive.recv_timeout(START_TIMEOUT).unwrap_or_default();
        // From here on, Drop ends the process, whatever happens.
        let started = Self {
            endpoint: line.trim_end().to_owned(),
            child,
            folder,
        };
        assert!(
            started.endpoint.starts_with("http://127.0.0.1:"),
            "MiniStack did not start:\n{}",
            started.log()
        );
        started
    }

    /// The endpoint's URL, such as `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The variables that point a command at it: endpoint, region and test credentials.
    pub fn env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// An S3 client of it.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A KMS client of it.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .build();
        aws_sdk_kms::Client::from_conf(config)
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "the tests")
}
