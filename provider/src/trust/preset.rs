//! Retentions that rules ask for, by name.
//!
//! Each is a minimum. None of them is legal advice, and each rule asks for more than a retention.

/// A rule, and the least retention that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in a configuration.
    pub name: &'static str,
    /// The least retention in days: the longest that the rule's years can be, leap days included.
    pub days: u32,
    /// Where the rule is written.
    pub source: &'static str,
    /// What the number is for, and what else the rule asks for.
    pub note: &'static str,
}

/// Six years have two leap days at most.
const SIX_YEARS: u32 = 2_192;

/// One year has one leap day at most.
const TWELVE_MONTHS: u32 = 366;

/// All presets, by name.
pub const PRESETS: [Preset; 4] = [
    Preset {
        name: "finra-4511",
        days: SIX_YEARS,
        source: "FINRA Rule 4511(b)",
        note: "Six years for books and records for which no other rule sets a period; in a format and on media that comply \
               with SEC Rule 17a-4.",
    },
    Preset {
        name: "hipaa",
        days: SIX_YEARS,
        source: "45 CFR 164.316(b)(2)(i)",
        note: "Six years from creation, or from the date when it was last in effect, for required documentation.",
    },
    Preset {
        name: "pci-dss-10",
        days: TWELVE_MONTHS,
        source: "PCI DSS v4.0.1, requirement 10.5.1",
        note: "Twelve months for audit log history, of which the newest three must be immediately available for analysis.",
    },
    Preset {
        name: "sec-17a-4",
        days: SIX_YEARS,
        source: "17 CFR 240.17a-4(a)",
        note: "Six years for the records that (a) names, of which the first two must be easily accessible; three years for \
               most others.",
    },
];

impl Preset {
    /// The preset with a name.
    pub fn parse(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The names of all presets.
    pub fn names() -> [&'static str; PRESETS.len()] {
        PRESETS.map(|preset| preset.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_has_each_preset_with_its_days_and_source() {
        let guide = include_str!("../../../docs/guides/retention-presets.md");
        for Preset {
            name, days, source, ..
        } in PRESETS
        {
            let row = guide
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` | {days} |")));
            assert!(
                row.is_some_and(|row| row.ends_with(&format!("| {source} |"))),
                "{name}"
            );
        }
    }

    #[test]
    fn presets_are_found_by_name_and_listed_in_order() {
        assert!(PRESETS.is_sorted_by_key(|preset| preset.name));
        for preset in &PRESETS {
            assert_eq!(Preset::parse(preset.name), Some(preset));
        }
        assert_eq!(Preset::parse("SEC-17A-4"), None);
        assert_eq!(Preset::parse("sec-17a-4").unwrap().days, 2_192);
        assert_eq!(Preset::parse("pci-dss-10").unwrap().days, 366);
    }
}
