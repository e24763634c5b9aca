//! The real Terraform CLI in a fresh folder, with the provider as built and no network.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::command::{Command, Run};
use crate::project;

const INSTALL: &str =
    "terraform is missing: install it from https://developer.hashicorp.com/terraform/install";

/// A working folder of Terraform; dropped, it is removed, with its state.
///
/// Each call is one run of the CLI and returns how it ended; judging that is the test's, or [`Run::ok`]'s. Plans and
/// applies never ask and never colour.
#[derive(Debug)]
pub struct Terraform {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Terraform {
    /// A folder with these variables for the CLI and the provider, and this text as its `main.tf`.
    ///
    /// The text need not say where the provider comes from; `versions.tf` does.
    pub fn with_config(env: &[(String, String)], main_tf: &str) -> Self {
        let terraform = Self::in_empty_folder(env);
        terraform.write("versions.tf", "terraform {\n  required_providers {\n    auditlog = { source = \"auditlog/auditlog\" }\n  }\n}\n");
        terraform.write("main.tf", main_tf);
        terraform
    }

    /// A folder without any configuration.
    pub fn in_empty_folder(env: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("work")).expect("a folder to work in");
        let terraform = Self {
            folder,
            env: env.to_vec(),
        };
        terraform.install_from(mirror());
        terraform
    }

    /// Lets `init` install from this filesystem mirror, in place of the one that holds the provider as built.
    pub fn install_from(&self, mirror: &Path) {
        let mirror = mirror.display();
        let rc = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{mirror}\"\n  }}\n}}\ndisable_checkpoint = true\n"
        );
        fs::write(self.folder.path().join("terraform.rc"), rc).expect("the CLI configuration");
    }

    /// The working folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Writes a file of the working folder, over what was there.
    pub fn write(&self, name: impl AsRef<Path>, text: &str) {
        fs::write(self.path().join(name), text).expect("a file of the working folder");
    }

    /// Runs `terraform` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).run()
    }

    /// The command that [`Self::run`] runs, for a test that adds to it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.program("terraform")
            .install_with(INSTALL)
            .args(arguments)
    }

    /// Runs lines of shell as a person would: Terraform and the commands of the workspace are in `PATH`, nothing asks for
    /// approval, and the first line that fails ends it. All of them have one home, so the sealer finds its spool again.
    pub fn shell(&self, lines: &str) -> Run {
        let commands = project::binary("terraform-provider-auditlog").with_file_name("");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([commands].into_iter().chain(std::env::split_paths(&path)))
            .expect("folders");
        let shell = self.program("bash").args(["-euo", "pipefail", "-c", lines]);
        shell
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("TF_CLI_ARGS_apply", "-auto-approve")
            .env("TF_CLI_ARGS_destroy", "-auto-approve")
            .run()
    }

    fn program(&self, name: &str) -> Command {
        Command::new(name)
            .current_dir(self.path())
            .env(
                "TF_CLI_CONFIG_FILE",
                self.folder.path().join("terraform.rc"),
            )
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
    }

    /// `terraform init`; it installs the provider from the mirror and must succeed.
    #[track_caller]
    pub fn init(&self) -> Run {
        self.run(&["init", "-no-color"]).ok()
    }

    /// `terraform validate -json`: the diagnostics, each with the place in the configuration.
    pub fn validate(&self) -> Run {
        self.run(&["validate", "-no-color", "-json"])
    }

    /// `terraform plan`: status 0 means that nothing changes, 1 an error, 2 changes.
    pub fn plan(&self) -> Run {
        self.run(&["plan", "-no-color", "-detailed-exitcode"])
    }

    /// A plan as JSON (`terraform show -json` of a plan file), with `resource_changes` and the rest.
    #[track_caller]
    pub fn plan_json(&self) -> serde_json::Value {
        self.run(&["plan", "-no-color", "-out=planned"]).ok();
        self.run(&["show", "-json", "planned"]).ok().json()
    }

    /// `terraform apply` of whatever it plans.
    pub fn apply(&self) -> Run {
        self.run(&["apply", "-no-color", "-auto-approve"])
    }

    /// `terraform apply -json`: standard output is the stream of events, see [`Run::json_lines`].
    pub fn apply_json(&self) -> Run {
        self.run(&["apply", "-json", "-auto-approve"])
    }

    /// The state as JSON (`terraform show -json`).
    #[track_caller]
    pub fn state(&self) -> serde_json::Value {
        self.run(&["show", "-json"]).ok().json()
    }

    /// One output's value.
    #[track_caller]
    pub fn output(&self, name: &str) -> serde_json::Value {
        self.run(&["output", "-json", name]).ok().json()
    }

    /// `terraform import`.
    pub fn import(&self, address: &str, id: &str) -> Run {
        self.run(&["import", "-no-color", address, id])
    }

    /// `terraform destroy`.
    pub fn destroy(&self) -> Run {
        self.run(&["destroy", "-no-color", "-auto-approve"])
    }
}

/// A Terraform filesystem mirror that holds the provider as built, for this platform and nothing else.
///
/// Terraform installs from it without network. It is beside what is built.
pub fn mirror() -> &'static Path {
    static MIRROR: OnceLock<PathBuf> = OnceLock::new();
    MIRROR.get_or_init(|| {
        let binary = project::binary("terraform-provider-auditlog");
        let mirror = binary.with_file_name("mirror");
        let place = Command::new("bash")
            .arg(project::root().join("provider/place"))
            .arg("--only")
            .arg(binary)
            .arg(&mirror);
        place.run().ok();
        mirror
    })
}
