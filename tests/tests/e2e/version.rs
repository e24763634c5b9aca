//! Each commit has a version of its own, which the commands show and under which Terraform finds the provider.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_tests::{Command, Terraform, binary, command, root};

/// A folder with the script and a source, as a checkout has them.
struct Sources {
    folder: tempfile::TempDir,
}

impl Sources {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sources = Self { folder };
        sources.git(&["init", "--quiet"]);
        for file in ["version", "Cargo.toml", ".gitattributes"] {
            fs::copy(root().join(file), sources.path(file)).expect("a copy");
        }
        sources
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) {
        self.git_at("2026-01-01T00:00:00Z", arguments);
    }

    fn git_at(&self, time: &str, arguments: &[&str]) {
        let git = Command::new("git").args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        let git = git.args(arguments).env("GIT_COMMITTER_DATE", time);
        git.current_dir(self.folder.path()).run().ok();
    }

    fn commit(&self, time: &str) {
        self.git(&["add", "--all"]);
        self.git_at(time, &["commit", "--quiet", "--allow-empty", "--message=a"]);
    }
}

fn version(folder: &Path) -> String {
    let run = Command::new(folder.join("version")).run().ok();
    run.stdout.trim_end().to_owned()
}

/// What Terraform compares: the last number.
fn number(version: &str) -> u64 {
    let last = version.rsplit('.').next().expect("a number");
    last.parse().expect("a number")
}

#[test]
fn version_grows_with_each_commit_and_each_change() {
    let sources = Sources::new();
    sources.commit("2026-11-25T23:28:03+01:00");
    assert_eq!(version(sources.folder.path()), "0.1.20261125222803");
    sources.commit("2026-11-25T22:28:04Z");
    assert_eq!(version(sources.folder.path()), "0.1.20261125222804");

    let source = sources.path("a.rs");
    fs::write(&source, "").expect("a source");
    let touch = |time: &str| {
        let touch = Command::new("touch").args(["--date", time]).arg(&source);
        touch.run().ok();
    };
    touch("2026-11-26T01:02:03Z");
    assert_eq!(version(sources.folder.path()), "0.1.20261126010203");
    // What is not a source changes nothing.
    fs::write(sources.path("events.jsonl"), "1\n").expect("events");
    assert_eq!(version(sources.folder.path()), "0.1.20261126010203");
    sources.commit("2026-11-26T02:00:00Z");
    touch("2026-11-26T03:00:00Z");
    assert_eq!(version(sources.folder.path()), "0.1.20261126020000");
}

#[test]
fn shallow_clone_and_archive_have_the_version_of_their_commit() {
    let sources = Sources::new();
    sources.commit("2026-11-25T22:28:03Z");
    sources.commit("2026-11-25T22:28:04Z");
    let expected = "0.1.20261125222804";
    let url = format!("file://{}", sources.folder.path().display());
    sources.git(&["clone", "--quiet", "--depth=1", &url, "shallow"]);
    assert_eq!(version(&sources.path("shallow")), expected);
    sources.git(&["archive", "--prefix=archive/", "--output=a.tar", "HEAD"]);
    let unpack = Command::new("tar").args(["--extract", "--file=a.tar"]);
    unpack.current_dir(sources.folder.path()).run().ok();
    assert_eq!(version(&sources.path("archive")), expected);

    // Inside a repository that is not theirs, and packed without git: the newest source counts.
    let copy = sources.path("copy");
    fs::create_dir(&copy).expect("a folder");
    for file in ["version", "Cargo.toml"] {
        fs::copy(root().join(file), copy.join(file)).expect("a copy");
    }
    let touch = Command::new("touch").args(["--date", "2026-11-27T00:00:00Z"]);
    touch.arg(copy.join("Cargo.toml")).run().ok();
    assert_eq!(version(&copy), "0.1.20261127000000");
}

#[test]
fn every_command_shows_the_version_of_the_build() {
    // `make` sets it for the build, and so for the tests.
    let expected = std::env::var("AUDITLOG_VERSION").unwrap_or_else(|_| "0.1.0".to_owned());
    for name in [
        "auditlog-seal",
        "auditlog-verify",
        "terraform-provider-auditlog",
    ] {
        let run = command(name).arg("--version").run().ok();
        assert_eq!(run.stdout, format!("{name} {expected}\n"));
    }
    let makefile = fs::read_to_string(root().join("Makefile")).expect("Makefile");
    assert!(makefile.contains("\nexport AUDITLOG_VERSION := $(shell ./version)\n"));
    assert!(number(&version(root())) > 20_260_000_000_000);
}

/// Puts a provider into a mirror, as `make install` does.
fn place(binary: &Path, mirror: &Path) {
    let place = Command::new(root().join("provider/place"));
    place.arg(binary).arg(mirror).run().ok();
}

/// The versions in a mirror.
fn placed(mirror: &Path) -> Vec<String> {
    let folder = mirror.join("registry.terraform.io/auditlog/auditlog");
    let entries = fs::read_dir(folder).expect("versions");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("a version").file_name();
    let mut versions: Vec<String> = entries
        .map(name)
        .map(|name| name.display().to_string())
        .collect();
    versions.sort_by_key(|version| number(version));
    versions
}

#[test]
fn rebuilt_provider_leaves_the_lock_files_of_projects_valid() {
    let built = binary("terraform-provider-auditlog");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mirror = folder.path().join("mirror");
    place(&built, &mirror);
    let [first] = &placed(&mirror)[..] else {
        panic!("one version: {:?}", placed(&mirror));
    };

    let terraform = Terraform::with_config(
        &[],
        "resource \"auditlog_signing_key\" \"x\" {\n  alias = \"alias/x\"\n}\n",
    );
    terraform.install_from(&mirror);
    terraform.init();
    terraform.validate().ok();

    // The same sources, built in another way.
    let rebuilt = folder.path().join("rebuilt");
    // A program that this process has written may be busy: another test may start a process meanwhile, which has the open file for a moment.
    let append = r#"cp "$0" "$1" && printf '\0' >> "$1""#;
    let copy = Command::new("sh").arg("-c").arg(append);
    copy.arg(&built).arg(&rebuilt).run().ok();
    place(&rebuilt, &mirror);
    place(&rebuilt, &mirror);
    let versions = placed(&mirror);
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_eq!(versions[0], *first);

    fs::remove_dir_all(terraform.path().join(".terraform")).expect("what init installed");
    let again = terraform.init();
    assert!(again.stdout.contains(&format!("v{first}")), "{again}");
    terraform.validate().ok();
    let upgraded = terraform.run(&["init", "-upgrade", "-no-color"]).ok();
    assert!(
        upgraded.stdout.contains(&format!("v{}", versions[1])),
        "{upgraded}"
    );
    terraform.validate().ok();
}
