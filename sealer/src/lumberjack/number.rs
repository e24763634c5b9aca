//! Numbers, which are big-endian.

/// The number at a place; `None` where it is not whole.
pub(super) fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    let (number, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_be_bytes(*number))
}
