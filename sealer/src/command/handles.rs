//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections of a listener that has few handles.
const FEWEST: usize = 16;

/// Raises the limit of this process as far as it may, and returns it.
pub(super) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let is_raised = current != maximum && setrlimit(Resource::Nofile, raised).is_ok();
    let limit = if is_raised { maximum } else { current };
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.unwrap_or(usize::MAX)
}

/// Connections of each of so many listeners: half of the handles are for connections. The rest is for spools, stores and followed files.
pub(super) fn of_each_listener(handles: usize, listeners: usize) -> usize {
    let half = handles.div_euclid(2);
    half.div_euclid(listeners.max(1)).max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_handles_are_for_connections() {
        for (handles, listeners, each) in [
            (1024, 1, 512),
            (1024, 4, 128),
            (65536, 4, 8192),
            (20, 4, FEWEST),
            (usize::MAX, 0, usize::MAX / 2),
        ] {
            assert_eq!(of_each_listener(handles, listeners), each);
        }
    }

    #[test]
    fn limit_is_as_high_as_it_may_be() {
        let raised = raise();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert!(maximum.is_none_or(|most| most == raised as u64));
    }
}
