//! A storage engine whose Object Lock is real: one node of Ceph with its S3 gateway.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use crate::command::Command;
use crate::first_line::first_line;
use crate::{REGION, project};

// It answers within twenty seconds; a machine under load takes longer, one that is broken never ends.
const START_TIMEOUT: Duration = Duration::from_mins(3);

/// A running node (`tests/ceph/rgw`): it ends when this value is dropped or this process
/// ends, however it ends, and takes its processes and files along.
#[derive(Debug)]
pub struct Ceph {
    endpoint: String,
    child: Child,
}

impl Ceph {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        let (mut command, _home) =
            Command::new(project::root().join("tests/ceph/rgw")).into_inner();
        let mut child = command
            // It makes a folder of its own there, and removes it.
            .env("TMPDIR", std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tests/ceph/rgw starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let line = first_line(stdout, START_TIMEOUT);
        // From here on, Drop ends the node, whatever happens.
        let mut started = Self {
            endpoint: line,
            child,
        };
        assert!(
            started.endpoint.starts_with("http://127.0.0.1:"),
            "{}",
            started.complaint()
        );
        started
    }

    fn complaint(&mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            _ = stderr.read_to_string(&mut said);
        }
        said
    }

    /// The endpoint's URL, such as `http://127.0.0.1:20123`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The variables that point a command at it as one of its users, `owner` or `other`.
    pub fn env(&self, user: &str) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", format!("{user}-access")),
            ("AWS_SECRET_ACCESS_KEY", format!("{user}-secret")),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// An S3 client of one of its users.
    pub fn s3(&self, user: &str) -> aws_sdk_s3::Client {
        let (access, secret) = (format!("{user}-access"), format!("{user}-secret"));
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(access, secret, None, None, "the tests"))
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }
}

impl Drop for Ceph {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}
