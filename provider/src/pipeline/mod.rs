//! `auditlog_pipeline`: ready files that point log shippers at a sealer, and the sealer's own configuration.
//!
//! It calls nothing: the same arguments give the same files. What would lose events is not rendered: buffers are on disk, a full
//! buffer stops the reading, every request is tried again until the sealer answers that the events are safe, and each event has
//! an id from before the buffer. Its file and a warning name what a program cannot do.

mod declared;
mod model;
mod program;
mod programs;
mod schema;
mod sealer;
mod sender;
mod text;
mod unit;
mod url;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tf_provider::{
    AttributePath, Context, DataSource, Diagnostic, Field, FromValue as _, Object, Result, Schema,
    Value,
};

use crate::account::Account;
use declared::declared;
use model::TlsModel;
pub use model::{PipelineModel, SenderModel};
use program::{Ports, Way};
use sealer::{LISTEN, Service, sealer_toml};
use sender::{Sender, check, check_folders};
use text::volatile;
use unit::sealer_unit;
use url::SealerUrl;

/// The data source.
#[derive(Debug, Clone, Copy)]
pub struct PipelineSource;

impl DataSource for PipelineSource {
    const NAME: &'static str = "auditlog_pipeline";
    type Data = Account;
    type Model = PipelineModel;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    /// The trust policy is often not known before the apply: what needs none of it is refused before.
    fn validate(&self, config: &Object) -> Result {
        let url = config.get::<Field<String>>("url")?;
        let url = url.known().map(|url| parse_url(url)).transpose()?;
        // Later or now, a certificate that is not null is one.
        let tls = if config.value("tls").is_null() {
            Tls::Unset
        } else {
            Tls::Set
        };
        if let Value::String(listen) = config.value("listen") {
            check_listener(Some(listen.as_str()), tls)?;
        }
        let Value::Map(senders) = config.value("senders") else {
            return Ok(());
        };
        let (mut known, mut ways) = (BTreeMap::new(), Vec::new());
        for (source, value) in senders.iter().filter(|(_, value)| value.is_wholly_known()) {
            let path = AttributePath::from("senders").key(source.as_str());
            let model = SenderModel::from_value(value.clone(), &path)?;
            let (program, _) = check(source, &model, url.as_ref())?;
            ways.push(program.way);
            known.insert(source.clone(), model);
        }
        check_ports(&Listeners {
            listen: config.get("listen")?,
            relp: config.get("relp_port")?,
            tcp: config.get("tcp_port")?,
            lumberjack: config.get("lumberjack_port")?,
            ways: &ways,
        })?;
        check_folders(known.iter(), config.value("spool").as_str())
    }

    async fn read(&self, cx: &Context<Account>, config: PipelineModel) -> Result<PipelineModel> {
        let rendered = render(&config)?;
        if let Some(warning) = lost_on_restart(&rendered.volatile) {
            cx.warn(warning);
        }
        for (source, limits) in &rendered.limits {
            cx.warn(limited(source, limits));
        }
        Ok(PipelineModel {
            sealer_toml: rendered.sealer_toml.into(),
            sealer_unit: rendered.sealer_unit.into(),
            files: rendered.files.into(),
            limits: rendered.limits.into(),
            listeners: rendered.listeners.into(),
            tokens: rendered.tokens.into(),
            ..config
        })
    }
}

fn parse_url(url: &str) -> Result<SealerUrl> {
    SealerUrl::parse(url).map_err(|wrong| {
        Diagnostic::error("Events would not be safe on the way", wrong)
            .at("url")
            .into()
    })
}

/// Without TLS, the sealer listens on its own machine alone.
fn check_listener(listen: Option<&str>, tls: Tls) -> Result {
    let Some(Ok(address)) = listen.map(str::parse::<SocketAddr>) else {
        return Ok(());
    };
    if tls == Tls::Set || address.ip().is_loopback() {
        return Ok(());
    }
    let detail = format!(
        "A sealer that listens on {address} without TLS lets everybody on the way read tokens, and read and change events. Set `tls`, or listen on a loopback address behind a proxy that ends TLS."
    );
    Err(
        Diagnostic::error("Events would not be safe on the way", detail)
            .at("listen")
            .into(),
    )
}

/// Whether the sealer has a certificate of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Unset,
    Set,
}

/// What the data source exports.
struct Rendered {
    sealer_toml: String,
    sealer_unit: String,
    files: BTreeMap<String, String>,
    limits: BTreeMap<String, Vec<String>>,
    listeners: BTreeMap<String, u32>,
    tokens: Vec<String>,
    /// Folders with events that do not last, a sentence each.
    volatile: Vec<String>,
}

