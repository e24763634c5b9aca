//! Arrays of JSON, element by element: however many a body has, they are not all in memory at a time.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Why not all elements were taken.
#[derive(Debug)]
pub(crate) enum ElementsError<E> {
    /// It is not an array of JSON.
    Json(serde_json::Error),
    /// The caller has refused one. What follows was not read.
    Refused(E),
}

/// Gives each element of an array, as it is written.
pub(crate) fn each_element<E>(
    array: &[u8],
    take: impl FnMut(&RawValue) -> Result<(), E>,
) -> Result<(), ElementsError<E>> {
    // The error for a value of another type would quote all of it.
    if !array.trim_ascii_start().starts_with(b"[") {
        let error = serde_json::Error::custom("expected a JSON array");
        return Err(ElementsError::Json(error));
    }
    let mut elements = Elements {
        take,
        refused: None,
    };
    let mut json = serde_json::Deserializer::from_slice(array);
    let read = json
        .deserialize_seq(&mut elements)
        .and_then(|()| json.end());
    match (elements.refused, read) {
        (Some(refused), _) => Err(ElementsError::Refused(refused)),
        (None, Err(error)) => Err(ElementsError::Json(error)),
        (None, Ok(())) => Ok(()),
    }
}

struct Elements<F, E> {
    take: F,
    refused: Option<E>,
}

impl<'de, F, E> Visitor<'de> for &mut Elements<F, E>
where
    F: FnMut(&RawValue) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if let Err(refused) = (self.take)(element) {
                self.refused = Some(refused);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(array: &str, most: usize) -> Result<Vec<String>, String> {
        let mut taken = Vec::new();
        let read = each_element(array.as_bytes(), |element| {
            if taken.len() == most {
                return Err("too many");
            }
            taken.push(element.get().to_owned());
            Ok(())
        });
        match read {
            Ok(()) => Ok(taken),
            Err(ElementsError::Refused(why)) => Err(why.to_owned()),
            Err(ElementsError::Json(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn elements_are_given_as_they_are_written_until_one_is_refused() {
        assert_eq!(
            elements(" [ 1.0 ,{\"a\": [2]}] ", 9).unwrap(),
            ["1.0", "{\"a\": [2]}"]
        );
        assert_eq!(elements("[]", 0).unwrap(), Vec::<String>::new());
        // What follows is not read.
        assert_eq!(elements("[1,2,]", 1).unwrap_err(), "too many");
        assert!(elements("[1,2,]", 9).is_err());
        assert!(elements("[1] 2", 9).is_err());
        for other in ["{}", "\"a secret\"", "7", ""] {
            let said = elements(other, 9).unwrap_err();
            assert_eq!(said, "expected a JSON array", "{other}");
        }
        // An element may be nested as deep as an event may.
        let deep = format!("[{}{}]", "[".repeat(500), "]".repeat(500));
        assert_eq!(elements(&deep, 1).unwrap().len(), 1);
    }
}
