//! Answers of the protocol, as results.

use tonic::{Response, Status};

use crate::proto::tfplugin6 as pb;
use crate::{AttributePath, Deferral, Diagnostic, Diagnostics, Result, Severity, Step};

/// Only warnings, or the errors.
pub(super) type Warned = Result<Diagnostics>;

pub(super) fn answered<T>(answer: Result<Response<T>, Status>) -> Result<T> {
    let answer = answer.map(Response::into_inner);
    answer.map_err(|status| Diagnostic::error("Call failed", status.message()).into())
}

/// The warnings, unless there is an error among them.
pub(super) fn checked(found: Vec<pb::Diagnostic>) -> Warned {
    let found = diagnostics(found);
    if found.has_errors() {
        Err(found)
    } else {
        Ok(found)
    }
}

pub(super) fn diagnostics(found: Vec<pb::Diagnostic>) -> Diagnostics {
    let mut all = Diagnostics::new();
    all.extend(found.into_iter().map(|one| {
        let diagnostic = if one.severity == i32::from(pb::diagnostic::Severity::Warning) {
            Diagnostic::warning(one.summary, one.detail)
        } else {
            Diagnostic::error(one.summary, one.detail)
        };
        debug_assert!(diagnostic.severity == Severity::Warning || one.severity == 1);
        diagnostic.at(one.attribute.map(path).unwrap_or_default())
    }));
    all
}

pub(super) fn path(path: pb::AttributePath) -> AttributePath {
    use pb::attribute_path::step::Selector;
    let selectors = path.steps.into_iter().filter_map(|step| step.selector);
    selectors.fold(AttributePath::root(), |path, selector| {
        path.then(match selector {
            Selector::AttributeName(name) => Step::Attribute(name),
            Selector::ElementKeyString(key) => Step::Key(key),
            Selector::ElementKeyInt(index) => Step::Index(index),
        })
    })
}

pub(super) fn deferral(deferred: Option<pb::Deferred>) -> Option<Deferral> {
    use pb::deferred::Reason;
    let reason = Reason::try_from(deferred?.reason).unwrap_or(Reason::Unknown);
    Some(match reason {
        Reason::ProviderConfigUnknown => Deferral::ProviderConfigUnknown,
        Reason::AbsentPrereq => Deferral::AbsentPrerequisite,
        Reason::Unknown | Reason::ResourceConfigUnknown => Deferral::ResourceConfigUnknown,
    })
}

/// # Errors
/// It was put off.
pub(super) fn not_deferred(deferred: Option<pb::Deferred>) -> Result {
    match deferral(deferred) {
        None => Ok(()),
        Some(why) => Err(Diagnostic::error("Put off", format!("{why:?}")).into()),
    }
}
