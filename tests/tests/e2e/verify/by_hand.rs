//! The page of an evidence pack against whoever made the pack: values and names in it are data, and never commands.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use auditlog_tests::{Command, Run, python};

use crate::verify::page::{by_hand, list_digests};
use crate::verify::proofs::Case;

const ENTRY: &str = "entries/0000000000000004";
const PROOF: &str = "proofs/0000000000000004";
const SEGMENT: &str = "000000000001";

/// What bash executes where it takes it for a number.
const COMMAND: &str = "signed[$(touch pwned; echo 0)]";

/// Changes a line of the checkpoint of segment 1, also in its proofs. With `sign`, another key signs it, as whoever has the key could.
const CHANGE: &str = r#"
import pathlib, subprocess, sys
line, text, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def changed(path, before):
    lines = path.read_text().split("\n")
    at = before(lines) + line - 1
    path.write_text("\n".join(lines[:at] + [text] + lines[at + 1:]))
note = pathlib.Path("checkpoints/000000000001.note")
changed(note, lambda lines: 0)
for proof in pathlib.Path("proofs").iterdir():
    changed(proof, lambda lines: lines.index("") + 1)
if how == "sign":
    [message] = pathlib.Path("checkpoints").glob("000000000001.*.message")
    message.write_text(note.read_text().split("\n\n")[0] + "\n")
    key, public = "../another.key", f"keys/{message.name.split('.')[1]}.pem"
    for command in (
        ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
        ["pkey", "-in", key, "-pubout", "-out", public],
        ["dgst", "-sha256", "-sign", key, "-out", message.with_suffix(".sig"), message],
    ):
        subprocess.run(["openssl", *command], check=True)
"#;

/// A case with a pack of entries 4 and 5.
fn packed(vector: &str) -> Case {
    let case = Case::of(vector);
    let out = ["--with-segments", "--out", "pack.zip"];
    let made = case.run(
        "evidence",
        &[&["--index", "4", "--index", "5"], &out[..]].concat(),
    );
    assert!(case.path("pack.zip").is_file(), "{made}");
    case
}

fn change(pack: &Path, line: &str, text: &str, how: &str) {
    let command = Command::new(python()).args(["-c", CHANGE, line, text, how]);
    command.current_dir(pack).run().ok();
    list_digests(pack);
}

fn replace(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).expect("a text");
    assert!(text.contains(old), "{text}");
    fs::write(path, text.replace(old, new)).expect("a file");
}

/// Nothing of the pack was executed, and nothing was proved.
#[track_caller]
fn refused(pack: &Path, why: &str) -> Run {
    let run = by_hand(pack);
    assert!(!pack.join("pwned").exists(), "executed: {run}");
    assert!(run.status == 1 && run.stdout.ends_with(why), "{run}");
    assert!(!run.stdout.contains("in the tree"), "{run}");
    run
}

#[test]
fn a_value_in_a_pack_is_never_executed() {
    let case = packed("good--key-rsa-2048");
    let pack = case.unpack("index");
    let proof = pack.join(format!("{PROOF}.tlog-proof"));
    replace(&proof, "index 4", &format!("index {COMMAND}"));
    list_digests(&pack);
    refused(&pack, "NOT PROVED, its proof has no index\n");
    let pack = case.unpack("size");
    change(&pack, "2", COMMAND, "sign");
    refused(&pack, "NOT PROVED, it is not a checkpoint of this log\n");
}

#[test]
fn a_number_in_a_pack_has_one_form() {
    let case = packed("good--key-rsa-2048");
    for (number, old, new) in [
        ("octal", "index 4", "index 04"),
        ("two", "index 4", "index 4\nindex 4"),
        ("negative", "index 4", "index -4"),
        ("long", "index 4", "index 18446744073709551620"),
    ] {
        let pack = case.unpack(number);
        replace(&pack.join(format!("{PROOF}.tlog-proof")), old, new);
        list_digests(&pack);
        refused(&pack, "NOT PROVED, its proof has no index\n");
    }
    let pack = case.unpack("hexadecimal");
    change(&pack, "2", "0x7", "sign");
    refused(&pack, "NOT PROVED, it is not a checkpoint of this log\n");
}

