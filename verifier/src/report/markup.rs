//! Writes HTML, SVG and XML in which only words of this program can be markup.
//!
//! Names, reasons and keys in a report are chosen by others. Tags, names of attributes and fixed text are `&'static str`, so they
//! are in the program's source. Everything else goes through [`Markup::text`] or the value of an attribute, and is escaped there.

use super::plain::plain;

/// Text with markup in it.
#[derive(Default)]
pub(super) struct Markup {
    out: String,
}

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// Markup of the program's own.
    pub(super) fn fixed(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Text from anywhere.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.escaped(&plain(text));
        self
    }

    /// Text of several lines, each of them from anywhere.
    pub(super) fn lines(&mut self, lines: &str) -> &mut Self {
        for line in lines.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => self.text(line).fixed("\n"),
                None => self.text(line),
            };
        }
        self
    }

    /// Begins an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.tag(tag, attributes).fixed(">")
    }

    /// An element without content.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.tag(tag, attributes).fixed("/>")
    }

    /// Ends an element.
    pub(super) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.fixed("</").fixed(tag).fixed(">")
    }

    /// An element with nothing but text.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// All that was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn tag(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.fixed("<").fixed(tag);
        for (name, value) in attributes {
            self.fixed(" ").fixed(name).fixed("=\"");
            self.text(value).fixed("\"");
        }
        self
    }

    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // No XML document may contain these two, not even escaped.
                '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_cannot_become_markup() {
        let hostile = "</text><script>alert('&')</script>\" onload=\"x\n\0\u{1b}\u{202e}\u{ffff}";
        let mut markup = Markup::default();
        markup.open("a", &[("href", hostile)]).text(hostile);
        markup.close("a");
        let text = markup.finish();
        for (mark, count) in [('<', 2), ('>', 2), ('"', 2), ('\'', 0), ('\n', 0)] {
            assert_eq!(text.matches(mark).count(), count, "{mark}: {text}");
        }
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{ffff}'),
            "{text:?}"
        );
    }

    #[test]
    fn lines_stay_lines() {
        let mut markup = Markup::default();
        markup.lines("a<b\nc\rd\n");
        assert_eq!(markup.finish(), "a&lt;b\nc\\rd\n");
    }
}
