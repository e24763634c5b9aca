//! A fault of the chain that another machine found: its segment is not here, only what was said of it.

use std::fmt;

use auditlog_chain::fault::{CODES, Fault};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::word::Word;

/// A fault of the chain as a report shows it, found by another machine or an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    #[serde(deserialize_with = "code")]
    code: Word,
    message: String,
    expected: String,
    found: String,
}

impl Told {
    fn of(fault: &Fault) -> Self {
        let (expected, found) = fault.sides();
        Self {
            code: fault.code(),
            message: fault.to_string(),
            expected,
            found,
        }
    }

    /// The stable name of the fault.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What was expected and what was found.
    pub fn sides(&self) -> (String, String) {
        (self.expected.clone(), self.found.clone())
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Writes a fault in the form in which another machine reads it.
pub(crate) fn serialize<S: Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
    Told::of(fault).serialize(serializer)
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = CODES.into_iter().find(|code| *code == text);
    known.ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a code of a fault")))
}
