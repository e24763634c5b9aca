//! The logs of a configuration or a state, and their places in it.

use tf_provider::{AttributePath, Object};

/// The folder of the prefix that a log has by default.
const PREFIX: &str = "logs";

/// The prefix of a log that names none.
pub(super) fn default_prefix(name: &str) -> String {
    format!("{PREFIX}/{name}")
}

/// The place of a log.
pub(super) fn path_of(name: &str) -> AttributePath {
    AttributePath::from("logs").key(name)
}

/// The logs of a configuration, as far as they are known.
pub(super) fn logs_of(config: &Object) -> impl Iterator<Item = (&String, &Object)> {
    let logs = config.value("logs").as_map().into_iter().flatten();
    logs.filter_map(|(name, log)| Some((name, log.as_object()?)))
}
