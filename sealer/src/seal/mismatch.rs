//! What the spool holds does not continue the log.

use auditlog_chain::builder::ResumeError;
use auditlog_chain::fault::{Fault, SegmentFault};

use crate::error::{Error, SpoolError};
use crate::spool::Spool;

/// Why lines of the spool could not be taken up.
pub(super) fn resume_fault(spool: &Spool, error: ResumeError) -> Error {
    match error {
        ResumeError::Fault(source) => mismatch(spool, source),
        ResumeError::Build(error) => error.into(),
    }
}

pub(super) fn mismatch(spool: &Spool, source: SegmentFault) -> Error {
    SpoolError::Mismatch {
        path: spool.folder().to_owned(),
        source: Box::new(source),
    }
    .into()
}

pub(super) const fn of_no_line(fault: Fault) -> SegmentFault {
    SegmentFault {
        line: None,
        index: None,
        fault,
    }
}
