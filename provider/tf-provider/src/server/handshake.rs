//! What Terraform says through the environment when it starts a provider.

use std::path::PathBuf;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Shows that Terraform started the process. It is not a secret.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

const PROTOCOL: &str = "6";

/// A start by Terraform.
#[derive(Debug)]
pub(super) struct Launch {
    /// The only certificate that a caller may come with.
    pub(super) client_certificate: CertificateDer<'static>,
    /// Where the folder of the socket goes.
    pub(super) socket_folder: PathBuf,
    /// Who started the process, as seen before anyone could hear from it.
    pub(super) parent: u32,
}

/// Why the process ends before it does anything.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "This is a Terraform provider: a plugin that Terraform starts by itself.\n\n\
         To use it, name it under required_providers in a configuration and run:\n\n    \
         terraform init\n    terraform plan"
    )]
    ByHand,
    #[error(
        "This provider speaks version 6 of Terraform's plugin protocol, and the caller speaks {offered}. Use Terraform 1.0 or later."
    )]
    NoCommonVersion { offered: String },
    #[error(
        "PLUGIN_CLIENT_CERT is not set. This provider serves only a caller that proves who it is; Terraform 0.12 and later do."
    )]
    NoClientCertificate,
    #[error("PLUGIN_CLIENT_CERT holds no certificate in PEM form.")]
    BadClientCertificate,
}

/// Reads the environment, given as a function.
pub(super) fn launch(
    environment: impl Fn(&str) -> Option<String>,
    parent: u32,
) -> Result<Launch, Refusal> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    if set(COOKIE.0).as_deref() != Some(COOKIE.1) {
        return Err(Refusal::ByHand);
    }
    if let Some(offered) = set("PLUGIN_PROTOCOL_VERSIONS")
        && !offered.split(',').any(|version| version.trim() == PROTOCOL)
    {
        return Err(Refusal::NoCommonVersion { offered });
    }
    let pem = set("PLUGIN_CLIENT_CERT").ok_or(Refusal::NoClientCertificate)?;
    let client_certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| Refusal::BadClientCertificate)?;
    let socket_folder = set("PLUGIN_UNIX_SOCKET_DIR")
        .or_else(|| set("TMPDIR"))
        .unwrap_or_else(|| "/tmp".to_owned());
    Ok(Launch {
        client_certificate,
        socket_folder: socket_folder.into(),
        parent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launched(with: &[(&str, &str)]) -> Result<Launch, Refusal> {
        let with: std::collections::HashMap<_, _> = with
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        launch(|name| with.get(name).cloned(), 1)
    }

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .unwrap()
            .cert
            .pem()
    }

    #[test]
    fn a_start_by_terraform_is_understood() {
        let launch = launched(&[
            COOKIE,
            ("PLUGIN_PROTOCOL_VERSIONS", "5,6"),
            ("PLUGIN_CLIENT_CERT", &certificate()),
            ("TMPDIR", "/var/tmp"),
        ]);
        assert_eq!(launch.unwrap().socket_folder, PathBuf::from("/var/tmp"));
    }

    #[test]
    fn the_socket_goes_where_the_launcher_says() {
        let launch = launched(&[
            COOKIE,
            ("PLUGIN_CLIENT_CERT", &certificate()),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/x"),
            ("TMPDIR", "/var/tmp"),
        ]);
        assert_eq!(launch.unwrap().socket_folder, PathBuf::from("/run/x"));
    }

    #[test]
    fn a_start_by_hand_is_told_what_this_is() {
        for environment in [&[][..], &[(COOKIE.0, "no")]] {
            let refusal = launched(environment).unwrap_err();
            assert!(
                refusal
                    .to_string()
                    .starts_with("This is a Terraform provider")
            );
            assert!(
                refusal
                    .to_string()
                    .ends_with("terraform init\n    terraform plan")
            );
        }
    }

    #[test]
    fn without_a_common_version_there_is_no_start() {
        let refusal = launched(&[COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "4,5")]).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::NoCommonVersion {
                offered: "4,5".into()
            }
        );
    }

    #[test]
    fn without_a_client_certificate_there_is_no_start() {
        assert_eq!(
            launched(&[COOKIE]).unwrap_err(),
            Refusal::NoClientCertificate
        );
        let bad = launched(&[COOKIE, ("PLUGIN_CLIENT_CERT", "-----BEGIN")]);
        assert_eq!(bad.unwrap_err(), Refusal::BadClientCertificate);
    }
}
