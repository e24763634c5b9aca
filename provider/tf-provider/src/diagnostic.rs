//! Messages to the user.

use crate::{AttributePath, ValueError};

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on, and the user should know something.
    Warning,
}

/// One message to the user: what is wrong, in a line; why and what to do, in detail; and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line that says what is.
    pub summary: String,
    /// The cause and the remedy, in whole sentences. May be empty.
    pub detail: String,
    /// The attribute that it is about; the root where it is about the whole.
    pub path: AttributePath,
}

impl Diagnostic {
    /// An error about the whole object; [`at`](Self::at) narrows it down.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path: AttributePath::root(),
        }
    }

    /// A warning about the whole object; [`at`](Self::at) narrows it down.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(summary, detail)
        }
    }

    /// The same, about one attribute: `.at("path")`.
    #[must_use]
    pub fn at(self, path: impl Into<AttributePath>) -> Self {
        Self {
            path: path.into(),
            ..self
        }
    }
}

/// Any number of diagnostics. As the `Err` of a [`Result`] it holds at least one error, or says that the operation was
/// [put off](crate::Context::defer).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No diagnostics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds what a step found, and gives its value if it went well.
    pub fn take<T>(&mut self, result: Result<T, impl Into<Self>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(found) => {
                self.extend(found.into());
                None
            }
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// In the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<ValueError> for Diagnostic {
    fn from(error: ValueError) -> Self {
        Self::error(
            "Value of the wrong kind",
            format!("Expected {}, found {}.", error.expected, error.found),
        )
        .at(error.path)
    }
}

impl From<ValueError> for Diagnostics {
    fn from(error: ValueError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<AttributePathAndText> for Diagnostic {
    fn from((path, text): AttributePathAndText) -> Self {
        Self::error("Invalid value", text).at(path)
    }
}

/// Where a check failed, and why.
type AttributePathAndText = (AttributePath, String);

/// What the operations of a provider return: a value, or at least one error for the user.
pub type Result<T = (), E = Diagnostics> = std::result::Result<T, E>;
