//! A sender as it was declared, once everything that would lose events is refused.

use std::collections::BTreeMap;

use tf_provider::{Diagnostic, Result};

use super::model::SenderModel;
use super::program::{Follows, Plan, Ports, Program, Way};
use super::programs::program;
use super::text::{check_source, is_within};
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
        ports: Ports,
    ) -> Result<Self> {
        let (program, settings) = check(source, model, Some(url))?;
        Ok(Self(Plan {
            program,
            source,
            origin,
            url,
            paths: model.paths.as_deref().unwrap_or_default(),
            ca_file: model.ca_file.as_deref(),
            certificate: model.certificate.as_deref().zip(model.key.as_deref()),
            ports,
            folder: folder_of(source, model),
            buffer_megabytes: model.buffer_megabytes.unwrap_or(USUAL_BUFFER_MEGABYTES),
            settings,
        }))
    }

    pub(super) fn way(&self) -> Way {
        self.0.program.way
    }

    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        (self.0.program.render)(&self.0)
    }

    /// Where its buffer is, if it has one.
    pub(super) fn folder(&self) -> Option<&str> {
        (self.0.program.follows == Follows::Files).then_some(self.0.folder.as_str())
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

/// Where a sender keeps buffer and positions.
fn folder_of(source: &str, model: &SenderModel) -> String {
    let named = model.folder.clone();
    named.unwrap_or_else(|| format!("/var/lib/auditlog-{source}"))
}

/// Checks that each sender has a folder of its own, outside of the spool. Two programs in one buffer lose or repeat what is in it, and
/// whether they run on one machine is not known.
///
/// # Errors
/// The first two that share one.
pub(super) fn check_folders<'a>(
    senders: impl Iterator<Item = (&'a String, &'a SenderModel)>,
    spool: Option<&str>,
) -> Result {
    let mut used: Vec<(String, String)> = spool
        .map(|spool| ("`spool`".to_owned(), spool.to_owned()))
        .into_iter()
        .collect();
    let has_buffer = |model: &SenderModel| {
        program(&model.program).is_some_and(|program| program.follows == Follows::Files)
    };
    for (source, model) in senders.filter(|(_, model)| has_buffer(model)) {
        let folder = folder_of(source, model);
        let meets = |other: &str| is_within(&folder, other) || is_within(other, &folder);
        if let Some((owner, other)) = used.iter().find(|(_, other)| meets(other)) {
            let detail = format!(
                "Its `folder`, {folder:?}, overlaps {other:?} of {owner}: on one machine, two programs in one buffer lose events or send \
                 them twice. Leave `folder` out, or give each sender its own."
            );
            return Err(refused(source, detail).into());
        }
        used.push((format!("the sender {source}"), folder));
    }
    Ok(())
}

fn refused(source: &str, detail: String) -> Diagnostic {
    Diagnostic::error(format!("The sender {source} is refused"), detail).at("senders")
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
    let wrong = |detail: String| refused(source, detail);
    check_source(source).map_err(wrong)?;
    let program = program(&model.program)
        .ok_or_else(|| wrong(format!("{:?} is not one of the programs.", model.program)))?;
    if model.ca_file.is_some() && url.is_some_and(|url| !url.is_encrypted()) {
        return Err(wrong("`ca_file` is for a sealer behind https://.".to_owned()).into());
    }
    check_follows(program, model).map_err(wrong)?;
    let is_encrypted = url.map(SealerUrl::is_encrypted);
    check_certificate(program.way, model, is_encrypted).map_err(wrong)?;
    let given = model.settings.iter().flatten();
    let settings = settings(program, given).map_err(wrong)?;
    Ok((program, settings))
}

/// Only a program that follows files has some, and a buffer.
fn check_follows(program: &Program, model: &SenderModel) -> Result<(), String> {
    let given = model.paths.as_ref();
    let given = [
        ("paths", given.is_some()),
        ("folder", model.folder.is_some()),
        ("buffer_megabytes", model.buffer_megabytes.is_some()),
    ];
    match program.follows {
        Follows::Files if model.paths.is_none() => {
            Err(format!("{} follows files: set `paths`.", program.name))
        }
        Follows::Files => Ok(()),
        Follows::Itself => match given.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(format!(
                "`{name}` is for programs that follow files, and {} sends its own events.",
                program.name
            )),
            None => Ok(()),
        },
    }
}

/// Over HTTP, a token says who sends. Over syslog and Lumberjack, a certificate does; on one machine, the listener says it.
fn check_certificate(
    way: Way,
    model: &SenderModel,
    is_encrypted: Option<bool>,
) -> Result<(), String> {
    if model.certificate.is_some() != model.key.is_some() {
        return Err("`certificate` and `key` belong together.".to_owned());
    }
    match (way, is_encrypted) {
        (Way::Webhook, Some(false)) => Err(
            "hoop sends from elsewhere: it reaches a sealer behind https:// alone.".to_owned(),
        ),
        (Way::Webhook, _) if model.ca_file.is_some() => Err(
            "`ca_file` is not for hoop: its certificate is checked with the public authorities.".to_owned(),
        ),
        (Way::Http | Way::TokenFile | Way::Webhook, _) if model.certificate.is_some() => {
            Err("`certificate` is for rsyslog and Filebeat. Over HTTP, the token says who sends.".to_owned())
        }
        (Way::Relp | Way::Tcp | Way::Lumberjack, Some(true))
            if model.certificate.is_none() || model.ca_file.is_none() =>
        {
            Err("It has no token, so its certificate says who sends. Set `certificate`, `key` and `ca_file`.".to_owned())
        }
        (Way::Relp | Way::Tcp | Way::Lumberjack, Some(false)) if model.certificate.is_some() => {
            Err("`certificate` is for a sealer behind https://.".to_owned())
        }
        (
            Way::Http | Way::TokenFile | Way::Webhook | Way::Relp | Way::Tcp | Way::Lumberjack,
            _,
        ) => Ok(()),
    }
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
    if names.is_empty() {
        return format!(
            "{name:?} is not a setting of {}: none is left open.",
            program.name
        );
    }
    format!(
        "{name:?} is not a setting of {} that is known to lose nothing. These are: {}.",
        program.name,
        names.join(", ")
    )
}
