//! Who events are from where nobody says otherwise: the input and the file.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use auditlog_chain::builder::Source;

use crate::input::GivenName;

/// A byte of the path that a source cannot have, and `%` itself, is written as `%` and two digits, so that no two files have the same source.
/// A path that is too long for a source is left out.
pub(super) fn source_of(input: &GivenName, path: &Path) -> Option<Source> {
    let mut both = format!("{input}:");
    for byte in path.as_os_str().as_bytes() {
        let is_plain = (byte.is_ascii_graphic() || *byte == b' ') && !b"%\"\\".contains(byte);
        if is_plain {
            both.push(char::from(*byte));
        } else {
            // Writing into a string cannot fail.
            _ = write!(both, "%{byte:02X}");
        }
    }
    Source::parse(&both).or_else(|| Source::parse(&input.to_string()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn every_path_that_is_not_too_long_is_in_the_source() {
        let input = GivenName::parse("audit").unwrap();
        let long = "x".repeat(250);
        for (path, expected) in [
            (&b"/var/log/web 1.log"[..], "audit:/var/log/web 1.log"),
            ("/l/ä.log".as_bytes(), "audit:/l/%C3%A4.log"),
            (b"/l/100%\"\\\n\xff", "audit:/l/100%25%22%5C%0A%FF"),
            (long.as_bytes(), "audit"),
        ] {
            let source = source_of(&input, Path::new(OsStr::from_bytes(path)));
            assert_eq!(source.unwrap().as_str(), expected);
        }
    }
}
