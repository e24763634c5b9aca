//! A line for people, and how urgent it is.

/// How urgent a line for people is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What somebody may want to know, such as that something works again.
    Info,
    /// What somebody should look at; the sealer goes on.
    Warning,
    /// Something has ended.
    Error,
}

impl Level {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A line for whoever runs the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'l> {
    /// How urgent it is.
    pub level: Level,
    /// The input that it is about, if it is about one. The text has it as well.
    pub input: Option<&'l str>,
    /// The line itself.
    pub text: &'l str,
}

impl<'l> Line<'l> {
    /// What somebody should look at in an input.
    pub const fn warning(input: &'l str, text: &'l str) -> Self {
        Self {
            level: Level::Warning,
            input: Some(input),
            text,
        }
    }
}
