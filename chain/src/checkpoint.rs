//! The last line of a segment: a C2SP [tlog-checkpoint](https://c2sp.org/tlog-checkpoint) (F12).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cursor::{Cursor, LineError};
use crate::hash::Hash;
use crate::limits::{MAX_INDEX, MAX_LINE_BYTES, MAX_SIGNATURE_BYTES, MAX_SIGNATURES};
use crate::origin::Origin;

/// A tree head: which log, how many lines, and the RFC 6962 root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// Number of leaves, below 2^53.
    pub size: u64,
    /// RFC 6962 root over the leaves `[0, size)`.
    pub root: Hash,
}

impl Checkpoint {
    /// The text of the note: origin, size and root, each ended by LF, and no extension lines.
    pub fn note_text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            self.root.to_base64()
        )
    }
}

/// One signature of a note: four bytes that hint at the key, and the signature.
///
/// The bytes are never an identity: an ECDSA signature can be replaced by another valid one without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key id.
    pub key_id: [u8; 4],
    /// The signature; for ML-DSA-44 with the timestamp of eight bytes before it.
    pub signature: Vec<u8>,
}

/// A checkpoint with its signatures, of which none has been checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The tree head.
    pub checkpoint: Checkpoint,
    /// The signatures, at least one, in the order of the note.
    pub signatures: Vec<NoteSignature>,
}

impl SignedCheckpoint {
    /// The note, as C2SP tools take it.
    pub fn note(&self) -> String {
        let mut note = self.checkpoint.note_text();
        note.push('\n');
        for one in &self.signatures {
            let blob = [one.key_id.as_slice(), &one.signature].concat();
            note.push_str("\u{2014} ");
            note.push_str(self.checkpoint.origin.as_str());
            note.push(' ');
            note.push_str(&STANDARD.encode(blob));
            note.push('\n');
        }
        note
    }

    /// Parses a note; `None` where it is not exactly what [`SignedCheckpoint::note`] writes.
    pub fn parse_note(note: &str) -> Option<Self> {
        let (text, signatures) = note.split_once("\n\n")?;
        let mut lines = text.split('\n');
        let origin = Origin::parse(lines.next()?)?;
        let size = lines.next()?;
        let root = Hash::parse_base64(lines.next()?)?;
        let size = size
            .parse()
            .ok()
            .filter(|n: &u64| *n <= MAX_INDEX && n.to_string() == size)?;
        if lines.next().is_some() {
            return None;
        }
        let signatures: Option<Vec<_>> = signatures
            .strip_suffix('\n')?
            .split('\n')
            .take(MAX_SIGNATURES.saturating_add(1))
            .map(|line| parse_signature(line, &origin))
            .collect();
        let signatures = signatures.filter(|all| all.len() <= MAX_SIGNATURES)?;
        Some(Self {
            checkpoint: Checkpoint { origin, size, root },
            signatures,
        })
    }
}

fn parse_signature(line: &str, origin: &Origin) -> Option<NoteSignature> {
    let (name, blob) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let blob = STANDARD.decode(blob).ok()?;
    let (key_id, signature) = blob.split_first_chunk::<4>()?;
    let fits = (1..=MAX_SIGNATURE_BYTES).contains(&signature.len());
    (fits && name == origin.as_str()).then(|| NoteSignature {
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

/// Writes the checkpoint line, without its newline.
pub fn format_checkpoint_line(signed: &SignedCheckpoint) -> Vec<u8> {
    // A note holds no character that JSON escapes but LF (F12).
    format!(
        "{{\"checkpoint\":\"{}\"}}",
        signed.note().replace('\n', "\\n")
    )
    .into_bytes()
}

/// Parses a checkpoint line, given without its newline.
///
/// # Errors
///
/// Where the bytes are not exactly what [`format_checkpoint_line`] writes for some checkpoint.
pub fn parse_checkpoint_line(bytes: &[u8]) -> Result<SignedCheckpoint, LineError> {
    if bytes.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong { found: bytes.len() });
    }
    let mut cursor = Cursor::new(bytes);
    cursor.token("{\"checkpoint\":")?;
    let signed = cursor.parsed("a signed checkpoint", |quoted| {
        SignedCheckpoint::parse_note(&quoted.replace("\\n", "\n"))
    })?;
    cursor.token("}")?;
    cursor.end()?;
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> SignedCheckpoint {
        let origin = Origin::parse("acme.example/audit/payments").unwrap();
        let checkpoint = Checkpoint {
            origin,
            size: 10755,
            root: Hash::from_bytes([7; 32]),
        };
        let signature = NoteSignature {
            key_id: [1, 2, 3, 4],
            signature: vec![9; 64],
        };
        SignedCheckpoint {
            checkpoint,
            signatures: vec![signature],
        }
    }

    #[test]
    fn the_line_reads_back() {
        let line = format_checkpoint_line(&signed());
        assert!(line.starts_with(b"{\"checkpoint\":\"acme.example/audit/payments\\n10755\\nBwcH"));
        assert!(line.ends_with(b"\\n\"}"));
        assert_eq!(parse_checkpoint_line(&line), Ok(signed()));
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(json["checkpoint"], signed().note());
    }

    #[test]
    fn every_changed_byte_of_the_line_is_refused_or_says_something_else() {
        let line = format_checkpoint_line(&signed());
        for at in 0..line.len() {
            for value in 0..=255 {
                let mut changed = line.clone();
                changed[at] = value;
                if changed != line {
                    assert_ne!(
                        parse_checkpoint_line(&changed),
                        Ok(signed()),
                        "byte {at} = {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn other_forms_of_the_same_note_are_refused() {
        let good = signed().note();
        for (from, to) in [
            ("\n10755\n", "\n010755\n"),
            ("\n10755\n", "\n+10755\n"),
            ("\n\n", "\nextension\n\n"),
            ("\n\n", "\n\n\n"),
            ("\u{2014} acme", "- acme"),
            ("\u{2014} acme", "\u{2014} other"),
        ] {
            assert!(
                SignedCheckpoint::parse_note(&good.replacen(from, to, 1)).is_none(),
                "{to:?}"
            );
        }
        assert!(SignedCheckpoint::parse_note(good.trim_end()).is_none());
        let text_only = format!("{}\n", signed().checkpoint.note_text());
        assert!(SignedCheckpoint::parse_note(&text_only).is_none());
        let mut many = signed();
        many.signatures = vec![many.signatures[0].clone(); MAX_SIGNATURES + 1];
        assert!(SignedCheckpoint::parse_note(&many.note()).is_none());
    }
}
