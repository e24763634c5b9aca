//! The plugin that Terraform starts.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use terraform_provider_auditlog::provider::Auditlog;
use tf_provider::docs::{Difference, DocsError, Pages};

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// What a person may ask of the program, which Terraform otherwise starts without arguments.
const USAGE: &str = "usage: terraform-provider-auditlog --version
       terraform-provider-auditlog --docs FOLDER [--check]   (FOLDER has templates/, examples/ and docs/)";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .collect();
    match words.as_slice() {
        ["--version"] => {
            println!("terraform-provider-auditlog {VERSION}");
            ExitCode::SUCCESS
        }
        ["--docs", root] => report(documented(Path::new(root), Docs::Write), ExitCode::SUCCESS),
        ["--docs", root, "--check"] => {
            report(documented(Path::new(root), Docs::Check), ExitCode::FAILURE)
        }
        ["--docs", ..] => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
        _ => tf_provider::serve(Auditlog),
    }
}

/// What to do with pages that differ.
#[derive(Clone, Copy)]
enum Docs {
    Write,
    Check,
}

fn documented(root: &Path, docs: Docs) -> Result<Vec<Difference>, DocsError> {
    let pages = Pages::generate(&Auditlog, "auditlog", root)?;
    match docs {
        Docs::Write => pages.write(root),
        Docs::Check => pages.differences(root),
    }
}

/// Prints each page that differed, which counts as `differing` does.
fn report(found: Result<Vec<Difference>, DocsError>, differing: ExitCode) -> ExitCode {
    match found {
        Ok(found) if found.is_empty() => ExitCode::SUCCESS,
        Ok(found) => {
            for difference in found {
                println!("docs/{difference}");
            }
            differing
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
