//! Names that somebody else chose, written so that they cannot pass for anything else.

/// Objects in a bucket can be named anything: no name may move the cursor, begin a line of the report, or turn around the
/// direction in which a line is read. Letters of any script stay as they are.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\'' | '\\') {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    out
}

/// A name that somebody else chose, in quotes unless it is made of what names are usually made of: it must not look like the
/// next part of the line.
pub(super) fn name(text: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || "-_.=@~/+:".contains(c);
    if !text.is_empty() && text.chars().all(usual) {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_move_the_cursor_begin_a_line_or_turn_one_around() {
        for (text, shown) in [
            ("caf\u{e9} \u{65e5}\u{672c}", "caf\u{e9} \u{65e5}\u{672c}"),
            ("it's \"so\" \\ C:\\x", "it's \"so\" \\ C:\\x"),
            ("\x1b[2J\n\r\t\0\u{7f}", "\\u{1b}[2J\\n\\r\\t\\0\\u{7f}"),
            ("\u{9b}1m\u{85}", "\\u{9b}1m\\u{85}"),
            (
                "a\u{202e}b\u{2066}c\u{2028}d",
                "a\\u{202e}b\\u{2066}c\\u{2028}d",
            ),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn an_unusual_name_is_shown_in_quotes() {
        assert_eq!(name("logs/a=b/0.jsonl.zst"), "logs/a=b/0.jsonl.zst");
        assert_eq!(name("a, version x, line 3"), "\"a, version x, line 3\"");
        assert_eq!(name("a\n\"\\n"), "\"a\\n\\\"\\\\n\"");
        assert_eq!(name(""), "\"\"");
    }
}
