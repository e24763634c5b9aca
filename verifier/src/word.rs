//! Words of a closed list, as documents have them: what is read from a document is one of ours again, or refused.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

/// A word of the list.
pub(crate) type Word = &'static str;

/// Every word that a finding or a listing has in place of a value of its own.
const WORDS: [&str; 8] = [
    "an object",
    "a delete marker",
    "a symbolic link",
    "a folder",
    "a file",
    "a device, pipe or socket",
    "sealed",
    "stored",
];

/// The word of the list that a text is.
fn known(text: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|word| *word == text)
}

pub(crate) fn serialize<S: Serializer>(word: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<&'static str, D::Error> {
    let text = String::deserialize(deserializer)?;
    known(&text).ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a word for this")))
}

/// The same for a word that may be absent.
pub(crate) mod optional {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Word, known};

    #[expect(clippy::ref_option, reason = "serde calls it with the field")]
    pub(crate) fn serialize<S: Serializer>(
        word: &Option<Box<Word>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        word.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<Word>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let word = known(&text);
        word.map(|word| Some(Box::new(word)))
            .ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a word for this")))
    }
}
