//! Documents that steps hand to each other: canonical JSON with one form only, ended by LF.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::PartsError;
use crate::canonical;
use crate::same::Same;

/// Largest document that is read, in bytes. Stops one that is not ours from filling the memory.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 30;

/// The bytes of a document.
pub(crate) fn write(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = canonical::json(document);
    bytes.push(b'\n');
    bytes
}

/// Reads a document, `name` in messages. What is read and written again must be the same bytes: so it has no second meaning, no
/// field that nobody knows, and none twice.
pub(crate) fn read<T: Serialize + DeserializeOwned>(
    name: &str,
    bytes: &[u8],
) -> Result<T, PartsError> {
    let malformed = |reason: String| PartsError::Malformed {
        name: name.to_owned(),
        reason,
    };
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(malformed(format!(
            "it has more than {MAX_DOCUMENT_BYTES} bytes"
        )));
    }
    let document = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    if !is_form_of(&document, bytes) {
        return Err(malformed("it is not in its one form".to_owned()));
    }
    Ok(document)
}

/// Whether a document is written as these bytes.
fn is_form_of(document: &impl Serialize, bytes: &[u8]) -> bool {
    let mut rest = Same(bytes);
    serde_json::to_writer(&mut rest, document).is_ok() && rest.0 == b"\n"
}
