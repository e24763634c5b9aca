//! Absent segments, in lines for people.

/// Most ranges that are shown; the others are counted.
const SHOWN: usize = 20;

/// A line for each range, with what that means for what was asked.
pub(super) fn lines<'g>(
    gaps: impl ExactSizeIterator<Item = &'g (u64, u64)>,
    meaning: &str,
) -> Vec<String> {
    let others = gaps.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = gaps
        .take(SHOWN)
        .map(|(first, last)| {
            if first == last {
                format!("segment {first}; {meaning}")
            } else {
                format!("segments {first} to {last}; {meaning}")
            }
        })
        .collect();
    if others > 0 {
        lines.push(format!("{others} more ranges of segments; {meaning}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ranges_are_shown_and_the_others_counted() {
        let gaps: Vec<(u64, u64)> = (0..23).map(|at| (at * 10, at * 10 + at % 2)).collect();
        let lines = lines(gaps.iter(), "why");
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[..2], ["segment 0; why", "segments 10 to 11; why"]);
        assert_eq!(lines[20], "3 more ranges of segments; why");
        assert_eq!(super::lines([].iter(), "why"), Vec::<String>::new());
    }
}
