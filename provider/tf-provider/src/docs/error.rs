//! Why documentation could not be made.

use std::io;
use std::path::PathBuf;

/// Documentation could not be made, compared or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// The provider would not start either.
    #[error("the provider's schema has mistakes:\n  {}", .0.join("\n  "))]
    Schemas(Vec<String>),
    /// Attributes, blocks or parameters without a description.
    #[error("no description of:\n  {}", .0.join("\n  "))]
    NotDescribed(Vec<String>),
    /// A page needs an example.
    #[error("{} has no example: write {}", .of, .path.display())]
    NoExample {
        /// What the page is about.
        of: String,
        /// Where the example belongs.
        path: PathBuf,
    },
    /// A template without the line `{{ schema }}`.
    #[error("{} has no line {{{{ schema }}}}", .0.display())]
    NoSchema(PathBuf),
    /// A line in braces that means nothing.
    #[error("{}: {line:?} is not one of {{{{ example }}}}, {{{{ schema }}}}, {{{{ import }}}}, {{{{ file PATH }}}}", .template.display())]
    UnknownLine {
        /// The template.
        template: PathBuf,
        /// The line.
        line: String,
    },
    /// A file or folder cannot be read, written or removed.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl DocsError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}
