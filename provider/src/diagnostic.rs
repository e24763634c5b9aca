//! Errors as Terraform shows them.

use tf_provider::{AttributePath, Diagnostic};

use crate::error::{Error, NotConnected};

impl Error {
    /// The attribute that the error is about, or `otherwise`.
    pub(crate) fn attribute(&self, otherwise: &'static str) -> &'static str {
        if matches!(self, Self::AliasTaken { .. } | Self::AliasTwice { .. }) {
            "alias"
        } else {
            otherwise
        }
    }

    /// The error as Terraform shows it.
    pub(crate) fn diagnostic(&self, summary: &str, path: impl Into<AttributePath>) -> Diagnostic {
        diagnostic(summary, self, self.hint()).at(path)
    }
}

impl NotConnected {
    /// The failure as Terraform shows it, at the argument of the provider block that it is about.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let path = self
            .argument()
            .map_or_else(AttributePath::root, AttributePath::from);
        diagnostic(self.summary(), self, self.hint()).at(path)
    }
}

fn diagnostic(summary: &str, error: &dyn std::error::Error, hint: Option<String>) -> Diagnostic {
    let mut text = error.to_string();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    let detail = match hint {
        Some(hint) => format!("{text}.\n\n{hint}"),
        None => format!("{text}."),
    };
    Diagnostic::error(summary, detail)
}

/// A diagnostic for a value inside an attribute. Terraform finds the line of an attribute, but of nothing inside it, so
/// the text has the whole path.
pub(crate) fn nested(summary: &str, detail: &str, path: &AttributePath) -> Diagnostic {
    let whole = path.to_string();
    let top = whole.split(['.', '[']).next().unwrap_or_default();
    if top.is_empty() {
        return Diagnostic::error(summary, detail);
    }
    let diagnostic = Diagnostic::error(summary, format!("At {whole}: {detail}"));
    diagnostic.at(top)
}
