//! The account that a configured provider works in.

use tf_provider::{Diagnostic, Result};

use crate::aws::Clients;

/// What the resources work with.
#[derive(Debug)]
pub enum Account {
    /// The provider is configured.
    Connected(Box<Clients>),
    /// Part of the provider's configuration is known only after apply.
    Unknown(String),
}

impl Account {
    /// The clients, for an operation that needs them.
    ///
    /// # Errors
    /// The configuration is not known yet.
    pub(crate) fn clients(&self) -> Result<&Clients> {
        match self {
            Self::Connected(clients) => Ok(clients),
            Self::Unknown(attribute) => Err(Diagnostic::error(
                "The provider's configuration is not known yet",
                format!(
                    "{attribute:?} of the provider block depends on something that does not exist yet. Apply that first \
                     (`terraform apply -target=…`), or give the provider a value that is known at plan time."
                ),
            )
            .into()),
        }
    }

    /// The clients of a resource's region, or of the provider's where the resource names none.
    ///
    /// # Errors
    /// The configuration is not known yet.
    pub fn clients_in(&self, region: Option<&str>) -> Result<Clients> {
        let clients = self.clients()?;
        Ok(region.map_or_else(|| clients.clone(), |region| clients.in_region(region)))
    }

    /// The clients, if the configuration is known.
    pub(crate) fn known(&self) -> Option<&Clients> {
        match self {
            Self::Connected(clients) => Some(clients),
            Self::Unknown(_) => None,
        }
    }
}

/// Checks that a text has the form of an account: twelve digits.
pub(crate) fn check_account(account: &str) -> Result<(), String> {
    if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("{account:?} is not an AWS account: twelve digits."))
}
