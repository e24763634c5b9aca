//! How this process hashes. The fastest way that the processor has is chosen by itself; a comparison of them names one.

use std::ffi::OsString;

use auditlog_chain::hash::{Kind, use_kind};

use super::usage::Usage;

/// The variable of the environment that names a kind.
pub(crate) const VARIABLE: &str = "AUDITLOG_SHA256";

/// Hashes with the kind of this name, if there is one.
pub(crate) fn choose(name: Option<OsString>) -> Result<(), Usage> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let refused = |message: String| {
        let names = Kind::ALL.map(Kind::as_str).join(", ");
        Usage::new(
            message,
            &format!("unset {VARIABLE}, or set it to one of {names}"),
        )
    };
    let name = name.to_string_lossy();
    let kind: Kind = name
        .parse()
        .map_err(|error| refused(format!("{VARIABLE} is {name}: {error}")))?;
    use_kind(kind).map_err(|error| refused(format!("{VARIABLE} is {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_unknown_is_refused_and_no_kind_is_the_fastest() {
        assert!(choose(None).is_ok());
        assert!(choose(Some(OsString::new())).is_ok());
        let refused = choose(Some("md5".into())).unwrap_err();
        assert_eq!(
            refused.message,
            "AUDITLOG_SHA256 is md5: expected portable, avx2, sha-ni or avx512"
        );
        assert_eq!(
            refused.hint.as_deref(),
            Some("unset AUDITLOG_SHA256, or set it to one of portable, avx2, sha-ni, avx512")
        );
    }
}
