//! The schema of `auditlog_pipeline`.

use std::net::SocketAddr;

use tf_provider::{Attribute, Field, Fields, Nested, Schema, Type};

use super::programs::PROGRAMS;
use super::text::{check_of_service, check_path, check_pattern};
use crate::trust::values::parse_origin;

pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description("Files that point log shippers at a sealer so that nothing is lost on the way, and the sealer's own configuration. They are written once, from one declaration.")
        .attribute(
            "trust_policy",
            Attribute::required(Type::String)
                .description("Trust policy as JSON: `trust_policy` of an `auditlog_bucket`, or `json` of an `auditlog_trust_policy`."),
        )
        .attribute(
            "origin",
            Attribute::optional(Type::String)
                .description("Origin of the log, where the trust policy declares several. Default: its only log.")
                .validate(|origin: String| parse_origin(&origin).map(drop)),
        )
        .attribute(
            "url",
            Attribute::required(Type::String)
                .description("Where senders reach the sealer, such as `https://sealer.example:9880`. Without TLS, only the sender's own machine is accepted."),
        )
        .attribute("senders", Attribute::required(Nested::map(sender_fields())).description("Senders by name. The name is the source that the log says of each event; the token belongs to it."));
    results(service(schema))
}

fn service(schema: Schema) -> Schema {
    schema
        .attribute(
            "listen",
            Attribute::optional(Type::String)
                .description("Address and port on which the sealer listens. Default: `127.0.0.1:9880`, behind a proxy that ends TLS. Without `tls`, it must be a loopback address.")
                .validate(|text: String| check_listen(&text)),
        )
        .attribute(
            "folder",
            path("Folder of `trust-policy.json` and of `tokens/` on the sealer's machine. Default: `/etc/auditlog`.")
                .validate(|text: String| check_of_service(&text)),
        )
        .attribute(
            "spool",
            path("Folder of the sealer's spool. It must survive restarts: a folder such as `/tmp` or `/run` gives a warning. The unit hides `/home` and `/root`, so that they are refused. Default: `/var/lib/auditlog/spool`.")
                .validate(|text: String| check_of_service(&text)),
        )
        .attribute(
            "ack",
            Attribute::optional(Type::String)
                .description("When senders are answered: `synced`, once an event is on the sealer's disk, or `stored`, once it is under the lock. Default: `synced`.")
                .one_of(["synced", "stored"]),
        )
        .attribute(
            "tls",
            Attribute::optional(Nested::single(
                Fields::new()
                    .attribute("certificate", file("PEM file of the sealer's certificate, with those that lead to its authority."))
                    .attribute("key", file("PEM file of its private key."))
                    .attribute("client_ca", path("PEM file with the authority of the certificates of senders that have no token, such as rsyslog and Filebeat. Default: none, and no sender needs a certificate.")),
            ))
            .description("Certificate of the sealer, on its machine. Default: none, and a proxy before the sealer ends TLS."),
        )
        .attribute("relp_port", port("Port on which the sealer listens for RELP, where a sender needs it. Default: 2514."))
        .attribute("tcp_port", port("Port on which the sealer listens for syslog over TCP, where a sender needs it. Default: 6514."))
        .attribute("lumberjack_port", port("Port on which the sealer listens for Lumberjack, where a sender needs it. Default: 5044."))
}

fn results(schema: Schema) -> Schema {
    schema
        .attribute(
            "sealer_toml",
            Attribute::computed(Type::String).description("Configuration of the sealer, for `auditlog-seal run --config`. It has no secret."),
        )
        .attribute(
            "sealer_unit",
            Attribute::computed(Type::String).description("Unit of systemd for the sealer, `auditlog-sealer.service`. It reads `sealer.toml` in `folder` and may write to the spool alone."),
        )
        .attribute(
            "files",
            Attribute::computed(Type::map(Type::String)).description("Files for the senders, by the name of the sender, `/` and the name of the file. They have no secret: the token comes from `AUDITLOG_TOKEN`."),
        )
        .attribute(
            "limits",
            Attribute::computed(Type::map(Type::list(Type::String))).description("What each sender cannot promise, by its name. The files and a warning say it too."),
        )
        .attribute(
            "listeners",
            Attribute::computed(Type::map(Type::Number)).description("Ports on which the sealer listens: `http`, and `relp`, `tcp` and `lumberjack` where a sender needs them."),
        )
        .attribute(
            "tokens",
            Attribute::computed(Type::list(Type::String)).description("Senders that have a token or another secret, each in a file of its name in `tokens/` of `folder` on the sealer's machine."),
        )
}

