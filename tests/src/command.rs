//! Runs one command to its end, cut off from whoever runs the tests.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::{self, Stdio};
use std::thread;

use crate::project;

/// A command about to run: no variable of the caller's, no input, nothing of the network but 127.0.0.1.
#[derive(Debug)]
pub struct Command {
    inner: process::Command,
    input: Vec<u8>,
    install: &'static str,
    // A home folder that is empty and goes away with the command.
    home: tempfile::TempDir,
}

/// A command of the workspace by its name, such as `auditlog-seal`.
pub fn command(name: &str) -> Command {
    Command::new(project::binary(name))
}

impl Command {
    /// A program by its path, or by its name as found in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut inner = process::Command::new(program);
        inner.env_clear();
        for kept in ["PATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                inner.env(kept, value);
            }
        }
        inner.env("HOME", home.path());
        inner.env("TMPDIR", home.path());
        inner.env("AWS_EC2_METADATA_DISABLED", "true");
        // Whoever asks for the world is sent to a port where nobody answers, and fails at once.
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            inner.env(proxy, "http://127.0.0.1:9");
        }
        inner
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("no_proxy", "127.0.0.1,localhost");
        Self {
            inner,
            input: Vec::new(),
            install: "",
            home,
        }
    }

    /// What the test says where the program is missing.
    #[must_use]
    pub fn install_with(mut self, hint: &'static str) -> Self {
        self.install = hint;
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.inner.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.inner.args(arguments);
        self
    }

    /// Sets one variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Sets variables, such as those of [`crate::Endpoint::env`].
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.inner.envs(variables);
        self
    }

    /// Sets the folder that it runs in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.inner.current_dir(folder);
        self
    }

    /// Gives it bytes on standard input; without this, its input is empty.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// Where the program cannot be started. How it ends is for the caller to judge.
    pub fn run(mut self) -> Run {
        let (program, hint) = (self.inner.get_program().to_owned(), self.install);
        let program = program.display();
        let mut child = self
            .inner
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error} {hint}"));
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let input = self.input;
        // A command may end without reading all of its input; that is for it to say.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("its output");
        writer.join().expect("the writer of its input");
        drop(self.home);
        Run::from_output(&output)
    }

    /// The command as the standard library's, for a test that talks to it while it runs; and the home folder to keep
    /// until it has ended.
    pub fn into_inner(self) -> (process::Command, tempfile::TempDir) {
        (self.inner, self.home)
    }
}

/// How a command ended and all that it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its exit status; -1 where a signal ended it.
    pub status: i32,
    /// Standard output; what is not UTF-8 is replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Run {
    /// Reads how a process of the standard library ended.
    pub fn from_output(output: &process::Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The run again, if its status is 0; otherwise the test fails with all that the command wrote.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "often called for the check alone"
    )]
    pub fn ok(self) -> Self {
        assert!(self.status == 0, "{self}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON value ({error}): {self}"))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
        };
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "status {}\n--- stdout\n{}\n--- stderr\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}
