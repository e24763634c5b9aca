//! `sealer.toml`: the service that accepts what the senders send.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::declared::DeclaredLog;
use super::model::TlsModel;
use super::program::{EVENT_ID, EVENT_ID_ELEMENT, Ports, Way};

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
    pub(super) ports: Ports,
}

impl Service<'_> {
    pub(super) fn folder(&self) -> &str {
        self.folder.unwrap_or(FOLDER)
    }

    /// The address of each listener.
    fn host(&self) -> &str {
        let address = self.listen.unwrap_or(LISTEN);
        address.rsplit_once(':').map_or(address, |(host, _)| host)
    }

    pub(super) fn spool(&self) -> &str {
        self.spool.unwrap_or(SPOOL)
    }

    /// The port of each listener, by its name.
    pub(super) fn listeners(&self) -> BTreeMap<String, u32> {
        let address = self.listen.unwrap_or(LISTEN);
        let port = address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let needed = |way: Way| self.sources.iter().any(|(_, of)| *of == way);
        let beside = [
            ("relp", Way::Relp, self.ports.relp),
            ("tcp", Way::Tcp, self.ports.tcp),
            ("lumberjack", Way::Lumberjack, self.ports.lumberjack),
        ];
        let beside = beside.into_iter().filter(|(_, way, _)| needed(*way));
        let beside = beside.map(|(name, _, port)| (name, u32::from(port)));
        let all = port.map(|port| ("http", port)).into_iter().chain(beside);
        all.map(|(name, port)| (name.to_owned(), port)).collect()
    }

    /// The sources that have a secret.
    pub(super) fn tokens(&self) -> Vec<String> {
        let with = self
            .sources
            .iter()
            .filter(|(_, way)| way.secret().is_some());
        with.map(|(source, _)| (*source).to_owned()).collect()
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
        if let Some(table) = way.secret() {
            _ = write!(
                text,
                "\n[[http.{table}]]\nsource = \"{source}\"\nfile = \"{folder}/tokens/{source}\"\n"
            );
        }
    }
    push_syslog(&mut text, service, (Way::Relp, "relp", service.ports.relp));
    push_syslog(&mut text, service, (Way::Tcp, "tcp", service.ports.tcp));
    push_lumberjack(&mut text, service);
    text
}

/// A listener for senders of syslog, where there are any. Without certificates, there is one sender, and the listener names it.
fn push_syslog(text: &mut String, service: &Service<'_>, (way, transport, port): (Way, &str, u16)) {
    let mut sources = service.sources.iter().filter(|(_, of)| *of == way);
    let Some((source, _)) = sources.next() else {
        return;
    };
    let host = service.host();
    _ = write!(
        text,
        "\n[[syslog]]\nname = \"{transport}\"\ntransport = \"{transport}\"\nlisten = \"{host}:{port}\"\n\
         event_id = \"{EVENT_ID_ELEMENT}/{EVENT_ID}\"\n"
    );
    push_identity(text, service, "syslog", source);
}

/// The same for Beats.
fn push_lumberjack(text: &mut String, service: &Service<'_>) {
    let mut sources = service.sources.iter();
    let Some((source, _)) = sources.find(|(_, way)| *way == Way::Lumberjack) else {
        return;
    };
    let (host, port) = (service.host(), service.ports.lumberjack);
    _ = write!(
        text,
        "\n[[lumberjack]]\nlisten = \"{host}:{port}\"\nevent_id = \"{EVENT_ID}\"\n"
    );
    push_identity(text, service, "lumberjack", source);
}

/// A certificate of each sender, or the name of the only one.
fn push_identity(text: &mut String, service: &Service<'_>, table: &str, source: &str) {
    let with_senders = service
        .tls
        .and_then(|tls| Some((tls, tls.client_ca.as_ref()?)));
    match with_senders {
        Some((tls, client_ca)) => {
            _ = write!(
                text,
                "\n[{table}.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{client_ca}\"\n",
                tls.certificate, tls.key
            );
        }
        None => _ = writeln!(text, "source = \"{source}\""),
    }
}
