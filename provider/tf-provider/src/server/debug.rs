//! A provider that a person starts, for example under a debugger, and that Terraform uses in place of its own.
//!
//! The launcher has no certificates for such a provider, so the connection is plain. It goes over a socket in a folder
//! that only the user can enter, and the process holds what the user holds.

use std::path::Path;

use serde_json::json;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// By Terraform, or by a person who does not know what this is.
    Launched,
    /// To be attached to, as the provider of this address.
    Attached { address: String },
}

/// The command line asks for something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "usage: --debug <address>, where the address is the source of the provider under required_providers, such as example/fs"
)]
pub(super) struct Usage;

/// Reads the command line, without the program's name.
pub(super) fn start(mut arguments: impl Iterator<Item = String>) -> Result<Start, Usage> {
    let Some(first) = arguments
        .next()
        .filter(|first| first.starts_with("--debug"))
    else {
        return Ok(Start::Launched);
    };
    let address = match first.strip_prefix("--debug=") {
        Some(address) => address.to_owned(),
        None if first == "--debug" => arguments.next().ok_or(Usage)?,
        None => return Err(Usage),
    };
    let parts: Vec<_> = address.split('/').collect();
    let good =
        |part: &&str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '\'');
    if !parts.iter().all(good) || arguments.next().is_some() {
        return Err(Usage);
    }
    let address = match parts[..] {
        [_, _] => format!("registry.terraform.io/{address}"),
        [_, _, _] => address,
        _ => return Err(Usage),
    };
    Ok(Start::Attached { address })
}

/// The text for the person: the environment that makes Terraform use this process.
pub(super) fn instructions(address: &str, pid: u32, socket: &Path) -> String {
    let attach = json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": pid,
            // Terraform must not end what it has not started.
            "Test": true,
            "Addr": { "Network": "unix", "String": socket },
        }
    });
    format!(
        "Serving {address} until interrupted. Run Terraform with this in its environment:\n\n    \
         TF_REATTACH_PROVIDERS='{attach}'\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(arguments: &[&str]) -> Result<Start, Usage> {
        start(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn the_flag_takes_the_address_as_a_configuration_has_it() {
        let attached = |address: &str| {
            let address = address.to_owned();
            Ok(Start::Attached { address })
        };
        let full = "registry.terraform.io/example/fs";
        assert_eq!(started(&["--debug", "example/fs"]), attached(full));
        assert_eq!(started(&["--debug=example/fs"]), attached(full));
        assert_eq!(
            started(&["--debug", "host.example/a/b"]),
            attached("host.example/a/b")
        );
        for arguments in [&[][..], &["other"], &["-x", "--debug"]] {
            assert_eq!(started(arguments), Ok(Start::Launched));
        }
        for wrong in [
            &["--debug"][..],
            &["--debug", "fs"],
            &["--debug=a/b/c/d"],
            &["--debugger", "a/b"],
            &["--debug", "a/b", "c"],
            &["--debug", "a/'b"],
            &["--debug="],
        ] {
            assert_eq!(started(wrong), Err(Usage), "{wrong:?}");
        }
    }

    #[test]
    fn terraform_is_told_where_and_how() {
        let text = instructions("registry.terraform.io/a/b", 7, Path::new("/run/x y/socket"));
        let (_, line) = text.split_once("TF_REATTACH_PROVIDERS='").unwrap();
        let (line, _) = line.split_once('\'').unwrap();
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let provider = &json["registry.terraform.io/a/b"];
        assert_eq!(
            (&provider["Protocol"], &provider["ProtocolVersion"]),
            (&json!("grpc"), &json!(6))
        );
        assert_eq!(
            (&provider["Pid"], &provider["Test"]),
            (&json!(7), &json!(true))
        );
        assert_eq!(
            provider["Addr"],
            json!({"Network": "unix", "String": "/run/x y/socket"})
        );
    }
}
