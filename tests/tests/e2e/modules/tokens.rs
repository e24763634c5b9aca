//! Rust source as words and punctuation: enough to find `mod`, `use` and paths, without comments, strings and tests.

/// One token. A literal of any kind is dropped, since no path is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

impl Token {
    pub(crate) fn is(&self, mark: char) -> bool {
        *self == Self::Mark(mark)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Path | Self::Mark(_) => None,
        }
    }
}

/// The tokens of a file, without what is compiled for tests only.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<Token> {
    let mut rest = source;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = not_code(rest).unwrap_or_else(|| {
            let (token, length) = token(rest, first);
            found.extend(token);
            length
        });
        rest = &rest[length..];
    }
    found
}

fn token(rest: &str, first: char) -> (Option<Token>, usize) {
    if rest.starts_with("::") {
        return (Some(Token::Path), 2);
    }
    if first.is_alphanumeric() || first == '_' {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        return (Some(Token::Word(rest[..end].to_owned())), end);
    }
    let mark = (!first.is_whitespace()).then_some(Token::Mark(first));
    (mark, first.len_utf8())
}

/// The length of the comment, string or character that begins here.
fn not_code(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    raw_string(rest)
        .or_else(|| quoted(rest.strip_prefix('b').unwrap_or(rest), '"').map(|n| n + prefix(rest)))
        .or_else(|| character(rest.strip_prefix('b').unwrap_or(rest)).map(|n| n + prefix(rest)))
}

fn prefix(rest: &str) -> usize {
    usize::from(rest.starts_with('b'))
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn raw_string(rest: &str) -> Option<usize> {
    let start = prefix(rest);
    let raw = rest[start..].strip_prefix('r')?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let body = start + 1 + hashes + 1;
    let length = rest[body..].find(&end)?;
    Some(body + length + end.len())
}

/// A string or character with its two quotes.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut chars = rest.char_indices();
    chars.next().filter(|(_, first)| *first == quote)?;
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return Some(at + 1);
        }
    }
    Some(rest.len())
}

/// `'x'` or `'\n'`, and not the lifetime `'a`.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let closed = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
    closed.then(|| quoted(rest, '\'')).flatten()
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    let test = all_tokens("#[cfg(test)]");
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if all[at..].starts_with(&test) {
            at += item(&all[at..]);
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// The length of the item that begins here, its attributes included: up to its `;`, or to the end of its first block.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth -= 1,
            Token::Mark('}') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            Token::Mark(';' | ',') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_strings_and_tests_hold_no_paths() {
    let source = r##"
        // crate::a
        /* crate::b /* crate::c */ crate::d */
        fn f<'a>(x: &'a str) -> char { g("crate::e \" crate::f", r#"crate::g" "#, b"crate::h", '"', '\''); 'x' }
        #[cfg(test)]
        #[expect(x, reason = "y")]
        mod tests { use crate::i; }
        #[cfg(test)]
        mod more;
        use crate::j;
    "##;
    let words: Vec<_> = tokens(source)
        .iter()
        .filter_map(|token| token.word().map(str::to_owned))
        .collect();
    let expected = "fn f a x a str char g use crate j";
    assert_eq!(words.join(" "), expected);
}
