//! Values of a configuration, parsed, with the place of what does not fit.

use auditlog_chain::hash::Hash;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{Acknowledged, is_prefix};
use auditlog_chain::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tf_provider::{AttributePath, Diagnostic, Diagnostics, Field};

/// A value that does not fit, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What kind of mistake it is, in a few words.
    pub summary: &'static str,
    /// Where it is.
    pub path: AttributePath,
    /// What is wrong with it, as a sentence.
    pub detail: String,
}

/// The summary where a single value has the wrong form.
const INVALID: &str = "Invalid value";

impl Misfit {
    /// A value of the wrong form.
    pub fn invalid(path: AttributePath, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            summary: INVALID,
            path,
            detail,
        }
    }
}

/// Terraform finds the line of an attribute, but of nothing inside it, so the text has the whole path.
impl From<Misfit> for Diagnostic {
    fn from(misfit: Misfit) -> Self {
        let Misfit {
            summary,
            path,
            detail,
        } = misfit;
        let whole = path.to_string();
        let top = whole.split(['.', '[']).next().unwrap_or_default();
        if top.is_empty() {
            return Self::error(summary, detail);
        }
        Self::error(summary, format!("At {whole}: {detail}")).at(top)
    }
}

impl From<Misfit> for Diagnostics {
    fn from(misfit: Misfit) -> Self {
        Diagnostic::from(misfit).into()
    }
}

/// Puts the place to what a parser said.
pub(crate) fn placed<T>(parsed: Result<T, String>, path: AttributePath) -> Result<T, Misfit> {
    parsed.map_err(|detail| Misfit::invalid(path, detail))
}

/// Parses a value that may be absent.
pub(crate) fn optional<T>(
    text: Option<&str>,
    parse: fn(&str) -> Result<T, String>,
    path: AttributePath,
) -> Result<Option<T>, Misfit> {
    placed(text.map(parse).transpose(), path)
}

pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        format!("{text:?} is not an RFC 3339 time, such as \"2026-01-31T12:00:00Z\".")
    })
}

/// A finding that a person has explained, as the verifier prints it.
pub(crate) fn parse_acknowledged(text: &str) -> Result<Acknowledged, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("{error}. An entry is the whole JSON object that auditlog-verify prints for a finding that can be acknowledged.")
    })
}

/// Checks the entries of `acknowledged` that are known.
pub(crate) fn check_acknowledged(entries: &[Field<String>]) -> Result<(), String> {
    for (at, entry) in entries.iter().enumerate() {
        let Some(text) = entry.known() else { continue };
        parse_acknowledged(text).map_err(|detail| format!("At [{at}]: {detail}"))?;
    }
    Ok(())
}

pub(crate) fn parse_origin(origin: &str) -> Result<Origin, String> {
    Origin::parse(origin).ok_or_else(|| {
        format!("{origin:?} is not an origin: 1 to 255 printable ASCII characters without space, quote, backslash, plus and \"://\".")
    })
}

pub(crate) fn check_prefix(prefix: &str) -> Result<(), String> {
    if is_prefix(prefix) {
        return Ok(());
    }
    Err(format!(
        "{prefix:?} is not a prefix: parts of letters, digits and -_.=@~, with a single / between them."
    ))
}

pub(crate) fn parse_root(root: &str) -> Result<Hash, String> {
    Hash::parse_base64(root).ok_or_else(|| {
        format!("{root:?} is not a root: 44 characters of base64, as the verifier prints them.")
    })
}

pub(crate) fn parse_pem(pem: &str) -> Result<PublicKey, String> {
    PublicKey::from_pem(pem).map_err(|error| format!("It is {error}."))
}

pub(crate) fn parse_spki(spki: &str) -> Result<PublicKey, String> {
    let der = STANDARD
        .decode(spki)
        .map_err(|error| format!("It is not base64: {error}."))?;
    PublicKey::from_spki_der(&der).map_err(|error| format!("It is {error}."))
}
