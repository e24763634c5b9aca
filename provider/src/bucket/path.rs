//! The logs of a configuration or a state, and their places in it.

use tf_provider::{AttributePath, Object};

/// The place of a log.
pub(super) fn path_of(name: &str) -> AttributePath {
    AttributePath::from("logs").key(name)
}

/// The logs of a configuration, as far as they are known.
pub(super) fn logs_of(config: &Object) -> impl Iterator<Item = (&String, &Object)> {
    let logs = config.value("logs").as_map().into_iter().flatten();
    logs.filter_map(|(name, log)| Some((name, log.as_object()?)))
}
