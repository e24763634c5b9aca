//! The parts of a message, as far as it has them.

use super::data::Data;

/// The parts of a message. All but the text are printable ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// Facility times eight, plus the severity.
    pub priority: u8,
    /// That of RFC 5424.
    pub version: Option<&'a str>,
    /// As it came: those of RFC 3164 have neither a year nor a zone.
    pub timestamp: Option<&'a str>,
    /// Name of the machine.
    pub hostname: Option<&'a str>,
    /// Name of the program; the tag of RFC 3164.
    pub app_name: Option<&'a str>,
    /// Process of the program.
    pub proc_id: Option<&'a str>,
    /// Kind of the message.
    pub msg_id: Option<&'a str>,
    /// Structured data.
    pub(super) data: Data<'a>,
    /// What is left, without a byte order mark before it and line ends after it.
    pub text: Option<&'a [u8]>,
}

impl Message<'_> {
    /// Keyword of the facility (RFC 5424, section 6.2.1).
    pub fn facility(&self) -> &'static str {
        let number = usize::from(self.priority.div_euclid(8));
        FACILITIES.get(number).copied().unwrap_or_default()
    }

    /// Keyword of the severity.
    pub fn severity(&self) -> &'static str {
        let number = usize::from(self.priority.rem_euclid(8));
        SEVERITIES.get(number).copied().unwrap_or_default()
    }

    /// Whether structured data has a parameter with a value: the name of its element, `/`, and its own name.
    pub fn has_parameter(&self, path: &str) -> bool {
        path.split_once('/')
            .is_some_and(|(element, name)| self.data.has(element, name))
    }
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];
