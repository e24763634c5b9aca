//! A sender as it was declared, once everything that would lose events is refused.

use std::collections::BTreeMap;

use tf_provider::{Diagnostic, Result};

use super::model::SenderModel;
use super::program::{Plan, Program};
use super::programs::program;
use super::text::check_source;
use super::url::SealerUrl;

/// Enough for hours of most logs; Vector accepts no less than 256 MiB.
const USUAL_BUFFER_MEGABYTES: u32 = 512;

/// A sender that may be rendered.
#[derive(Debug)]
pub(super) struct Sender<'a>(Plan<'a>);

impl<'a> Sender<'a> {
    /// # Errors
    /// As [`check`].
    pub(super) fn parse(
        source: &'a str,
        model: &'a SenderModel,
        (origin, url): (&'a str, &'a SealerUrl),
    ) -> Result<Self> {
        let (program, settings) = check(source, model, Some(url))?;
        let folder = model.folder.clone();
        Ok(Self(Plan {
            program,
            source,
            origin,
            url,
            paths: &model.paths,
            ca_file: model.ca_file.as_deref(),
            folder: folder.unwrap_or_else(|| format!("/var/lib/auditlog-{source}")),
            buffer_megabytes: model.buffer_megabytes.unwrap_or(USUAL_BUFFER_MEGABYTES),
            settings,
        }))
    }

    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        (self.0.program.render)(&self.0)
    }

    pub(super) fn limits(&self) -> Vec<String> {
        self.0
            .program
            .limits
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

type Settings = BTreeMap<&'static str, u32>;

/// Checks what needs no trust policy, and finds the program and its settings.
///
/// # Errors
/// A name that is not one of a file, a setting that loses events or is not known, or an authority without TLS.
pub(super) fn check(
    source: &str,
    model: &SenderModel,
    url: Option<&SealerUrl>,
) -> Result<(&'static Program, Settings)> {
    let wrong = |detail: String| {
        Diagnostic::error(format!("The sender {source} is refused"), detail).at("senders")
    };
    check_source(source).map_err(wrong)?;
    let program = program(&model.program)
        .ok_or_else(|| wrong(format!("{:?} is not one of the programs.", model.program)))?;
    if model.ca_file.is_some() && url.is_some_and(|url| !url.is_encrypted()) {
        return Err(wrong("`ca_file` is for a sealer behind https://.".to_owned()).into());
    }
    let given = model.settings.iter().flatten();
    let settings = settings(program, given).map_err(wrong)?;
    Ok((program, settings))
}

fn settings<'a>(
    program: &Program,
    given: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<Settings, String> {
    let usual = program.tunable.iter().map(|one| (one.name, one.usual));
    let mut settings: Settings = usual.collect();
    for (name, value) in given {
        if let Some(fixed) = program.fixed.iter().find(|one| one.name == name) {
            if fixed.value == value {
                continue;
            }
            return Err(format!(
                "{name} = {value:?} loses events: {} The file sets it to {:?}.",
                fixed.why, fixed.value
            ));
        }
        let Some(tunable) = program.tunable.iter().find(|one| one.name == name) else {
            return Err(unknown(program, name));
        };
        let range = tunable.least..=tunable.most;
        let number = value.parse().ok().filter(|number| range.contains(number));
        let number = number.ok_or_else(|| {
            format!(
                "{name} = {value:?} is not a whole number from {} to {}.",
                tunable.least, tunable.most
            )
        })?;
        settings.insert(tunable.name, number);
    }
    Ok(settings)
}

fn unknown(program: &Program, name: &str) -> String {
    let names: Vec<&str> = program.tunable.iter().map(|one| one.name).collect();
    format!(
        "{name:?} is not a setting of {} that is known to lose nothing. These are: {}.",
        program.name,
        names.join(", ")
    )
}
