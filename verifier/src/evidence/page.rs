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
    let mut page = BEGIN.replace("ORIGIN", log.origin.as_str());
    page.push_str(SIGNATURES);
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

const LOOP: &str = r"```bash
for message in checkpoints/*.KEYID.message; do
  note=${message%.KEYID.message}.note signature=${message%.message}.sig
";

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

/// The message of C2SP tlog-cosignature ends with size and root in binary form.
const SAME_HEAD: &str = r#"  head=$(printf %016x "$(sed -n 2p "$note")")$(sed -n 3p "$note" | base64 -d | od -An -v -tx1 | tr -d ' \n')
  [ "$(tail -c 40 "$message" | od -An -v -tx1 | tr -d ' \n')" = "$head" ]
  grep -qaF "$(sed -n 1p "$note")" "$message"
"#;

const BEGIN: &str = r"# Evidence from the audit log ORIGIN

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

Unpack the pack, go to its folder, and put these commands into a script for `bash -eu`, which stops at the first that fails. They need openssl and
the GNU core utilities.

No file was changed since the list of digests was made:

```bash
sha256sum --check --strict --quiet SHA256SUMS
```
";

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
hex() { od -An -v -tx1 | tr -d ' \n'; }
node() { printf '01%s%s' "$1" "$2" | tr a-f A-F | basenc --base16 -d | sha256sum | cut -c1-64; }
for entry in entries/*.json; do
  proof=proofs/$(basename "$entry" .json).tlog-proof
  index=$(sed -n 's/^index //p' "$proof")
  checkpoint=$(sed '1,/^$/d' "$proof") found=no
  for note in "${signed[@]}"; do
    if cmp -s "$note" <(sed '1,/^$/d' "$proof"); then found=yes; fi
  done
  [ "$found" = yes ] || { echo "$entry: NOT PROVED, its checkpoint is not a signed one"; exit 1; }
  size=$(sed -n 2p <<<"$checkpoint") root=$(sed -n 3p <<<"$checkpoint")
  hash=$({ printf '\0'; cat "$entry"; } | sha256sum | cut -c1-64)
  last=$((size - 1))
  for sibling in $(sed '1,/^index /d;/^$/,$d' "$proof"); do
    sibling=$(base64 -d <<<"$sibling" | hex)
    if [ $((index % 2)) = 1 ] || [ "$index" = "$last" ]; then
      hash=$(node "$sibling" "$hash")
      while [ $((index % 2)) = 0 ] && [ "$index" != 0 ]; do index=$((index / 2)) last=$((last / 2)); done
    else
      hash=$(node "$hash" "$sibling")
    fi
    index=$((index / 2)) last=$((last / 2))
  done
  [ "$last" = 0 ] && [ "$hash" = "$(base64 -d <<<"$root" | hex)" ] && echo "$entry: in the tree of size $size" || { echo "$entry: NOT PROVED"; exit 1; }
done
```

"#;

const STORED: &str = r#"Each entry is in its segment, as it was stored:

```bash
for entry in entries/*.json; do
  zstd -dcq segments/*.jsonl.zst | grep -qxFf "$entry" && echo "$entry: stored" || { echo "$entry: NOT STORED"; exit 1; }
done
```

"#;

const LIMITS: &str = r"## What this does not show

- That the entries were stored in a bucket, or when. Only the bucket and its locks show that; the report says what was found when the pack was made.
- That no other entry was written, or that the log still contains these. Verify the log for that.
- That the times in the entries are right. They are the writer's.
- That nobody else held the signing key. Whoever holds it can sign another tree.
";
