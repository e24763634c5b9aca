//! What was said of segments that cannot be stored, so that each cause has one line, and so has its end.

use crate::error::Cause;

/// Attempts that fail before the first line: what passes by itself at the next one is not worth it.
const QUIET_FAILURES: u32 = 1;

/// Which cause was said last, since a segment was stored.
#[derive(Debug, Default)]
pub(super) struct Told(Option<Cause>);

impl Told {
    /// An attempt has failed, after so many others. Says whether that is worth a line: a cause that was not said yet.
    pub(super) fn failed(&mut self, before: u32, cause: Cause) -> bool {
        let is_new = before >= QUIET_FAILURES && self.0 != Some(cause);
        if is_new {
            self.0 = Some(cause);
        }
        is_new
    }

    /// A segment is stored. Says whether that is worth a line: it was said that it cannot be.
    pub(super) const fn stored(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_one_line_from_the_second_failure_on_and_so_has_the_end() {
        let mut told = Told::default();
        assert!(!told.failed(0, Cause::Store));
        assert!(!told.stored());
        assert!(!told.failed(0, Cause::Store));
        assert!(told.failed(1, Cause::Store));
        assert!(!told.failed(2, Cause::Store));
        // The store is back, and the key was disabled meanwhile.
        assert!(told.failed(3, Cause::Key));
        assert!(!told.failed(4, Cause::Key));
        assert!(told.stored());
        assert!(!told.stored());
    }
}
