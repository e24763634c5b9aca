//! Texts that mean the same in every format that is rendered: nothing in them ends a text, or is replaced in it.

/// The name of a sender, which is also a source of the log and the name of files.
pub(super) fn check_source(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.') {
        return Ok(());
    }
    Err(format!(
        "{name:?} is not a name of 1 to 64 letters, digits, dots, dashes and underscores."
    ))
}

/// An absolute path on the machine of a sealer or a sender.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/_-.+@:=".contains(&b);
    if path.starts_with('/') && !path.ends_with('/') && path.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{path:?} is not an absolute path of letters, digits and /_-.+@:= that does not end in /."
    ))
}

/// Folders that are empty after the machine has started again, or after a while.
const VOLATILE: [&str; 5] = ["/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm"];

/// Folders that the sealer's unit hides from it (`ProtectHome`).
const HIDDEN: [&str; 2] = ["/home", "/root"];

/// Whether a path is a folder, or inside it.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is wrong with a folder that keeps events which were accepted, if it does not last.
pub(super) fn volatile(path: &str) -> Option<String> {
    let folder = VOLATILE.iter().find(|folder| is_within(path, folder))?;
    Some(format!(
        "{path:?} is in {folder}, which a restart or a cleanup of the machine empties. Events that wait there would be lost."
    ))
}

/// A folder that the service uses.
pub(super) fn check_of_service(path: &str) -> Result<(), String> {
    check_path(path)?;
    match HIDDEN.iter().find(|folder| is_within(path, folder)) {
        None => Ok(()),
        Some(folder) => Err(format!(
            "{path:?} is in {folder}, which the sealer's unit hides from it (ProtectHome=yes). Name another folder, such as one in /var/lib."
        )),
    }
}

/// A file to follow, or files in one folder by a pattern.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let (folder, name) = split(pattern);
    if folder.contains('*') {
        return Err(format!(
            "{pattern:?} has a * in the name of a folder. Name each folder, because not every program follows such a pattern."
        ));
    }
    // where the program was started decides what a relative path means
    let path = format!("{folder}/{}", name.replace('*', "x"));
    if pattern.starts_with('/') && check_path(&path).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{pattern:?} is not an absolute path, with * in the name of the file alone."
    ))
}

/// The folder and the name of a file.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_does_not_last_is_named_and_one_that_is_hidden_is_refused() {
        for path in [
            "/tmp",
            "/tmp/spool",
            "/var/tmp/x",
            "/run/auditlog",
            "/dev/shm/a",
        ] {
            let said = volatile(path).unwrap();
            assert!(
                said.contains("Events that wait there would be lost"),
                "{said}"
            );
        }
        for path in HIDDEN
            .map(|folder| [folder.to_owned(), format!("{folder}/spool")])
            .iter()
            .flatten()
        {
            let said = check_of_service(path).unwrap_err();
            assert!(said.contains("(ProtectHome=yes)"), "{said}");
        }
        for path in [
            "/var/lib/auditlog/spool",
            "/tmpfs/x",
            "/runs",
            "/srv/tmp",
            "/homes/a",
        ] {
            assert_eq!(volatile(path), None);
            assert_eq!(check_of_service(path), Ok(()));
        }
    }

    #[test]
    fn what_a_format_would_read_otherwise_is_refused() {
        for text in [
            "\"", "'", "\\", "$x", "{x}", "`x`", "a\nb", "#", "%", "a b", "<x>", ";", "",
        ] {
            assert!(check_path(&format!("/a{text}/")).is_err(), "{text}");
            assert!(check_source(text).is_err(), "{text}");
        }
        for text in ["\"", "$x", "{x}", "a b", "#"] {
            assert!(check_path(&format!("/a{text}")).is_err(), "{text}");
            assert!(check_pattern(&format!("/a/{text}*")).is_err(), "{text}");
        }
        assert!(check_path("var/log").is_err());
        for relative in ["x.log", "*", "logs/x.log"] {
            assert!(check_pattern(relative).is_err(), "{relative}");
        }
        assert!(check_pattern("/var/*/x.log").is_err());
        assert!(check_source("..").is_err());
        check_path("/etc/auditlog/ca.pem").unwrap();
        check_pattern("/var/log/payments/*.json").unwrap();
        check_pattern("/audit.log").unwrap();
        check_source("payments-api.1").unwrap();
    }
}
