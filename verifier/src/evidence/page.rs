//! The page of instructions in a pack. A test runs its commands.

use auditlog_chain::keys::KeySpec;
use auditlog_chain::policy::LogPolicy;

/// A key whose signatures are in the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackedKey {
    /// Its id, which is part of its files' names.
    pub(super) id: String,
    /// Its kind.
    pub(super) spec: KeySpec,
}

/// The page for a pack of this log, with signatures of these keys.
pub(super) fn page(log: &LogPolicy, keys: &[PackedKey], has_segments: bool) -> String {
    let origin = log.origin.as_str();
    let name = quoted(origin);
    let mut page = format!(
        "# Evidence from the audit log {origin}\n{BEGIN}origin={name}\n{FORMS}{SIGNATURES}"
    );
    for key in keys {
        page.push_str(&signature(key.spec).replace("KEYID", &key.id));
    }
    page.push_str(INCLUSION);
    if has_segments {
        page.push_str(STORED);
    }
    page.push_str(LIMITS);
    page
}

/// A word of bash. An origin may have each printable character but a space, `"`, `\` and `+`.
fn quoted(origin: &str) -> String {
    format!("'{}'", origin.replace('\'', r"'\''"))
}

fn signature(spec: KeySpec) -> String {
    let (verify, same) = match spec {
        KeySpec::EccNistP384 => (SHA384, SAME_TEXT),
        KeySpec::EccNistP256 | KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            (SHA256, SAME_TEXT)
        }
        KeySpec::MlDsa44 => (PKEYUTL, SAME_HEAD),
        KeySpec::EccNistEdwards25519 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => (PKEYUTL, SAME_TEXT),
    };
    let needs = match spec {
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
            "Key KEYID is of ML-DSA, which needs openssl 3.5 or later.\n\n"
        }
        KeySpec::EccNistEdwards25519
        | KeySpec::EccNistP256
        | KeySpec::EccNistP384
        | KeySpec::Rsa2048
        | KeySpec::Rsa3072
        | KeySpec::Rsa4096 => "",
    };
    format!("{needs}{LOOP}{verify}{same}{SIGNED}done\n```\n\n")
}

