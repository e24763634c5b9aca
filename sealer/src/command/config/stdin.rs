//! `[[stdin]]`: standard input.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use auditlog_chain::builder::Source;
use auditlog_sealer::error::Error;
use auditlog_sealer::input::GivenName;
use auditlog_sealer::level::Level;
use auditlog_sealer::listen::Access;
use auditlog_sealer::service::{StandardInput, serve_standard_input};
use serde::Deserialize;

use super::access::SOURCE;
use super::file::GIVEN_NAME;
use crate::command::input::{Around, Input, Serving, Tags, Wrong};
use crate::command::journal::say_of_input;

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

    fn mistakes(&self) -> Vec<Wrong> {
        let name = self.input.as_deref();
        let name = name.filter(|name| GivenName::parse(name).is_none());
        let name = name.map(|name| {
            Wrong::new(
                "input",
                format!("{name:?} cannot be the name of an input"),
                GIVEN_NAME,
            )
        });
        let source = self.source.as_deref();
        let source = source.filter(|text| Source::parse(text).is_none());
        let source = source.map(|text| {
            Wrong::new(
                "source",
                format!("{text:?} cannot be a source in the log"),
                SOURCE,
            )
        });
        name.into_iter().chain(source).collect()
    }

    fn tags(&self) -> Tags<'_> {
        Tags::Always(self.tag.as_deref())
    }

    fn access(&self) -> Result<Access, Vec<Wrong>> {
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
            let message = format!(
                "the input {name} has no name to go on under: after a crash, give it only what is not in the log; with input = \"…\", it may be given again"
            );
            say_of_input(Level::Warning, name, &message);
        }
        let name = self.name.clone();
        let serve = async move |ending| {
            let done = serve_standard_input(input, io::stdin(), ending).await;
            Ok(done?)
        };
        Ok(vec![Serving::that_may_fail(name, serve)])
    }
}
