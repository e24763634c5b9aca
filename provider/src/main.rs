//! The plugin that Terraform starts.

use std::process::ExitCode;

use terraform_provider_auditlog::provider::Auditlog;

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--version")
    {
        println!("terraform-provider-auditlog {VERSION}");
        return ExitCode::SUCCESS;
    }
    tf_provider::serve(Auditlog)
}
