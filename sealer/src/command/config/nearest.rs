//! The name that was meant.

/// The one of the known names that a misspelt one is nearest to, if it is near to any.
pub(super) fn nearest<'k>(misspelt: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known.iter().map(|name| (distance(misspelt, name), *name));
    // Half of a name that is short is not misspelt: it is another one.
    let most = misspelt.chars().count().div_ceil(3).min(3);
    let found = distances.min().filter(|(distance, _)| *distance <= most);
    found.map(|(_, name)| name)
}

/// The one of the known names that another one begins, or that begins it: what may be meant where no name is near.
pub(super) fn alike<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let begins = |other: &&&str| other.starts_with(name) || name.starts_with(**other);
    let is_long = name.len() >= 3;
    known.iter().find(begins).copied().filter(|_| is_long)
}

/// Letters to add, to leave out, to exchange or to swap with the next one (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row.saturating_add(1)];
        for (column, found) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let changed = at(&last, column).saturating_add(usize::from(letter != found));
            let added = at(&next, column).saturating_add(1);
            let left_out = at(&last, column.saturating_add(1)).saturating_add(1);
            let mut fewest = changed.min(added).min(left_out);
            let (row, column) = (row.checked_sub(1), column.checked_sub(1));
            if let (Some(row), Some(column)) = (row, column)
                && one.get(row) == Some(found)
                && other.get(column) == Some(letter)
            {
                fewest = fewest.min(at(&before, column).saturating_add(1));
            }
            next.push(fewest);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_counted() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("spool", "spool", 0),
            ("spol", "spool", 1),
            ("spooll", "spool", 1),
            ("spoal", "spool", 1),
            ("sopol", "spool", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn misspelt_name_is_that_of_the_nearest_key() {
        let known = [
            "spool", "policy", "origin", "key_file", "kms_key", "to", "pins", "path",
        ];
        for (misspelt, expected) in [
            ("spol", Some("spool")),
            ("polcy", Some("policy")),
            ("keyfile", Some("key_file")),
            ("key-file", Some("key_file")),
            ("key", None),
            ("paths", Some("path")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(misspelt, &known), expected, "{misspelt}");
        }
    }

    #[test]
    fn name_that_begins_another_one_may_be_meant() {
        let known = ["name", "key_file", "previous_key_file"];
        assert_eq!(alike("key", &known), Some("key_file"));
        assert_eq!(alike("names_of", &known), Some("name"));
        assert_eq!(alike("k", &known), None);
        assert_eq!(alike("colour", &known), None);
    }
}
