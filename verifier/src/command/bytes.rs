//! Numbers of bytes as people write them.

const UNITS: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("", 1),
];

/// Least and most bytes to read ahead.
const BOUNDS: (u64, u64) = (1 << 20, 1 << 40);

/// Parses how many bytes to read ahead, such as `64MiB`.
pub(super) fn parse_read_ahead(text: &str) -> Result<u64, String> {
    let bytes = UNITS.iter().find_map(|(unit, size)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(*size)
    });
    let fits = |bytes: &u64| (BOUNDS.0..=BOUNDS.1).contains(bytes);
    bytes
        .filter(fits)
        .ok_or_else(|| "expected bytes from 1MiB to 1024GiB, such as 64MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit_or_none() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("1 GiB", 1 << 30),
            ("2048KiB", 2 << 20),
            ("1048576", 1 << 20),
            ("1024GiB", 1 << 40),
        ] {
            assert_eq!(parse_read_ahead(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "MiB",
            "64MB",
            "-1MiB",
            "1.5GiB",
            "1023KiB",
            "1025GiB",
            "64mib",
            "99999999999999999999",
        ] {
            assert!(parse_read_ahead(text).is_err(), "{text}");
        }
    }
}
