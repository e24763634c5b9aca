//! The words of the service: its configuration has keys where `append` has options.

/// Keys of `[[logs]]` whose options have another name, or need a value.
const OTHERS: [(&str, &str); 4] = [
    ("log", "origin"),
    ("head-unknown", "head_unknown = true"),
    ("fenced", "fenced = true"),
    ("path-style", "path_style = true"),
];

/// Those that are called as the option.
const KEYS: [&str; 15] = [
    "policy",
    "to",
    "spool",
    "key-file",
    "kms-key",
    "previous-key-file",
    "previous-kms-key",
    "pins",
    "max-segment-events",
    "max-segment-bytes",
    "max-segment-seconds",
    "endpoint-url",
    "region",
    "profile",
    "timeout",
];

/// The same text with keys of the configuration in the place of options of `append`. Commands keep their options.
pub(super) fn in_keys(text: &str) -> String {
    let mut words = String::new();
    let (mut before, mut rest) = (String::new(), text);
    while let Some((between, after)) = rest.split_once("--") {
        let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '-');
        let (name, behind) = after.split_at(end.unwrap_or(after.len()));
        words.push_str(between);
        before.push_str(between);
        let is_option = begins_a_word(&before) && !is_of_a_command(&before);
        let key = key_of(name).filter(|_| is_option);
        words.push_str(&key.unwrap_or_else(|| format!("--{name}")));
        before.push_str(name);
        rest = behind;
    }
    words.push_str(rest);
    words
}

/// Whether what comes next is not the middle of a path or of another word.
fn begins_a_word(before: &str) -> bool {
    let last = before.chars().next_back();
    last.is_none_or(|last| last.is_whitespace() || matches!(last, '\'' | '"' | '`' | '('))
}

fn key_of(option: &str) -> Option<String> {
    let other = OTHERS.iter().find(|(name, _)| *name == option);
    let same = || KEYS.contains(&option).then(|| option.replace('-', "_"));
    other.map(|(_, key)| (*key).to_owned()).or_else(same)
}

/// Whether what comes next is an option of another command than `append`.
fn is_of_a_command(before: &str) -> bool {
    let sentence = before.rsplit([',', ';', ':']).next().unwrap_or_default();
    let commands = [
        "auditlog-verify",
        "auditlog-seal",
        "aws ",
        // These are of `auditlog-seal append`.
        "append them",
        "append only",
    ];
    commands.iter().any(|command| sentence.contains(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_name_keys_and_commands_keep_their_options() {
        for (text, expected) in [
            (
                "add --key-file FILE or --kms-key KEY",
                "add key_file FILE or kms_key KEY",
            ),
            (
                "name one of them with --log ORIGIN",
                "name one of them with origin ORIGIN",
            ),
            (
                "give the pins of auditlog-verify with --pins FILE, or accept what the store holds with --head-unknown",
                "give the pins of auditlog-verify with --pins FILE, or accept what the store holds with head_unknown = true",
            ),
            (
                "invalid value '0' for '--max-segment-events <N>'",
                "invalid value '0' for 'max_segment_events <N>'",
            ),
            (
                "aws s3api delete-object --version-id MARKER restores it",
                "aws s3api delete-object --version-id MARKER restores it",
            ),
            (
                "print its events with auditlog-seal spool --events DIR, and append them with --pins FILE",
                "print its events with auditlog-seal spool --events DIR, and append them with --pins FILE",
            ),
            (
                "append them with the key that is valid now and --pins FILE or --head-unknown: add --to DIR",
                "append them with the key that is valid now and --pins FILE or --head-unknown: add to DIR",
            ),
            (
                "remove it: rm -r /srv/acme--to/x --to",
                "remove it: rm -r /srv/acme--to/x to",
            ),
            ("--to (--spool) \"--log\"", "to (spool) \"origin\""),
            ("é--to", "é--to"),
            (
                "it is --unknown-option here --",
                "it is --unknown-option here --",
            ),
        ] {
            assert_eq!(in_keys(text), expected);
        }
    }
}
