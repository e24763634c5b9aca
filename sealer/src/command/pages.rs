//! `auditlog-seal pages`: manual pages and completions of shells, made from the definition of the command line. It is for those who
//! package the program, so `--help` does not list it.

use std::fs;
use std::io;
use std::path::Path;

use auditlog_sealer::error::{Error, FileFault, MachineError};
use clap::Command;
use clap_complete::{Shell, generate};

use super::arguments::PagesArguments;

/// Folders below `share/` where each shell looks, and the name of its file, in which `*` is the name of the command.
const COMPLETIONS: [(Shell, &str, &str); 3] = [
    (Shell::Bash, "bash-completion/completions", "*"),
    (Shell::Fish, "fish/vendor_completions.d", "*.fish"),
    (Shell::Zsh, "zsh/site-functions", "_*"),
];

pub(crate) fn run(arguments: &PagesArguments, command: Command) -> Result<(), Error> {
    let fault = FileFault::of("the pages cannot be written", &arguments.out);
    write(command, &arguments.out).map_err(|source| MachineError::NoPages(fault(source)).into())
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
            let page = format!("man/man1/auditlog-seal-{}.1", subcommand.get_name());
            let listed = !subcommand.is_hide_set();
            assert_eq!(folder.path().join(&page).exists(), listed, "{page}");
        }
        let main = read("man/man1/auditlog-seal.1");
        assert!(main.contains("auditlog\\-seal\\-append"), "{main}");
        for file in [
            "bash-completion/completions/auditlog-seal",
            "fish/vendor_completions.d/auditlog-seal.fish",
            "zsh/site-functions/_auditlog-seal",
        ] {
            let script = read(file);
            assert!(
                script.contains("input-changed") && script.contains("check-config"),
                "{file}"
            );
        }
    }

    #[test]
    fn folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("file");
        fs::write(&out, "").unwrap();
        let error = run(&PagesArguments { out }, Command::new("a"))
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .contains("/file: the pages cannot be written: "),
            "{error}"
        );
    }
}
