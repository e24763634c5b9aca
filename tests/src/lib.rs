//! What the end-to-end tests use: the built commands, the real Terraform CLI, and a real S3 and KMS endpoint.
//!
//! A test starts what it needs and owns it:
//!
//! ```no_run
//! use auditlog_tests::{Engine, Terraform, command};
//!
//! let endpoint = Engine::Ministack.start();
//! let terraform = Terraform::with_config(&endpoint.env(), r#"resource "auditlog_bucket" "audit" { /* … */ }"#);
//! terraform.init();
//! terraform.apply().ok();
//! let policy = terraform.output("trust_policy");
//! let run = command("auditlog-verify").envs(endpoint.env()).args(["--policy", "policy.json", "s3://audit"]).run();
//! assert_eq!(run.status, 0, "{run}");
//! ```
//!
//! Everything listens on 127.0.0.1 on a port of its own and ends with the value that started it, also when a test
//! panics or the test runner is killed. Commands see no variable of the caller's, no home folder and no network. A tool
//! that is missing fails the test with the command that installs it; nothing is skipped.
#![expect(
    clippy::missing_panics_doc,
    reason = "a helper that cannot do its work fails the test, and says why"
)]

mod ceph;
mod command;
mod disk;
mod endpoint;
mod first_line;
mod project;
mod proxy;
mod spool;
mod terraform;

pub use ceph::Ceph;
pub use command::{Command, Run, command};
pub use disk::{Disk, after_mounting, on_disks};
pub use endpoint::{Endpoint, Engine, REGION};
pub use project::{binary, engines, iam, python, readers, root};
pub use proxy::{Answer, Fault, Form, Proxy, Reply};
pub use spool::{accepted, written_ahead};
pub use terraform::{Terraform, mirror};