const LOOP: &str = r#"```bash
for message in checkpoints/*.KEYID.message; do
  note=${message%.KEYID.message}.note signature=${message%.message}.sig
  head_of "$note"
"#;

/// A checkpoint counts from here on: its text is what the key signed.
const SIGNED: &str = r#"  signed+=("$note")
"#;

const PKEYUTL: &str = r#"  openssl pkeyutl -verify -pubin -inkey keys/KEYID.pem -rawin -in "$message" -sigfile "$signature"
"#;

const SHA256: &str = r#"  openssl dgst -sha256 -verify keys/KEYID.pem -signature "$signature" "$message"
"#;

const SHA384: &str = r#"  openssl dgst -sha384 -verify keys/KEYID.pem -signature "$signature" "$message"
"#;

/// The message is the text of the note.
const SAME_TEXT: &str = r#"  cmp "$message" <(sed '/^$/,$d' "$note")
"#;

/// The message of C2SP tlog-cosignature has the name twice, and ends with size and root in binary form. The eight bytes between the names are its time.
const SAME_HEAD: &str = r#"  name=$(printf %02x "${#origin}")$(printf %s "$origin" | hex)
  head=$(printf '%016x%016x' 0 "$size")$(base64 -d <<<"$root" | hex)
  [[ $(hex <"$message") =~ ^$(printf 'subtree/v1\n\0' | hex)$name[0-9a-f]{16}$name$head$ ]] || fail "$message: not of this checkpoint"
"#;

const BEGIN: &str = r"
| file | is |
| --- | --- |
| `entries/INDEX.json` | an entry of the log, byte for byte, without a newline at its end |
| `proofs/INDEX.tlog-proof` | the proof that the entry is in the log: a C2SP tlog-proof |
| `checkpoints/SEGMENT.note` | the signed root of the log at the end of a segment: a C2SP checkpoint; without the segment, nothing proves the number in its name |
| `checkpoints/SEGMENT.KEY.message`, `.sig` | what a key signed in it, and the signature, for openssl |
| `keys/KEY.pem` | a public key, for openssl |
| `segments/SEGMENT.jsonl.zst` | a segment as it was stored, where the pack has them; it holds other entries too |
| `policy.json` | the trust policy when the pack was made |
| `report.txt`, `report.json` | the report of a verification of the log when the pack was made |
| `SHA256SUMS` | the digests of all files but itself |

Nothing in the pack proves `policy.json`, the reports, or that the keys in `keys/` are the right ones. Take the trust policy from its owner, not from the
pack: its `keys` list has the same keys under `spki`.

## With auditlog-verify

This checks every proof with your copy of the trust policy, and that no file of the pack was changed:

```text
auditlog-verify check --policy YOUR-COPY-OF-THE-POLICY.json PACK.zip
```

A tool for C2SP transparency logs can check each proof with the log's verifier key from the trust policy and the file in `entries/`, where the key is
Ed25519, ECDSA P-256 or ML-DSA-44.

## By hand

This page came with the pack. Read the commands before you run them, or let `auditlog-verify check` compare the page with its own.

Unpack the pack, go to its folder, and put these commands into a script outside of the folder. Run it with `bash -eu`, which stops at the first command
that fails. They need bash 4.4 or later, openssl, GNU coreutils, diffutils, findutils, grep and sed, and zstd where the pack has segments.

The name of the log. Compare it with `origin` in your copy of the trust policy:

```bash
";

const FORMS: &str = r#"```

Whoever made the pack chose what is in it. So each name, number and hash must have the form of one before a command uses it:

```bash
export LC_ALL=C
fail() { printf '%s\n' "$1"; exit 1; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
is_number() { [[ $1 =~ ^(0|[1-9][0-9]{0,15})$ ]]; }
is_hash() { [[ $1 =~ ^[A-Za-z0-9+/]{43}=$ ]]; }
head_of() { # the size and the root in a checkpoint of this log
  { read -r _ && read -r size && read -r root; } <"$1" || fail "$1: NOT PROVED, it is not a checkpoint of this log"
  is_number "$size" && [ "$size" != 0 ] && is_hash "$root" && cmp -s <(printf '%s\n%s\n%s\n\n' "$origin" "$size" "$root") <(sed '/^$/q' "$1") ||
    fail "$1: NOT PROVED, it is not a checkpoint of this log"
}
files='README\.md|SHA256SUMS|policy\.json|report\.(json|txt)|entries/[0-9]{16}\.json|proofs/[0-9]{16}\.tlog-proof'
files+='|checkpoints/[0-9]{12}\.(note|[0-9a-f]{8}\.(message|sig))|keys/[0-9a-f]{8}\.pem|segments/[0-9]{12}\.jsonl\.zst'
folders='entries|proofs|checkpoints|keys|segments'
others=$(find . -mindepth 1 -regextype posix-extended ! \( -type f -regex "\./($files)" -o -type d -regex "\./($folders)" \))
[ -z "$others" ] || fail "NOT CHECKED, not a file of a pack: $(printf %q "$others")"
if grep -qavxE "[0-9a-f]{64}  ($files)" SHA256SUMS; then fail "NOT CHECKED, SHA256SUMS has another line"; fi
```

No file was changed since the list of digests was made:

```bash
sha256sum --check --strict --quiet SHA256SUMS
```
"#;

const SIGNATURES: &str = r#"
The keys are those of your copy of the trust policy. This prints them as the policy has them; compare:

```bash
for key in keys/*.pem; do
  echo "$key $(openssl pkey -pubin -in "$key" -outform DER | openssl enc -base64 -A)"
done
```

The keys signed the checkpoints. Those that they signed are remembered; no other checkpoint counts:

```bash
signed=()
```

"#;

const INCLUSION: &str = r#"Each entry is in a tree whose root was signed. The checkpoint of its proof is a signed one, and the hashes of its proof lead from the entry to the root (RFC 9162, section 2.1.3.2):

```bash
node() { printf '01%s%s' "$1" "$2" | tr a-f A-F | basenc --base16 -d | sha256sum | cut -c1-64; }
declare -A checkpoint_of=()
for entry in entries/*.json; do
  proof=proofs/$(basename "$entry" .json).tlog-proof
  index=$(sed -n 's/^index //p' "$proof")
  is_number "$index" || fail "$entry: NOT PROVED, its proof has no index"
  checkpoint=
  for note in "${signed[@]}"; do
    if cmp -s "$note" <(sed '1,/^$/d' "$proof"); then checkpoint=$note; fi
  done
  [ -n "$checkpoint" ] || fail "$entry: NOT PROVED, its checkpoint is not a signed one"
  [ "$entry" = "entries/$(printf %016d "$index").json" ] || fail "$entry: NOT PROVED, its proof is for another index"
  [ "$(wc -l <"$entry")" = 0 ] && grep -qaE '^\{("format":[0-9]+,)?"index":'"$index," "$entry" || fail "$entry: NOT PROVED, it has another index"
  head_of "$checkpoint"
  checkpoint_of[$entry]=$checkpoint
  hash=$({ printf '\0'; cat "$entry"; } | sha256sum | cut -c1-64)
  last=$((size - 1))
  [ "$index" -le "$last" ] || fail "$entry: NOT PROVED"
  mapfile -t siblings < <(sed '1,/^index /d;/^$/,$d' "$proof")
  for sibling in "${siblings[@]}"; do
    is_hash "$sibling" && [ "$last" != 0 ] || fail "$entry: NOT PROVED"
    sibling=$(base64 -d <<<"$sibling" | hex)
    if [ $((index % 2)) = 1 ] || [ "$index" = "$last" ]; then
      hash=$(node "$sibling" "$hash")
      while [ $((index % 2)) = 0 ] && [ "$index" != 0 ]; do index=$((index / 2)) last=$((last / 2)); done
    else
      hash=$(node "$hash" "$sibling")
    fi
    index=$((index / 2)) last=$((last / 2))
  done
  [ "$last" = 0 ] && [ "$hash" = "$(base64 -d <<<"$root" | hex)" ] || fail "$entry: NOT PROVED"
  echo "$entry: in the tree of size $size"
done
```

"#;

const STORED: &str = r#"Each entry is a line of its segment, which ends with the checkpoint of the entry:

```bash
for entry in entries/*.json; do
  note=${checkpoint_of[$entry]}
  segment=segments/$(basename "$note" .note).jsonl.zst
  cmp -s <(zstd -dcq "$segment" | tail -n 1) <(printf '{"checkpoint":"%s"}\n' "$(sed -z 's/\n/\\n/g' "$note")") ||
    fail "$entry: NOT STORED, its segment ends with another checkpoint"
  zstd -dcq "$segment" | grep -qaxFf "$entry" || fail "$entry: NOT STORED"
  echo "$entry: stored"
done
```

"#;

const LIMITS: &str = r"## What this does not show

- That the entries were stored in a bucket, or when. Only the bucket and its locks show that; the report says what was found when the pack was made.
- By hand: that a key in `keys/` may sign this log, and could at that time. `verifier_keys` of the log in your copy of the trust policy names its keys by
  their ids. The policy may also say that a key is compromised, retired or lost, or that the log ended before. `auditlog-verify check` judges all that.
- By hand: that the other lines of a segment are those under its root. `auditlog-verify check` judges that.
- That no other entry was written, or that the log still contains these. Verify the log for that.
- That the times in the entries are right. They are the writer's.
- That nobody else held the signing key. Whoever holds it can sign another tree.
";

#[cfg(test)]
mod tests {
    use super::*;

    /// Bash takes nothing in single quotes for anything but itself.
    #[test]
    fn an_origin_is_one_word_of_bash() {
        assert_eq!(quoted("acme.example/audit"), "'acme.example/audit'");
        assert_eq!(quoted("a$(b)`c`;d"), "'a$(b)`c`;d'");
        assert_eq!(quoted("a'$(b)'"), r"'a'\''$(b)'\'''");
    }
}
