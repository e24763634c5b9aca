//! Disks that are full or read-only: a command runs in a mount namespace of its own, where such a disk is mounted over
//! a folder.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

use crate::command::Command;

/// A disk in the place of a folder that is there.
#[derive(Clone, Debug)]
pub enum Disk {
    /// A disk with room for so many KiB and no more, which begins with what the folder holds. When the command has ended, the
    /// folder holds what the disk held.
    Small {
        /// The folder.
        folder: PathBuf,
        /// How much room it has.
        kib: usize,
    },
    /// The folder, on a disk that cannot be written.
    ReadOnly {
        /// The folder.
        folder: PathBuf,
    },
}

impl Disk {
    /// A small disk.
    pub fn small(folder: impl Into<PathBuf>, kib: usize) -> Self {
        let folder = folder.into();
        Self::Small { folder, kib }
    }

    /// A disk that cannot be written.
    pub fn read_only(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self::ReadOnly { folder }
    }

    fn arguments(&self) -> [String; 3] {
        let text = |folder: &Path| folder.to_str().expect("a path in UTF-8").to_owned();
        match self {
            Self::Small { folder, kib } => ["small".to_owned(), text(folder), format!("{kib}k")],
            Self::ReadOnly { folder } => ["read-only".to_owned(), text(folder), String::new()],
        }
    }
}

/// Mounts each disk, runs the command, and brings back what small disks hold. The last one in is the first one out, so a disk
/// may be in another.
const SCRIPT: &str = r#"
set -eu
back=$(mktemp -d)
run() {
    if [ "$1" = -- ]; then
        shift
        "$@"
        return
    fi
    local kind=$1 folder=$2 size=$3 status=0 place
    shift 3
    place=$(mktemp -d -p "$back")
    mount --bind "$folder" "$place" || exit 125
    case $kind in
        small)
            mount -t tmpfs -o "size=$size,mode=0755" small "$folder" || exit 125
            cp -a "$place/." "$folder/" || exit 125
            ;;
        read-only)
            mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit 125
            ;;
    esac
    run "$@" || status=$?
    if [ "$kind" = small ]; then
        find "$place" -mindepth 1 -delete
        cp -a "$folder/." "$place/"
    fi
    umount "$folder"
    umount "$place"
    rmdir "$place"
    return "$status"
}
run "$@"
"#;

/// A command of the workspace that runs with these disks. Its arguments are added as to any other.
///
/// # Panics
///
/// Where this machine lets nobody mount anything, even in a namespace of its own.
pub fn on_disks(disks: &[Disk], program: impl AsRef<Path>) -> Command {
    Command::new("unshare")
        .arg(unshare())
        .args(["bash", "-c", SCRIPT, "bash"])
        .args(disks.iter().flat_map(Disk::arguments))
        .arg("--")
        .arg(program.as_ref())
}

/// A command that runs after lines of shell which may mount what they like: only they and the command see it, and it is gone
/// with them. What the command has as environment is not taken over.
///
/// # Panics
///
/// Where this machine lets nobody mount anything, even in a namespace of its own.
pub fn after_mounting(lines: &str, command: Command) -> Command {
    let (inner, _home) = command.into_inner();
    Command::new("unshare")
        .arg(unshare())
        .args(["sh", "-c", &format!("set -e\n{lines}"), "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
}

/// How a mount namespace is had here: as root, or as root of a user namespace.
fn unshare() -> &'static str {
    static WAY: OnceLock<&str> = OnceLock::new();
    WAY.get_or_init(|| {
        let works = |way: &&str| {
            let tried = process::Command::new("unshare")
                .args([way, "sh", "-c", "mount -t tmpfs none /tmp"])
                .output();
            tried.is_ok_and(|tried| tried.status.success())
        };
        ["-m", "-Urm"].into_iter().find(works).expect(
            "a full disk cannot be made here: neither `unshare -m` (as root) nor `unshare -Urm` can mount a tmpfs; \
             install util-linux, and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1) or run as root",
        )
    })
}