fn render(config: &PipelineModel) -> Result<Rendered> {
    let log = declared(&config.trust_policy, config.origin.as_deref())?;
    let url = parse_url(&config.url)?;
    let tls = if config.tls.is_some() {
        Tls::Set
    } else {
        Tls::Unset
    };
    check_listener(config.listen.as_deref(), tls)?;
    let ports = ports(config);
    let (mut files, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let (mut sources, mut lost) = (Vec::new(), Vec::new());
    for (source, model) in &config.senders {
        let sender = Sender::parse(source, model, (&log.origin, &url), ports)?;
        for (name, text) in sender.files() {
            files.insert(format!("{source}/{name}"), text);
        }
        limits.insert(source.clone(), sender.limits());
        sources.push((source.as_str(), sender.way()));
        lost.extend(sender.folder().and_then(volatile));
    }
    check_tokenless(&sources, &url, config.tls.as_ref())?;
    let ways: Vec<Way> = sources.iter().map(|(_, way)| *way).collect();
    check_ports(&Listeners {
        listen: config.listen.clone().into(),
        relp: config.relp_port.into(),
        tcp: config.tcp_port.into(),
        lumberjack: config.lumberjack_port.into(),
        ways: &ways,
    })?;
    let service = Service {
        listen: config.listen.as_deref(),
        folder: config.folder.as_deref(),
        spool: config.spool.as_deref(),
        ack: config.ack.as_deref(),
        tls: config.tls.as_ref(),
        sources,
        ports,
    };
    check_folders(config.senders.iter(), Some(service.spool()))?;
    lost.extend(volatile(service.spool()));
    Ok(Rendered {
        sealer_toml: sealer_toml(&log, &service),
        sealer_unit: sealer_unit(&log, &service),
        listeners: service.listeners(),
        tokens: service.tokens(),
        files,
        limits,
        volatile: lost,
    })
}

fn lost_on_restart(volatile: &[String]) -> Option<Diagnostic> {
    let detail = format!(
        "{}\n\nName folders that last, such as those in /var/lib.",
        volatile.join("\n")
    );
    let warning = Diagnostic::warning("Accepted events would be lost on a restart", detail);
    (!volatile.is_empty()).then(|| warning.at("spool"))
}

const RELP_PORT: u16 = 2514;
const TCP_PORT: u16 = 6514;
const LUMBERJACK_PORT: u16 = 5044;

fn ports(config: &PipelineModel) -> Ports {
    let port = |port: Option<u32>, usual| {
        port.and_then(|port| u16::try_from(port).ok())
            .unwrap_or(usual)
    };
    Ports {
        relp: port(config.relp_port, RELP_PORT),
        tcp: port(config.tcp_port, TCP_PORT),
        lumberjack: port(config.lumberjack_port, LUMBERJACK_PORT),
    }
}

/// Where the sealer is to listen, and the ways that its senders take.
struct Listeners<'a> {
    listen: Field<String>,
    relp: Field<u32>,
    tcp: Field<u32>,
    lumberjack: Field<u32>,
    ways: &'a [Way],
}

/// Checks that no two listeners have one port. Those beside HTTP are there where a sender needs them.
fn check_ports(listeners: &Listeners<'_>) -> Result {
    let of = |way: Way, port: &Field<u32>, usual: u16| match port {
        _ if !listeners.ways.contains(&way) => None,
        Field::Null => Some(u32::from(usual)),
        Field::Unknown => None,
        Field::Known(port) => Some(*port),
    };
    let listen = match &listeners.listen {
        Field::Null => Some(LISTEN),
        Field::Unknown => None,
        Field::Known(listen) => Some(listen.as_str()),
    };
    let listen = listen.and_then(|listen| listen.parse::<SocketAddr>().ok());
    let lumberjack = of(Way::Lumberjack, &listeners.lumberjack, LUMBERJACK_PORT);
    let ports = [
        ("listen", listen.map(|address| address.port().into())),
        ("relp_port", of(Way::Relp, &listeners.relp, RELP_PORT)),
        ("tcp_port", of(Way::Tcp, &listeners.tcp, TCP_PORT)),
        ("lumberjack_port", lumberjack),
    ];
    let mut rest = ports.as_slice();
    while let [(one, port), others @ ..] = rest {
        let same = others
            .iter()
            .find(|(_, other)| port.is_some() && other == port);
        if let (Some((other, _)), Some(port)) = (same, port) {
            let detail = format!(
                "`{one}` and `{other}` have the port {port}, and the sealer can listen there once. Give each its own."
            );
            return Err(Diagnostic::error("The sealer could not start", detail)
                .at(*other)
                .into());
        }
        rest = others;
    }
    Ok(())
}

/// Senders without a token are distinguished by their certificates, which the sealer itself must see.
fn check_tokenless(sources: &[(&str, Way)], url: &SealerUrl, tls: Option<&TlsModel>) -> Result {
    for way in [Way::Relp, Way::Tcp, Way::Lumberjack] {
        let of_way: Vec<&str> = sources
            .iter()
            .filter(|(_, of)| *of == way)
            .map(|(name, _)| *name)
            .collect();
        let Some(first) = of_way.first() else {
            continue;
        };
        let asks = tls.is_some_and(|tls| tls.client_ca.is_some());
        let detail = if url.is_encrypted() && !asks {
            format!(
                "The sealer must see the certificate of {first}: set `tls` with `client_ca`, the authority that signed it."
            )
        } else if !url.is_encrypted() && asks {
            format!(
                "{first} reaches the sealer without TLS, which `client_ca` asks for. Use https:// in `url`."
            )
        } else if !url.is_encrypted() && of_way.len() > 1 {
            format!(
                "Without TLS, nothing distinguishes {}. Use https:// in `url`, or one sender.",
                of_way.join(" and ")
            )
        } else {
            continue;
        };
        return Err(
            Diagnostic::error("The log would not say who sent an event", detail)
                .at("senders")
                .into(),
        );
    }
    Ok(())
}

fn limited(source: &str, limits: &[String]) -> Diagnostic {
    let lines: Vec<String> = limits.iter().map(|limit| format!("- {limit}")).collect();
    let detail = format!(
        "Nothing in the rendered file can change this, and the file says it too:\n\n{}",
        lines.join("\n")
    );
    Diagnostic::warning(format!("What the sender {source} cannot promise"), detail).at("senders")
}

#[cfg(test)]
mod tests;