#[test]
fn a_name_in_a_pack_cannot_be_a_line_of_output() {
    let case = packed("good--key-rsa-2048");
    let pack = case.unpack("name");
    let said = "0000000000000009.json: in the tree of size 7\nx";
    for (from, to, extension) in [(ENTRY, "entries", "json"), (PROOF, "proofs", "tlog-proof")] {
        let to = pack.join(to).join(format!("{said}.{extension}"));
        fs::copy(pack.join(format!("{from}.{extension}")), to).expect("a copy");
    }
    let run = by_hand(&pack);
    assert!(run.status == 1 && run.stdout.lines().count() == 1, "{run}");
    assert!(run.stdout.starts_with("NOT CHECKED, "), "{run}");
    // Nor can one in the list of digests.
    let pack = case.unpack("list");
    let list = fs::read_to_string(pack.join("SHA256SUMS")).expect("a list");
    let list = format!("{list}{}  \u{1b}[2J\n", "0".repeat(64));
    fs::write(pack.join("SHA256SUMS"), list).expect("a list");
    let run = refused(&pack, "NOT CHECKED, SHA256SUMS has another line\n");
    assert!(!format!("{}{}", run.stdout, run.stderr).contains('\u{1b}'));
    // Nor is a link followed out of the pack.
    let pack = case.unpack("link");
    let (policy, outside) = (pack.join("policy.json"), case.path("outside.json"));
    fs::rename(&policy, &outside).expect("a file");
    symlink(&outside, &policy).expect("a link");
    refused(&pack, "./policy.json\n");
}

#[test]
fn an_entry_is_proved_under_its_own_index_alone() {
    let case = packed("good--key-rsa-2048");
    let pack = case.unpack("renamed");
    for (name, extension) in [(ENTRY, "json"), (PROOF, "tlog-proof")] {
        let other = format!("{}5.{extension}", name.trim_end_matches('4'));
        fs::copy(pack.join(format!("{name}.{extension}")), pack.join(other)).expect("a copy");
    }
    list_digests(&pack);
    let run = by_hand(&pack);
    let why = "entries/0000000000000005.json: NOT PROVED, its proof is for another index\n";
    assert!(run.status == 1 && run.stdout.ends_with(why), "{run}");
}

/// One key may sign several logs.
#[test]
fn a_checkpoint_of_another_log_does_not_count() {
    // The key of ML-DSA-44 signs no text: the name in the note is compared with that in the message.
    for (vector, how) in [
        ("good--key-rsa-2048", "sign"),
        ("good--key-ml-dsa-44", "leave"),
    ] {
        let case = packed(vector);
        for (name, origin) in [("part", "acme.example/audit/pay"), ("empty", "")] {
            let pack = case.unpack(name);
            change(&pack, "1", origin, how);
            refused(&pack, "NOT PROVED, it is not a checkpoint of this log\n");
        }
    }
}

#[test]
fn a_segment_must_end_with_the_checkpoint_of_its_entries() {
    let case = packed("good--key-rsa-2048");
    let pack = case.unpack("segment");
    let forge = "{ cat entries/*4.json; echo; cat entries/*5.json; echo; } | zstd -q -f -o";
    let forge = format!("{forge} segments/{SEGMENT}.jsonl.zst");
    let command = Command::new("bash").args(["-euc", &forge]);
    command.current_dir(&pack).run().ok();
    list_digests(&pack);
    let run = by_hand(&pack);
    let why = format!("{ENTRY}.json: NOT STORED, its segment ends with another checkpoint\n");
    assert!(run.status == 1 && run.stdout.ends_with(&why), "{run}");
}
