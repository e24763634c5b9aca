//! The alias of a key that is being replaced, from the create of the new key to the destroy of the old one.
//!
//! With `create_before_destroy`, the new key is made while the old one signs and has the alias. The create cannot know that it
//! is half of a replacement: it looks the same as the create of another state. So it disarms nobody. The new key waits, and
//! nobody can sign with it. The destroy of the old key comes after it in the same run, knows the old key from its own state,
//! and hands the alias over: first the alias moves, then signing is denied to the old key, then it is allowed to the new one.
//! If we crash in between, the next apply of the new key goes on. The destroy of another state never comes.

use tf_provider::{Context, Diagnostic, Result};

use super::current::signing_policy;
use super::disarm::line;
use super::history::History;
use super::model::SigningKey;
use super::predecessors::predecessors;
use crate::account::Account;
use crate::aws::{
    AliasHolder, Clients, KeyParts, Waiting, delete_alias, denies_signing, point_alias,
    put_key_policy,
};
use crate::error::Error;

/// Notes that the key waits until the holder of its alias is destroyed, and says so.
///
/// # Errors
/// Principals that no policy can name.
pub(crate) fn wait(
    cx: &Context<Account>,
    clients: &Clients,
    (planned, history): (&SigningKey, &History),
    holder: &AliasHolder,
) -> Result {
    let Some((_, current)) = history.current() else {
        return Ok(());
    };
    let policy = signing_policy(planned, history)?.unwrap_or_default();
    let waiting = Waiting {
        key_id: current.key_id.clone(),
        holder: holder.key_id.clone(),
        policy,
    };
    let is_known =
        clients.has_read(&holder.key_id) || predecessors(cx).keys.contains(&holder.key_id);
    let knowledge = Holder::of(is_known);
    let text = announced(&planned.alias, &waiting.key_id, &waiting.holder, knowledge);
    cx.warn(text);
    clients.wait_for_alias(&planned.alias, waiting);
    Ok(())
}

/// Whether this run knows the key that has the alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The state has it: it is being replaced.
    Replaced,
    /// Nobody here knows it: it is also that of another state, or was left behind.
    Unknown,
}

impl Holder {
    pub(crate) const fn of(is_known: bool) -> Self {
        if is_known {
            Self::Replaced
        } else {
            Self::Unknown
        }
    }
}

/// Says why a key waits, and how that ends.
pub(crate) fn announced(alias: &str, new: &str, old: &str, holder: Holder) -> Diagnostic {
    let mut detail = format!(
        "The alias {alias:?} points at the key {old}, which can sign. The new key {new} waits for the alias, and nobody can sign with \
         it until then.\n\n\
         If {old} is being replaced (create_before_destroy), its destroy hands the alias over: nothing else is to be done."
    );
    if holder == Holder::Unknown {
        detail.push_str(&of_unknown(alias, new, old));
    }
    Diagnostic::warning("The key waits for its alias", detail).at("alias")
}

fn of_unknown(alias: &str, new: &str, old: &str) -> String {
    format!(
        "\n\n\
         If another state has {old}, give this resource another alias, or destroy it.\n\n\
         If no state has it, an apply that was killed left it behind, and whoever may sign with it still can. To deny that, and to free the \
         alias, add this to the resource and apply again:\n\n{}\n\n\
         Or have KMS delete it, and apply again:\n\n\
         aws kms schedule-key-deletion --key-id {old} --pending-window-in-days 7\n\n\
         To keep it in place of {new}, remove this resource from the state (`terraform state rm`), and import the alias:\n\n\
         import {{\n  to = auditlog_signing_key.NAME\n  id = {alias:?}\n}}",
        line(old)
    )
}

/// Whether the alias was handed over and the key can sign.
pub(crate) fn is_handed_over(alias: &str, parts: &KeyParts) -> bool {
    parts.aliases.iter().any(|name| name == alias) && !denies_signing(&parts.policy)
}

/// Gives up the alias of a key that is being destroyed: to the key of this configuration that waits for it, if there is one.
///
/// # Errors
/// What KMS said.
pub(crate) async fn give_up_alias(
    clients: &Clients,
    alias: &str,
    holder: &str,
) -> std::result::Result<Option<Waiting>, Error> {
    if let Some(waiting) = clients.waiting_for(alias, holder) {
        point_alias(clients, alias, &waiting.key_id, Some(holder)).await?;
        return Ok(Some(waiting));
    }
    delete_alias(clients, alias).await?;
    // one that began to wait in the meantime, and looked before the alias was gone
    let late = clients.waiting_for(alias, holder);
    if let Some(waiting) = &late {
        point_alias(clients, alias, &waiting.key_id, None).await?;
    }
    Ok(late)
}

/// Lets the key sign that the alias was handed over to. The old key must be denied signing by now.
///
/// # Errors
/// What KMS said.
pub(crate) async fn arm(clients: &Clients, waiting: &Waiting) -> std::result::Result<(), Error> {
    put_key_policy(clients, &waiting.key_id, &waiting.policy).await
}
