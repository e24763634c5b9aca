//! `sealer.toml`: the service that accepts what the senders send.

use std::fmt::Write as _;

use super::declared::DeclaredLog;
use super::model::TlsModel;
use super::program::{EVENT_ID, EVENT_ID_ELEMENT, SyslogPorts, Way};

/// Where the sealer listens by default.
pub(super) const LISTEN: &str = "127.0.0.1:9880";
const FOLDER: &str = "/etc/auditlog";
const SPOOL: &str = "/var/lib/auditlog/spool";

/// How the service is set up on its machine.
pub(super) struct Service<'a> {
    pub(super) listen: Option<&'a str>,
    /// Where the trust policy and the tokens are.
    pub(super) folder: Option<&'a str>,
    pub(super) spool: Option<&'a str>,
    pub(super) ack: Option<&'a str>,
    /// What the listener shows to senders.
    pub(super) tls: Option<&'a TlsModel>,
    pub(super) sources: Vec<(&'a str, Way)>,
    pub(super) ports: SyslogPorts,
}

impl Service<'_> {
    pub(super) fn folder(&self) -> &str {
        self.folder.unwrap_or(FOLDER)
    }

    pub(super) fn spool(&self) -> &str {
        self.spool.unwrap_or(SPOOL)
    }
}

/// The file. Only what differs from the defaults of the sealer is in it.
pub(super) fn sealer_toml(log: &DeclaredLog, service: &Service<'_>) -> String {
    let folder = service.folder();
    let mut text = format!(
        "# The sealer of {origin}. Rendered by auditlog_pipeline, do not edit.\n\
         # {folder}/trust-policy.json is the trust policy, and {folder}/tokens/ has one file for each source, of at least 16 random\n\
         # characters: openssl rand -hex 32\n\n\
         [[logs]]\n\
         policy = \"{folder}/trust-policy.json\"\n\
         origin = \"{origin}\"\n\
         spool = \"{spool}\"\n\
         ack = \"{ack}\"\n",
        origin = log.origin,
        spool = service.spool(),
        ack = service.ack.unwrap_or("synced"),
    );
    if let Some(seconds) = log.max_segment_seconds {
        _ = writeln!(text, "max_segment_seconds = {seconds}");
    }
    let listen = service.listen.unwrap_or(LISTEN);
    // by these ids, a request that is sent again is stored once
    _ = write!(
        text,
        "\n[[http]]\nlisten = \"{listen}\"\nevent_id = \"{EVENT_ID}\"\n"
    );
    if let Some(tls) = &service.tls {
        _ = write!(
            text,
            "\n[http.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            tls.certificate, tls.key
        );
    }
    for (source, way) in &service.sources {
        if *way == Way::Http {
            _ = write!(
                text,
                "\n[[http.token]]\nsource = \"{source}\"\nfile = \"{folder}/tokens/{source}\"\n"
            );
        }
    }
    push_syslog(&mut text, service, (Way::Relp, "relp", service.ports.relp));
    push_syslog(&mut text, service, (Way::Tcp, "tcp", service.ports.tcp));
    text
}

/// A listener for senders of syslog, where there are any. Without certificates, there is one sender, and the listener names it.
fn push_syslog(text: &mut String, service: &Service<'_>, (way, transport, port): (Way, &str, u16)) {
    let mut sources = service.sources.iter().filter(|(_, of)| *of == way);
    let Some((source, _)) = sources.next() else {
        return;
    };
    let address = service.listen.unwrap_or(LISTEN);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    _ = write!(
        text,
        "\n[[syslog]]\nname = \"{transport}\"\ntransport = \"{transport}\"\nlisten = \"{host}:{port}\"\n\
         event_id = \"{EVENT_ID_ELEMENT}/{EVENT_ID}\"\n"
    );
    let with_senders = service
        .tls
        .and_then(|tls| Some((tls, tls.client_ca.as_ref()?)));
    match with_senders {
        Some((tls, client_ca)) => {
            _ = write!(
                text,
                "\n[syslog.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{client_ca}\"\n",
                tls.certificate, tls.key
            );
        }
        None => _ = writeln!(text, "source = \"{source}\""),
    }
}
