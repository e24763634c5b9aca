//! A local S3 and KMS endpoint that is a process of its own, by one of two engines.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use crate::command::Command;
use crate::first_line::first_line;
use crate::project;

/// The region of every test.
pub const REGION: &str = "eu-central-1";

const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "test";

// It answers within a second; a machine under load takes longer, one that is broken never ends.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// What answers as S3 and KMS. Each has habits of its own, and neither is AWS: what holds for both is fitted to neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `MiniStack`, the closer of the two: what needs one endpoint and not a particular one starts this.
    Ministack,
    /// The server of moto.
    Moto,
}

impl Engine {
    /// Starts one and waits until it answers.
    pub fn start(self) -> Endpoint {
        Endpoint::start(self, Access::Open)
    }

    /// Starts one that knows its callers: the credentials of [`Endpoint::env`] may do
    /// everything, those of [`Endpoint::user`] what their policy says, and others nothing.
    pub fn start_guarded(self) -> Endpoint {
        Endpoint::start(self, Access::Guarded)
    }

    /// The account that its resources belong to.
    pub fn account(self) -> &'static str {
        match self {
            Self::Ministack => "000000000000",
            Self::Moto => "123456789012",
        }
    }

    /// What `tests/endpoint.py` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::Moto => "moto",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Access {
    Open,
    Guarded,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Guarded => "guarded",
        }
    }
}

/// A running endpoint (`tests/endpoint.py`); dropped, it ends, and its data with it.
#[derive(Debug)]
pub struct Endpoint {
    engine: Engine,
    url: String,
    child: Child,
    // Holds its log and its temporary files.
    folder: tempfile::TempDir,
}

impl Endpoint {
    fn start(engine: Engine, access: Access) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let (mut command, _home) = Command::new(project::python()).into_inner();
        let mut child = command
            .arg(project::root().join("tests/endpoint.py"))
            .args([engine.name(), access.name()])
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the Python of target/venv starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let line = first_line(stdout, START_TIMEOUT);
        // From here on, Drop ends the process, whatever happens.
        let started = Self {
            engine,
            url: line,
            child,
            folder,
        };
        assert!(
            started.url.starts_with("http://127.0.0.1:"),
            "{engine:?} did not start:\n{}",
            started.log()
        );
        started
    }

    /// What runs.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The endpoint's URL, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The variables that point a command at it: endpoint, region and the credentials of one who may do everything.
    pub fn env(&self) -> Vec<(String, String)> {
        self.env_with(ACCESS_KEY, SECRET_KEY)
    }

    /// The same with other credentials.
    pub fn env_with(&self, access_key: &str, secret_key: &str) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", access_key),
            ("AWS_SECRET_ACCESS_KEY", secret_key),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// Makes an IAM user with this policy; the access key and the secret key.
    pub fn user(&self, policy: &serde_json::Value) -> (String, String) {
        self.make_user(None, policy)
    }

    /// The same with a name, for policies that name it.
    pub fn user_named(&self, name: &str, policy: &serde_json::Value) -> (String, String) {
        self.make_user(Some(name), policy)
    }

    fn make_user(&self, name: Option<&str>, policy: &serde_json::Value) -> (String, String) {
        let run = Command::new(project::python())
            .arg(project::root().join("tests/user.py"))
            .args(name)
            .envs(self.env())
            .input(policy.to_string())
            .run()
            .ok();
        let keys = run.stdout.trim_end().split_once(' ');
        let (access_key, secret_key) = keys.expect("two keys");
        (access_key.to_owned(), secret_key.to_owned())
    }

    /// An S3 client of it.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.s3_with(credentials())
    }

    /// The same for a user of it.
    pub fn s3_of(&self, (access_key, secret_key): &(String, String)) -> aws_sdk_s3::Client {
        self.s3_with(static_credentials(access_key, secret_key))
    }

    fn s3_with(&self, credentials: Credentials) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(REGION))
            .credentials_provider(credentials)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A KMS client of it.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        self.kms_with(credentials())
    }

    /// The same for a user of it.
    pub fn kms_of(&self, (access_key, secret_key): &(String, String)) -> aws_sdk_kms::Client {
        self.kms_with(static_credentials(access_key, secret_key))
    }

    fn kms_with(&self, credentials: Credentials) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(REGION))
            .credentials_provider(credentials)
            .build();
        aws_sdk_kms::Client::from_conf(config)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn credentials() -> Credentials {
    static_credentials(ACCESS_KEY, SECRET_KEY)
}

fn static_credentials(access_key: &str, secret_key: &str) -> Credentials {
    Credentials::new(access_key, secret_key, None, None, "the tests")
}
