//! `[[stdin]]`: standard input.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditlog_chain::builder::Source;
use auditlog_sealer::error::Error;
use auditlog_sealer::input::GivenName;
use auditlog_sealer::listen::Access;
use auditlog_sealer::service::{StandardInput, serve_standard_input};
use serde::Deserialize;

use crate::command::input::{Around, Input, Mistake, Serving};

/// Standard input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stdin {
    #[serde(default = "usual_name")]
    name: String,
    input: Option<String>,
    source: Option<String>,
    tag: Option<String>,
}

fn usual_name() -> String {
    "stdin".to_owned()
}

impl Input for Stdin {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        None
    }

    fn mistake(&self) -> Option<Mistake> {
        let input = self.input.as_deref();
        if input.is_some_and(|name| GivenName::parse(name).is_none()) {
            let expected = "the name of an input has 1 to 200 characters of printable ASCII without quote and backslash";
            return Some(("input", expected.to_owned()));
        }
        let source = self.source.as_deref();
        source.is_some_and(|text| Source::parse(text).is_none()).then(|| {
            let expected = "a source has 1 to 255 characters of printable ASCII without quote and backslash";
            ("source", expected.to_owned())
        })
    }

    fn access(&self, _: &Path) -> Result<Access, Error> {
        Ok(Access::default())
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let input = StandardInput {
            name: self.name.clone(),
            input: self.input.as_deref().and_then(GivenName::parse),
            started: (around.now)(),
            source: self
                .source
                .as_deref()
                .or(Some(&self.name))
                .and_then(Source::parse),
            tag: self.tag.clone(),
            router: Arc::clone(&around.router),
        };
        if input.input.is_none() {
            let name = &self.name;
            eprintln!(
                "warning: the input {name} has no name to go on under: after a crash, give it only what is not in the log; with input = \"…\", it may be given again"
            );
        }
        let name = self.name.clone();
        let serve = async move |ending| {
            let done = serve_standard_input(input, io::stdin(), ending).await;
            Ok(done?)
        };
        Ok(vec![Serving::that_may_fail(name, serve)])
    }
}
