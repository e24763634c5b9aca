//! `auditlog-verify pages`: manual pages and completions of shells, made from the definition of the command line. It is for those who
//! package the program, so `--help` does not list it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_verifier::verdict::Verdict;
use clap::Command;
use clap_complete::{Shell, generate};

use super::outcome::Outcome;
use super::usage::Usage;

/// Folders below `share/` where each shell looks, and the name of its file, in which `*` is the name of the command.
const COMPLETIONS: [(Shell, &str, &str); 3] = [
    (Shell::Bash, "bash-completion/completions", "*"),
    (Shell::Fish, "fish/vendor_completions.d", "*.fish"),
    (Shell::Zsh, "zsh/site-functions", "_*"),
];

/// Write the manual pages and the completions for bash, fish and zsh.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder to write to, with the folders of `/usr/share`
    #[arg(value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments, command: Command) -> Result<Outcome, Usage> {
    let out = &arguments.out;
    write(command, out).map_err(|error| {
        let message = format!("cannot write the pages to {}: {error}", out.display());
        Usage::new(message, "name a folder that can be written to")
    })?;
    Ok(Outcome {
        output: String::new(),
        verdict: Verdict::Verified,
    })
}

fn write(mut command: Command, out: &Path) -> io::Result<()> {
    let name = command.get_name().to_owned();
    for (shell, folder, file) in COMPLETIONS {
        let mut script = Vec::new();
        generate(shell, &mut command, &name, &mut script);
        let folder = out.join(folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(file.replace('*', &name)), script)?;
    }
    let manual = out.join("man/man1");
    fs::create_dir_all(&manual)?;
    clap_mangen::generate_to(command, manual)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::command;

    #[test]
    fn every_subcommand_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(command::Arguments::command(), folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        for subcommand in command::Arguments::command().get_subcommands() {
            let page = format!("man/man1/auditlog-verify-{}.1", subcommand.get_name());
            let listed = !subcommand.is_hide_set();
            assert_eq!(folder.path().join(&page).exists(), listed, "{page}");
        }
        let main = read("man/man1/auditlog-verify.1");
        assert!(
            main.contains("\\-\\-policy") && main.contains("Exit codes: 0 verified"),
            "{main}"
        );
        for file in [
            "bash-completion/completions/auditlog-verify",
            "fish/vendor_completions.d/auditlog-verify.fish",
            "zsh/site-functions/_auditlog-verify",
        ] {
            let script = read(file);
            assert!(
                script.contains("consistency") && script.contains("policy"),
                "{file}"
            );
            // An option of buckets.
            assert_eq!(script.contains("read-ahead"), cfg!(feature = "s3"));
        }
    }

    #[test]
    fn folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("file");
        fs::write(&out, "").unwrap();
        let arguments = super::Arguments { out };
        let usage = run(&arguments, Command::new("a")).err().unwrap();
        assert!(usage.message.contains("/file: "), "{}", usage.message);
    }
}
