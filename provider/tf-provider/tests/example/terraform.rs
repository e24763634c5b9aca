//! The real Terraform in a folder of its own.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::built::example;

/// What each configuration begins with.
const HEAD: &str = r#"
terraform {
  required_providers {
    fs = { source = "example/fs" }
  }
}
provider "fs" { root = "data" }
"#;

/// A mirror from which Terraform installs the example, so that it never asks a registry. One for all tests.
fn mirror() -> &'static Path {
    static MIRROR: OnceLock<PathBuf> = OnceLock::new();
    MIRROR.get_or_init(|| {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let arch = match arch {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let platform = format!("{}_{arch}", os.replace("macos", "darwin"));
        let mirror = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mirror");
        let package = mirror
            .join("registry.terraform.io/example/fs/0.1.0")
            .join(platform);
        fs::create_dir_all(&package).unwrap();
        let binary = package.join("terraform-provider-fs_v0.1.0");
        drop(fs::remove_file(&binary));
        fs::hard_link(example(), &binary).unwrap();
        mirror
    })
}

/// A working folder for the real Terraform.
pub(crate) struct Terraform {
    folder: tempfile::TempDir,
}

impl Terraform {
    /// A folder that is initialised for this configuration, to which the provider and its block are added.
    pub(crate) fn new(configuration: &str) -> Self {
        let terraform = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let rc = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror().display()
        );
        terraform.write("cli.tfrc", &rc);
        terraform.write("head.tf", HEAD);
        terraform.configure(configuration);
        fs::create_dir(terraform.path("data")).unwrap();
        terraform.succeeds(&["init"]);
        terraform
    }

    /// Puts another configuration in place of the one that was.
    pub(crate) fn configure(&self, configuration: &str) {
        self.write("main.tf", configuration);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path below the provider's root.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .arg("-no-color")
            .current_dir(self.folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env_remove("TF_LOG")
            .env_remove("TF_LOG_PROVIDER")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect(
            "terraform on PATH: install it from https://developer.hashicorp.com/terraform/install",
        )
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// What it says on stderr, without the frame and the line breaks that Terraform puts in.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        unframed(&output.stderr)
    }

    pub(crate) fn apply(&self) -> String {
        self.succeeds(&["apply", "-auto-approve"])
    }

    /// A plan finds nothing to do.
    pub(crate) fn is_settled(&self) {
        self.succeeds(&["plan", "-detailed-exitcode"]);
    }

    /// Starts it as a shell does: in a process group of its own, which Ctrl-C reaches as a whole.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let child = self
            .command(arguments)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running { child: Some(child) }
    }

    pub(crate) fn state(&self) -> Json {
        serde_json::from_slice(&fs::read(self.path("terraform.tfstate")).unwrap()).unwrap()
    }

    /// The first instance of a resource as the state file has it: `attributes`, `schema_version`, `status`, `private`.
    pub(crate) fn instance(&self, address: &str) -> Option<Json> {
        let (kind, name) = address.split_once('.').unwrap();
        let state = self.state();
        let resources = state["resources"].as_array().unwrap();
        let found = resources
            .iter()
            .find(|resource| resource["type"] == kind && resource["name"] == name)?;
        Some(found["instances"][0].clone())
    }

    /// Changes the first instance of a resource in the state file, as another version of the provider might have left it.
    pub(crate) fn edit_instance(&self, address: &str, edit: impl FnOnce(&mut Json)) {
        let (kind, name) = address.split_once('.').unwrap();
        let mut state = self.state();
        let serial = state["serial"].as_u64().unwrap();
        state["serial"] = (serial + 1).into();
        let resources = state["resources"].as_array_mut().unwrap().iter_mut();
        let found =
            resources.filter(|resource| resource["type"] == kind && resource["name"] == name);
        edit(&mut found.last().unwrap()["instances"][0]);
        self.write("terraform.tfstate", &state.to_string());
    }
}

/// Terraform at work, with its providers in its process group.
pub(crate) struct Running {
    child: Option<Child>,
}

impl Running {
    fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal to Terraform and its providers.
    pub(crate) fn signal_all(&self, signal: &str) {
        kill(signal, &format!("-{}", self.id()));
    }

    /// Sends a signal to Terraform alone.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, &self.id().to_string());
    }

    pub(crate) fn wait(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.signal_all("-KILL");
            drop(self.child.take().unwrap().wait());
        }
    }
}

pub(crate) fn kill(signal: &str, target: &str) {
    let status = Command::new("kill")
        .args([signal, "--", target])
        .status()
        .unwrap();
    assert!(status.success(), "kill {signal} {target}");
}

/// Terraform's words in one line: without the bar at the left and the breaks at 78 columns.
pub(crate) fn unframed(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches(['│', '╷', '╵']).trim());
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
