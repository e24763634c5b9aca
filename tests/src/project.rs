//! The project's own folders and what is built into them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate is in the root")
}

/// A command of the workspace, as built from the sources that the test was built from.
///
/// `cargo test` builds the test and not the commands of other crates, so the first call builds them, in the same
/// profile. That takes a moment where they are built already.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build_commands);
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "no command named {name} is built by this workspace"
    );
    path
}

fn build_commands() -> PathBuf {
    let test = env::current_exe().expect("the path of the test");
    let profile_folder = test
        .ancestors()
        .nth(2)
        .expect("tests are in <target>/<profile>/deps")
        .to_owned();
    let target = profile_folder
        .parent()
        .expect("the profile's folder is in the target folder");
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = process::Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--bins",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(target)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        built.status.success(),
        "cargo build --bins: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    profile_folder
}

/// The Python of the project's virtual environment, holding what `tests/requirements.txt` pins.
pub fn python() -> PathBuf {
    pinned("tests/requirements.txt", "venv")
}

/// The Python with the readers of the reading guide, as `tests/readers/requirements.txt` pins them.
pub fn readers() -> PathBuf {
    pinned("tests/readers/requirements.txt", "readers")
}

/// The Python with the engines that run the ranges of a plan, as `tests/engines/requirements.txt` pins them.
pub fn engines() -> PathBuf {
    pinned("tests/engines/requirements.txt", "engines")
}

/// The folder with the offline judge of policies, as `tests/iam/package-lock.json` pins it.
pub fn iam() -> PathBuf {
    let folder = root().join("target/iam");
    let wanted = fs::read(root().join("tests/iam/package-lock.json")).expect("the pins");
    assert!(
        fs::read(folder.join("installed.json")).ok() == Some(wanted),
        "tests/iam/package-lock.json is not installed: run `make iam`"
    );
    folder
}

/// The Python of the environment that a target of the Makefile installs, below `target/` by the same name.
fn pinned(pins: &str, target: &str) -> PathBuf {
    let venv = root().join("target").join(target);
    let wanted = fs::read(root().join(pins)).expect("the pins");
    // Make leaves this copy behind as its last step.
    let installed = fs::read(venv.join("requirements.txt")).ok();
    assert!(
        installed == Some(wanted),
        "{pins} is not installed: run `make {target}`"
    );
    venv.join("bin/python")
}
