//! The provider's data: the folder below which all paths are.

use std::path::PathBuf;

/// What resources and data sources work with.
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}
