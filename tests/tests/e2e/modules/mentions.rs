//! What one file says about modules: those that it declares, the paths that it names, and the names that it passes on.

use std::mem;

use super::tokens::{Token, tokens};

/// A path of names, such as `["crate", "line", "Entry"]`.
pub(crate) type Names = Vec<String>;

/// A path that is written in a module.
pub(crate) struct Mention {
    pub(crate) module: Names,
    pub(crate) path: Names,
}

#[derive(Default)]
pub(crate) struct Source {
    pub(crate) mentions: Vec<Mention>,
    /// `pub use`: a module and a name in it, and the path that the name is short for.
    pub(crate) exports: Vec<((Names, String), Names)>,
    /// This module, and all that are declared in the file.
    pub(crate) modules: Vec<Names>,
    /// Those of them that have a file of their own.
    pub(crate) children: Vec<Names>,
}

impl Source {
    /// Reads the file of a module.
    pub(crate) fn read(module: &Names, text: &str) -> Self {
        let tokens = tokens(text);
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            public: false,
            module: module.clone(),
            braces: Vec::new(),
            found: Self::default(),
        };
        reader.found.modules.push(module.clone());
        while reader.at < tokens.len() {
            reader.step();
        }
        reader.found
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Whether `pub` was the last word.
    public: bool,
    module: Names,
    /// For each open brace, whether it is that of an inline module.
    braces: Vec<bool>,
    found: Source,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        let public = mem::take(&mut self.public);
        let token = &self.tokens[self.at];
        self.at += 1;
        match token {
            Token::Word(word) => match word.as_str() {
                "pub" => self.visibility(),
                "mod" => self.declaration(),
                "use" => self.import(public),
                _ => self.path(word),
            },
            Token::Mark('{') => self.braces.push(false),
            Token::Mark('}') if self.braces.pop() == Some(true) => _ = self.module.pop(),
            Token::Mark(_) | Token::Path => {}
        }
    }

    /// `pub` or `pub(…)`.
    fn visibility(&mut self) {
        self.public = true;
        if self.next_is('(') {
            self.at += 1 + self.until(')').len();
        }
    }

    /// `mod name;` or `mod name {`.
    fn declaration(&mut self) {
        let Some(name) = self.word() else { return };
        let child = [self.module.as_slice(), &[name]].concat();
        self.found.modules.push(child.clone());
        self.at += 1;
        if self.next_is('{') {
            self.at += 1;
            self.braces.push(true);
            self.module = child;
        } else {
            self.found.children.push(child);
        }
    }

    /// A `use`, up to its `;`.
    fn import(&mut self, public: bool) {
        let tokens = self.until(';');
        self.at += tokens.len();
        for (path, known_as) in leaves(tokens, &Vec::new()) {
            let from_elsewhere = path
                .first()
                .is_some_and(|first| first == "crate" || first == "super");
            if !public || from_elsewhere {
                self.mention(path.clone());
            }
            if public {
                let export = ((self.module.clone(), known_as), path);
                self.found.exports.push(export);
            }
        }
    }

    /// A path in code that begins with this word.
    fn path(&mut self, first: &str) {
        let mut path = vec![first.to_owned()];
        while self.tokens.get(self.at) == Some(&Token::Path) {
            self.at += 1;
            let Some(next) = self.word() else { break };
            self.at += 1;
            path.push(next);
        }
        if path.len() > 1 {
            self.mention(path);
        }
    }

    fn mention(&mut self, path: Names) {
        let module = self.module.clone();
        self.found.mentions.push(Mention { module, path });
    }

    fn word(&self) -> Option<String> {
        let word = self.tokens.get(self.at)?.word()?;
        Some(word.to_owned())
    }

    fn next_is(&self, mark: char) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(mark))
    }

    fn until(&self, mark: char) -> &'a [Token] {
        let rest = &self.tokens[self.at..];
        let end = rest.iter().position(|token| token.is(mark));
        &rest[..end.unwrap_or(rest.len())]
    }
}

/// The leaves of a `use` tree: each whole path, and the name under which it is known.
fn leaves(tokens: &[Token], before: &Names) -> Vec<(Names, String)> {
    let brace = tokens.iter().position(|token| token.is('{'));
    let head = &tokens[..brace.unwrap_or(tokens.len())];
    let words = head.iter().filter_map(Token::word).map(str::to_owned);
    let mut path: Names = before.iter().cloned().chain(words).collect();
    if let Some(brace) = brace {
        let parts = parts(&tokens[brace + 1..]).into_iter();
        return parts.flat_map(|part| leaves(part, &path)).collect();
    }
    let alias = path.iter().position(|name| name == "as");
    let alias = alias.and_then(|at| path.drain(at..).next_back());
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let known_as = alias.or_else(|| path.last().cloned()).unwrap_or_default();
    vec![(path, known_as)]
}

/// What is between the commas of a brace, up to its end.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        let end = depth == 0 && token.is('}');
        if end || (depth == 0 && token.is(',')) {
            parts.push(&tokens[start..at]);
            start = at + 1;
        }
        if end {
            break;
        }
        depth += usize::from(token.is('{'));
        depth -= usize::from(token.is('}'));
    }
    parts.retain(|part| !part.is_empty());
    parts
}
