//! The version of the program.

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
pub(super) const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
