//! The plugin that Terraform starts.

use std::process::ExitCode;

use terraform_provider_auditlog::provider::Auditlog;

fn main() -> ExitCode {
    tf_provider::serve(Auditlog)
}
