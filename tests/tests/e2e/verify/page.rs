//! The page of an evidence pack: it works as written, and it accepts only what a key signed.

use std::fs;
use std::path::Path;

use auditlog_tests::{Command, Run, python};

use crate::verify::proofs::{Case, change_first_byte_of};

/// Does what the page of an unpacked pack says.
pub(super) fn by_hand(folder: &Path) -> Run {
    let page = fs::read_to_string(folder.join("README.md")).expect("the page");
    let newer = tempfile::tempdir().expect("a folder");
    let path = std::env::var("PATH").expect("a PATH");
    Command::new("bash")
        .args(["-eu", "-c", &script_of(&page)])
        .env("PATH", format!("{}:{path}", newer_openssl(newer.path())))
        .current_dir(folder)
        .run()
}

/// Does for keys of ML-DSA what openssl 3.5 does, with somebody else's code, and leaves all else to the openssl of this machine, which may be older.
const NEWER_OPENSSL: &str = r#"
import base64, os, shutil, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
arguments = sys.argv[1:]
named = {"pkey": "-in", "pkeyutl": "-inkey"}.get(arguments[0])
pem = open(arguments[arguments.index(named) + 1], "rb").read() if named else b""
der = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]))
if bytes.fromhex("06096086480165030403") not in der:
    theirs = shutil.which("openssl", path=os.environ["PATH"].split(":", 1)[1])
    os.execv(theirs, ["openssl", *arguments])
if arguments[0] == "pkey":
    assert arguments[-2:] == ["-outform", "DER"]
    sys.stdout.buffer.write(der)
else:
    assert arguments[1:3] == ["-verify", "-pubin"] and "-rawin" in arguments
    signature, message = (open(arguments[arguments.index(name) + 1], "rb").read() for name in ("-sigfile", "-in"))
    load_pem_public_key(pem).verify(signature, message)
    print("Signature Verified Successfully")
"#;

/// A folder for the PATH with this openssl.
fn newer_openssl(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(folder.join("openssl.py"), NEWER_OPENSSL).expect("a script");
    let program = folder.join("openssl");
    let script = "#!/bin/sh\nexec \"$PYTHON_OF_TESTS\" \"$(dirname \"$0\")/openssl.py\" \"$@\"\n";
    let script = script.replace("$PYTHON_OF_TESTS", &python().display().to_string());
    fs::write(&program, script).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    folder.display().to_string()
}

/// Lists the digests of an unpacked pack again, as whoever changed a file of it would.
pub(super) fn list_digests(pack: &Path) {
    let again =
        "sha256sum $(find . -type f ! -name SHA256SUMS | sed 's|^./||' | sort) > SHA256SUMS";
    let command = Command::new("bash").args(["-c", again]);
    command.current_dir(pack).run().ok();
}

/// The commands of the page in a pack, as one script.
fn script_of(page: &str) -> String {
    let blocks = page.split("```bash\n").skip(1);
    let script: String = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(
        script.contains("sha256sum") && script.contains("openssl"),
        "{script}"
    );
    script
}

#[test]
fn the_page_of_a_pack_works_as_written_and_notices_what_was_changed() {
    for vector in [
        "good--rotation",
        "good--key-ecc-nist-p384",
        "good--key-rsa-2048",
        "good--key-ml-dsa-44",
        "good--key-ml-dsa-65",
    ] {
        let case = Case::of(vector);
        let arguments = [
            "--from",
            "2024-01-01T00:30:00Z",
            "--with-segments",
            "--out",
            "pack.zip",
        ];
        let made = case.run("evidence", &arguments);
        assert!(case.path("pack.zip").is_file(), "{made}");
        let checked = case.check("pack.zip").ok();
        assert!(
            checked
                .stdout
                .contains("policy.json is the trust policy that the pack was checked with"),
            "{checked}"
        );
        let run = by_hand(&case.unpack("good")).ok();
        assert!(
            run.stdout
                .contains("entries/0000000000000004.json: in the tree of size 7\n"),
            "{run}"
        );
        assert!(
            run.stdout
                .contains("entries/0000000000000004.json: stored\n"),
            "{run}"
        );
        let changed = case.unpack("changed");
        let entry = changed.join("entries/0000000000000004.json");
        change_first_byte_of(&entry, "ada", "eve");
        assert_ne!(by_hand(&changed).status, 0);
        // Whoever changes an entry can change the list of digests too, and the segment is still what was signed.
        list_digests(&changed);
        let run = by_hand(&changed);
        assert!(
            run.status == 1
                && run
                    .stdout
                    .ends_with("entries/0000000000000004.json: NOT PROVED\n"),
            "{run}"
        );
        // A note with another root than the one that the key signed, and then another message.
        let other = case.unpack("other");
        let note = other.join("checkpoints/000000000001.note");
        let root = fs::read_to_string(&note).expect("a note");
        let root = root.lines().nth(2).expect("a root").to_owned();
        let first = if root.starts_with('A') { "B" } else { "A" };
        change_first_byte_of(&note, &root, &format!("{first}{}", &root[1..]));
        list_digests(&other);
        let run = by_hand(&other);
        assert!(run.status != 0 && !run.stdout.contains("entries/"), "{run}");
        let forged = case.unpack("forged");
        for file in fs::read_dir(forged.join("checkpoints")).expect("checkpoints") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|name| name == "message") {
                let mut message = fs::read(&path).expect("a message");
                message[0] ^= 1;
                fs::write(&path, message).expect("a message");
            }
        }
        list_digests(&forged);
        let run = by_hand(&forged);
        assert!(run.status != 0 && !run.stdout.contains("entries/"), "{run}");
    }
}

/// Makes another tree in which the changed entry is, and lists the digests again. With `note`, its checkpoint is beside those that were signed.
const FORGE: &str = r#"
import base64, hashlib, pathlib, sys
pack = pathlib.Path(sys.argv[1])
entry, proof = pack / "entries/0000000000000004.json", pack / "proofs/0000000000000004.tlog-proof"
entry.write_bytes(entry.read_bytes().replace(b"ada", b"eve"))
origin, _, _, _, signatures = proof.read_text().split("\n\n", 1)[1].split("\n", 4)
root = base64.b64encode(hashlib.sha256(b"\0" + entry.read_bytes()).digest()).decode()
forged = f"{origin}\n1\n{root}\n\n{signatures}"
proof.write_text(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{forged}")
if sys.argv[2] == "note":
    (pack / "checkpoints/000000000099.note").write_text(forged)
sums = [path for path in sorted(pack.rglob("*")) if path.is_file() and path.name != "SHA256SUMS"]
lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(pack)}\n" for path in sums]
(pack / "SHA256SUMS").write_text("".join(lines))
"#;

/// By hand, too, only what a key signed counts.
#[test]
fn the_page_of_a_pack_does_not_accept_a_tree_that_nobody_signed() {
    for vector in ["good--rotation", "good--key-rsa-2048"] {
        let case = Case::of(vector);
        let arguments = ["--index", "4", "--index", "5", "--out", "pack.zip"];
        _ = case.run("evidence", &arguments);
        for forged in ["proof", "note"] {
            let pack = case.unpack(forged);
            by_hand(&pack).ok();
            let forge = Command::new(python()).args(["-c", FORGE]).arg(&pack);
            forge.arg(forged).run().ok();
            let run = by_hand(&pack);
            assert_eq!(run.status, 1, "{forged}: {run}");
            let why =
                "entries/0000000000000004.json: NOT PROVED, its checkpoint is not a signed one\n";
            assert!(run.stdout.ends_with(why), "{forged}: {run}");
        }
    }
}