fn sender_fields() -> Fields {
    let programs: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    Fields::new()
        .attribute(
            "program",
            Attribute::required(Type::String)
                .description(format!("Program that sends: `{}`.", programs.join("`, `")))
                .one_of(programs),
        )
        .attribute(
            "paths",
            Attribute::optional(Type::list(Type::String))
                .description("Files to follow, one event a line, at least one. `*` is allowed in the name of a file. Required for all programs but `kubernetes` and `hoop`, which follow no files.")
                .validate(|paths: Vec<Field<String>>| {
                    if paths.is_empty() {
                        return Err("Name at least one.".to_owned());
                    }
                    paths.iter().filter_map(Field::known).try_for_each(|path| check_pattern(path))
                }),
        )
        .attribute("ca_file", path("PEM file on the sender's machine with the certificates that the sealer's is checked with. Default: those of the system."))
        .attribute("certificate", path("PEM file on the sender's machine with its own certificate, whose subject the log has of each event. Needed by rsyslog and Filebeat, which have no token, behind https://. Default: none."))
        .attribute("key", path("PEM file of the private key of `certificate`. Default: none."))
        .attribute(
            "folder",
            path("Folder of buffer and read positions on the sender's machine. It must survive restarts, and no other sender may use it. Default: `/var/lib/auditlog-` and the name of the sender."),
        )
        .attribute(
            "buffer_megabytes",
            Attribute::optional(Type::Number)
                .description("Size of the buffer on disk. A full buffer stops the reading. Default: 512.")
                .range("megabytes", 300..=1_000_000_u32),
        )
        .attribute(
            "settings",
            Attribute::optional(Type::map(Type::String))
                .description("Settings of the program, by their own names. Those that lose events are refused, and so are those that are not known to lose nothing. Default: none."),
        )
}

fn file(description: &str) -> Attribute {
    Attribute::required(Type::String)
        .description(description)
        .validate(|text: String| check_path(&text))
}

fn path(description: &str) -> Attribute {
    Attribute::optional(Type::String)
        .description(description)
        .validate(|text: String| check_path(&text))
}

fn port(description: &str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .validate(|port: u32| check_port(port))
}

/// The first port that a program may listen on without a capability. The unit has none.
const FIRST_PORT: u32 = 1024;

fn check_port(port: u32) -> Result<(), String> {
    match port {
        FIRST_PORT..=65_535 => Ok(()),
        _ => Err(format!(
            "{port} is not a port from {FIRST_PORT} to 65535. The sealer's unit has no right to listen on one below."
        )),
    }
}

fn check_listen(text: &str) -> Result<(), String> {
    let address: Result<SocketAddr, _> = text.parse();
    match address {
        Ok(address) => check_port(address.port().into()),
        Err(_) => Err(format!(
            "{text:?} is not an address and a port, such as \"127.0.0.1:9880\"."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The unit has an empty `CapabilityBoundingSet`.
    #[test]
    fn ports_on_which_the_unit_may_not_listen_are_refused() {
        for (port, is_port) in [
            (0, false),
            (7, false),
            (1023, false),
            (1024, true),
            (65_535, true),
            (65_536, false),
        ] {
            assert_eq!(check_port(port).is_ok(), is_port, "{port}");
        }
        let refused = check_listen("0.0.0.0:443").unwrap_err();
        assert!(
            refused.starts_with("443 is not a port from 1024 to 65535"),
            "{refused}"
        );
        check_listen("[::1]:9880").unwrap();
    }
}
