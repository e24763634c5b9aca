//! `auditlog-seal.service`: the sealer under systemd.

use super::declared::DeclaredLog;
use super::sealer::Service;

/// The unit. It may write to its spool alone.
pub(super) fn sealer_unit(log: &DeclaredLog, service: &Service<'_>) -> String {
    format!(
        r"# The sealer of {origin} under systemd. Rendered by auditlog_pipeline, do not edit.
# Its user is made by: useradd --system auditlog
# and its spool by: install -d -o auditlog -m 0700 {spool}

[Unit]
Description=Sealer of the audit log {origin}
Wants=network-online.target
After=network-online.target time-sync.target

[Service]
User=auditlog
ExecStart=/usr/local/bin/auditlog-seal run --config {folder}/sealer.toml
Restart=always
RestartSec=5
# at the end it seals what it has accepted
TimeoutStopSec=90
LimitNOFILE=8192
UMask=0077
ReadWritePaths={spool}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
",
        origin = log.origin,
        folder = service.folder(),
        spool = service.spool(),
    )
}
