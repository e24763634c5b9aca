//! The leaf lines of a segment that was checked.

use super::checker::lines_of;
use crate::fault::Fault;
use crate::frame::Frames;

/// Hands each leaf line of an object to `each`, in order and without its newline.
///
/// Nothing but the frames is checked. The object must be one that [`check_segment`](super::check_segment) accepted; the hash of a line is its leaf
/// hash then, and [`parse_line`](crate::line::parse_line) parses it.
///
/// # Errors
///
/// Where a frame cannot be read, which does not happen after that check.
pub fn visit_leaf_lines(object: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    let mut frames = Frames::new(object);
    while !frames.is_empty() {
        let is_leaf = |line: &&[u8]| !line.starts_with(b"{\"checkpoint\":");
        lines_of(frames.next_frame()?)
            .filter(is_leaf)
            .for_each(&mut *each);
    }
    Ok(())
}
