//! What is known of a program that sends events. Each has a file of its own in `programs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::url::SealerUrl;

/// Field with an id that is made before the buffer, so that an event that is sent twice can be recognised.
pub(super) const EVENT_ID: &str = "auditlog_event_id";

/// Element of structured data that has it, in a message of syslog.
pub(super) const EVENT_ID_ELEMENT: &str = "auditlog@32473";

/// Largest line of a file that is followed. With its id and escapes, it fits the sealer's limit of 1 MiB for an event.
pub(super) const MAX_LINE_BYTES: u32 = 512 << 10;

/// Largest line where the program keeps sending what is refused, or drops it. Whatever is in it, it fits the sealer's limit: as JSON, a byte
/// is at most six.
pub(super) const SHORT_LINE_BYTES: u32 = 128 << 10;

/// A program that sends events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Value of `program`.
    pub(super) name: &'static str,
    /// Name and version, as its users know it.
    pub(super) title: &'static str,
    /// Settings that may be given.
    pub(super) tunable: &'static [Tunable],
    /// Settings that the files set so that nothing is lost.
    pub(super) fixed: &'static [Fixed],
    /// How it reaches the sealer.
    pub(super) way: Way,
    /// Where its events come from.
    pub(super) follows: Follows,
    /// What it cannot do, a sentence each.
    pub(super) limits: &'static [&'static str],
    /// Names and texts of its files.
    pub(super) render: fn(&Plan<'_>) -> Vec<(&'static str, String)>,
}

/// How a program reaches the sealer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// HTTP, with a token.
    Http,
    /// HTTP, with a token in a file.
    TokenFile,
    /// HTTP, with a signature.
    Webhook,
    /// RELP, with a certificate.
    Relp,
    /// Syslog over TCP, with a certificate.
    Tcp,
    /// Lumberjack, with a certificate.
    Lumberjack,
}

impl Way {
    /// The table of the listener for HTTP that has the secret of a sender.
    pub(super) const fn secret(self) -> Option<&'static str> {
        match self {
            Self::Http | Self::TokenFile => Some("token"),
            Self::Webhook => Some("webhook"),
            Self::Relp | Self::Tcp | Self::Lumberjack => None,
        }
    }
}

/// Where the events of a program come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// Files, through a buffer on the disk.
    Files,
    /// Its own work. It has no buffer on the disk.
    Itself,
}

/// A setting that loses nothing whatever it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tunable {
    pub(super) name: &'static str,
    pub(super) usual: u32,
    pub(super) least: u32,
    pub(super) most: u32,
}

/// A setting that would lose events with another value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    pub(super) why: &'static str,
}

/// What a program is to do.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) program: &'static Program,
    pub(super) source: &'a str,
    pub(super) origin: &'a str,
    pub(super) url: &'a SealerUrl,
    pub(super) paths: &'a [String],
    pub(super) ca_file: Option<&'a str>,
    /// The sender's own certificate and its key.
    pub(super) certificate: Option<(&'a str, &'a str)>,
    /// Where the sealer listens beside HTTP.
    pub(super) ports: Ports,
    /// Where buffer and positions are.
    pub(super) folder: String,
    pub(super) buffer_megabytes: u32,
    pub(super) settings: BTreeMap<&'static str, u32>,
}

/// Where the sealer listens beside HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) relp: u16,
    pub(super) tcp: u16,
    pub(super) lumberjack: u16,
}

impl Plan<'_> {
    /// A tunable setting, as it was given or as it usually is.
    pub(super) fn setting(&self, name: &str) -> u32 {
        self.settings.get(name).copied().unwrap_or_default()
    }

    /// The head of a file, each line of it after the sign of a comment.
    pub(super) fn head(&self) -> String {
        let token = match self.program.way {
            Way::Http => {
                "# AUDITLOG_TOKEN is the token of this source, in the environment of the program.\n"
            }
            Way::TokenFile | Way::Webhook | Way::Relp | Way::Tcp | Way::Lumberjack => "",
        };
        let folder = match self.program.follows {
            Follows::Files => format!(
                "# Create the folder {} first. It must belong to the user that the program runs as.\n",
                self.folder
            ),
            Follows::Itself => String::new(),
        };
        let mut text = format!(
            "# {}, the source {} of {}. Rendered by auditlog_pipeline, do not edit.\n\
             {token}{folder}# What it cannot promise:\n",
            self.program.title, self.source, self.origin
        );
        for limit in self.program.limits {
            // writing into a string cannot fail
            _ = writeln!(text, "# - {limit}");
        }
        text
    }

    /// The paths in quotes, with this between them.
    pub(super) fn quoted_paths(&self, between: &str) -> String {
        let paths: Vec<String> = self
            .paths
            .iter()
            .map(|path| format!("\"{path}\""))
            .collect();
        paths.join(between)
    }
}

/// Every status by which the sealer, or a proxy before it, may not accept a request, with this between them. Load balancers make up
/// their own, such as 460 and 520. A program that can choose tries again on each: a wrong token or a wrong event then stops the pipeline,
/// somebody looks, and nothing is lost.
pub(super) fn not_accepted(between: &str) -> String {
    let statuses: Vec<String> = (300..=599).map(|status: u16| status.to_string()).collect();
    statuses.join(between)
}
