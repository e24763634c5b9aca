//! The entry of the policy's `acknowledged` that covers a fault, to paste once a person has explained it.

use std::fmt::Write as _;

use auditlog_chain::policy::Acknowledged;
use auditlog_chain::timestamp::Timestamp;

use crate::fault::Fault;
use crate::place::Placed;

/// The reason until a person has written one.
const REASON: &str = "explain here why this is not a reason to worry";

/// The entry, with the time that the report judges as its date, so that all runs over the same evidence give the same; `None` where no entry can
/// cover the fault.
pub(super) fn stanza(found: &Placed<Fault>, at: Timestamp) -> Option<Acknowledged> {
    Some(Acknowledged {
        code: found.what.acknowledged_code()?,
        log: found.place.log.clone(),
        reason: REASON.to_owned(),
        date: at,
        found: found.what.to_acknowledge(&found.place)?,
    })
}

/// The entry as JSON of ASCII alone: a name in it may move the cursor or turn a line around, and a name that is escaped for
/// that in another way would be another name once it is pasted.
pub(super) fn to_ascii_json(entry: &Acknowledged) -> String {
    let text = serde_json::to_string(entry).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\u{7f}' || !c.is_ascii() {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}
