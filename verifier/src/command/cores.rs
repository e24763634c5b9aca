//! How many things can be done at once.

use std::thread;

/// The number of cores, as far as the operating system says.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
