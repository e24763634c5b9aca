//! `auditlog-sealer.service`: the unit that comes with the sealer, with the paths of this one.

use super::declared::DeclaredLog;
use super::sealer::Service;

const UNIT: &str = include_str!("../../../sealer/auditlog-sealer.service");
const CONFIGURATION: &str = "/etc/auditlog/sealer.toml";
/// What the unit lets the sealer write to.
const STATE: &str = "/var/lib/auditlog/";

/// The unit. It may write to its spool, and to the folder of state that systemd makes.
pub(super) fn sealer_unit(log: &DeclaredLog, service: &Service<'_>) -> String {
    let configuration = format!("{}/sealer.toml", service.folder());
    let unit = UNIT.replace(CONFIGURATION, &configuration);
    let spool = service.spool();
    let unit = if spool.starts_with(STATE) {
        unit
    } else {
        let mask = "UMask=0077\n";
        unit.replace(mask, &format!("{mask}ReadWritePaths={spool}\n"))
    };
    format!(
        "# For {}. Rendered by auditlog_pipeline, do not edit.\n{unit}",
        log.origin
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::program::Ports;

    fn unit(folder: Option<&str>, spool: Option<&str>) -> String {
        let log = DeclaredLog {
            origin: "acme.example/payments".to_owned(),
            max_segment_seconds: None,
        };
        let service = Service {
            listen: None,
            folder,
            spool,
            ack: None,
            tls: None,
            sources: Vec::new(),
            ports: Ports {
                relp: 1,
                tcp: 2,
                lumberjack: 3,
            },
        };
        sealer_unit(&log, &service)
    }

    #[test]
    fn unit_is_that_of_the_sealer_with_other_paths() {
        let usual = unit(None, None);
        assert!(usual.ends_with(UNIT), "{usual}");
        assert!(UNIT.contains(CONFIGURATION) && UNIT.contains("StateDirectory=auditlog\n"));
        let other = unit(Some("/opt/seal"), Some("/data/spool"));
        for line in [
            "run --config /opt/seal/sealer.toml\n",
            "\nReadWritePaths=/data/spool\n",
        ] {
            assert!(other.contains(line), "{other}");
        }
        assert!(!other.contains(CONFIGURATION), "{other}");
    }
}
