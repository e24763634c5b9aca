//! The log that a trust policy declares, as far as its pipeline depends on it.

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use tf_provider::{Diagnostic, Result};

/// Seconds after which the sealer closes a segment, unless it is told otherwise.
const USUAL_SEGMENT_SECONDS: u64 = 300;

/// A log that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredLog {
    pub(super) origin: String,
    /// Where the log must not be silent for long, less than the usual time.
    pub(super) max_segment_seconds: Option<u64>,
}

/// The log of an origin; without one, the only log.
///
/// # Errors
/// The policy cannot be read, does not declare the log, or declares its end.
pub(super) fn declared(json: &str, origin: Option<&str>) -> Result<DeclaredLog> {
    let policy = TrustPolicy::parse(json.as_bytes()).map_err(|error| {
        Diagnostic::error("Unreadable trust policy", error.to_string()).at("trust_policy")
    })?;
    let logs = policy.document().logs.as_slice();
    let log = match (origin, logs) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(origin), _) => Origin::parse(origin).and_then(|origin| policy.log(&origin)),
    };
    let log = log.ok_or_else(|| which(logs))?;
    if log.ended.is_some() {
        let detail = format!("The log {} has ended: nobody may write to it.", log.origin);
        return Err(Diagnostic::error("A log that has ended", detail)
            .at("origin")
            .into());
    }
    Ok(DeclaredLog {
        origin: log.origin.to_string(),
        max_segment_seconds: segment_seconds(log),
    })
}

fn which(logs: &[LogPolicy]) -> Diagnostic {
    let origins: Vec<String> = logs.iter().map(|log| format!("- {}", log.origin)).collect();
    let detail = format!(
        "Set it to the origin of one of the declared logs:\n{}",
        origins.join("\n")
    );
    Diagnostic::error("No such log in the trust policy", detail).at("origin")
}

/// At most half of the shortest silence, as the sealer demands.
fn segment_seconds(log: &LogPolicy) -> Option<u64> {
    let shortest = log.max_silence.iter().map(|span| span.seconds).min()?;
    let half = shortest.checked_div(2)?.max(1);
    (half < USUAL_SEGMENT_SECONDS).then_some(half)
}
