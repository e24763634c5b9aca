//! What is done about keys that an interrupted apply left behind: they are denied signing, and reported.

use std::collections::BTreeSet;

use auditlog_chain::keys::KeySpec;
use tf_provider::{Context, Diagnostic};

use super::disarm::line;
use super::marks::parse_marks;
use super::model::SigningKey;
use crate::account::Account;
use crate::aws::{
    Clients, Extent, Freshness, MAX_KEYS, Signing, Stray, Tags, denies_signing, find_strays,
    partition, policies_agree, put_key_policy,
};
use crate::error::Error;

/// Keys that are not strays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Those of this state.
    pub(crate) own: &'a BTreeSet<String>,
    /// The key that has the alias, which another state may have: so may its successor, which is left alone.
    pub(crate) other: Option<&'a str>,
}

impl<'a> Known<'a> {
    pub(crate) const fn own(own: &'a BTreeSet<String>) -> Self {
        Self { own, other: None }
    }

    fn all(self) -> BTreeSet<String> {
        let other = self.other.map(str::to_owned);
        self.own.iter().cloned().chain(other).collect()
    }
}

/// Reports the keys that were made for this alias and that this state does not know. A successor of an own key is denied signing
/// where its policy is ours: a killed rotation left it behind. Any other key that can sign is left alone, because a create lets
/// a key sign last of all: it was finished, and another state may have it. A search that fails is a warning: the keys that this provider makes sign nothing until their apply is done.
pub(crate) async fn report_strays(
    cx: &Context<Account>,
    clients: &Clients,
    model: &SigningKey,
    known: Known<'_>,
    freshness: Freshness,
) {
    match find_strays(clients, &model.alias, &known.all(), freshness).await {
        Ok((strays, extent)) => {
            for stray in strays {
                let denied = deny(clients, model, known.own, &stray).await;
                cx.warn(report(&model.alias, &stray, denied));
            }
            warn_of_part(cx, extent);
        }
        Err(error) => cx.warn(not_searched(&error)),
    }
}

fn warn_of_part(cx: &Context<Account>, extent: Extent) {
    if let Some(warning) = searched_in_part(extent) {
        cx.warn(warning);
    }
}

fn searched_in_part(extent: Extent) -> Option<Diagnostic> {
    let why = match extent {
        Extent::All => return None,
        Extent::Part => {
            format!("The region has more than {MAX_KEYS} keys, and the provider looks at so many.")
        }
        Extent::Denied => "The provider lacks the permission kms:ListKeys.".to_owned(),
    };
    let detail = format!(
        "{why} If an earlier apply was interrupted, look for keys with the tag auditlog:created that no state has:\n\naws \
         resourcegroupstaggingapi get-resources --resource-type-filters kms:key --tag-filters Key=auditlog:created"
    );
    Some(Diagnostic::warning("Not all keys were searched", detail).at("alias"))
}

/// Before a destroy: denies signing to the successors of the keys that a killed rotation left behind, and reports them. Nobody
/// would find them after it.
pub(crate) async fn deny_successors(
    cx: &Context<Account>,
    clients: &Clients,
    (model, alias): (&SigningKey, &str),
    known: &BTreeSet<String>,
) {
    match find_strays(clients, alias, known, Freshness::OfThisRun).await {
        Ok((strays, extent)) => {
            warn_of_part(cx, extent);
            for stray in strays.iter().filter(|stray| succeeds(&stray.tags, known)) {
                let denied = deny(clients, model, known, stray).await;
                cx.warn(report(alias, stray, denied));
            }
        }
        Err(error) => cx.warn(not_searched(&error)),
    }
}

/// Whether a key was made as the successor of one of these.
pub(crate) fn succeeds(tags: &Tags, known: &BTreeSet<String>) -> bool {
    let previous = parse_marks(tags).previous;
    previous.is_some_and(|key| known.contains(&key))
}

fn not_searched(error: &Error) -> Diagnostic {
    let said = error.diagnostic("", "alias").detail;
    let detail = format!(
        "The keys of the region cannot be searched for what an interrupted apply may have left behind. {said}"
    );
    Diagnostic::warning("Keys cannot be searched", detail).at("alias")
}

/// What became of the right to sign.
enum Denied {
    /// Nobody signs with it.
    Yes,
    /// Its create was finished: another state may have it.
    Finished,
    /// Its policy is not ours, and was left alone.
    Foreign,
    /// KMS refused.
    Failed(Error),
}

async fn deny(
    clients: &Clients,
    model: &SigningKey,
    known: &BTreeSet<String>,
    stray: &Stray,
) -> Denied {
    if denies_signing(&stray.policy) {
        return Denied::Yes;
    }
    if !succeeds(&stray.tags, known) {
        return Denied::Finished;
    }
    let Some(account) = clients.account_id() else {
        return Denied::Foreign;
    };
    let place = (partition(clients.region()), account);
    let render = |spec, signing| model.access().render(place, spec, signing).ok();
    let ours = |signing| {
        let mut policies = KeySpec::ALL
            .into_iter()
            .filter_map(|spec| render(spec, signing));
        policies.find(|ours| policies_agree(ours, &stray.policy))
    };
    let denied = KeySpec::ALL
        .into_iter()
        .find_map(|spec| render(spec, Signing::Denied));
    let (Some(_), Some(denied)) = (ours(Signing::Allowed), denied) else {
        return Denied::Foreign;
    };
    match put_key_policy(clients, &stray.key_id, &denied).await {
        Ok(()) => Denied::Yes,
        Err(error) => Denied::Failed(error),
    }
}

fn report_finished(alias: &str, id: &str) -> Diagnostic {
    let detail = format!(
        "The key {id} has the tag auditlog:created = {alias}, can sign, and is not in the state of this resource. It was left \
         alone, because another state may have it. If none has it, an apply that was interrupted left it behind. To deny signing with it, \
         add this to the resource and apply again:\n\n{}\n\n\
         Or have KMS delete it:\n\n\
         aws kms schedule-key-deletion --key-id {id} --pending-window-in-days 7",
        line(id)
    );
    Diagnostic::warning("A key of the same alias can sign", detail).at("alias")
}

fn report(alias: &str, stray: &Stray, denied: Denied) -> Diagnostic {
    let id = &stray.key_id;
    let signing = match denied {
        Denied::Finished => return report_finished(alias, id),
        Denied::Yes => "Nobody can sign with it: its key policy denies it.".to_owned(),
        Denied::Foreign => {
            "Its key policy is not one of this resource, so it was left alone, and somebody may be able to sign with it."
                .to_owned()
        }
        Denied::Failed(error) => format!("Signing with it could not be denied: {error}."),
    };
    let detail = format!(
        "The key {id} has the tag auditlog:created = {alias}, and is not in the state of this resource. An apply that was \
         interrupted left it behind, unless another state has it and waits for the alias. {signing} It is not taken over, because \
         nobody knows what it signed. If no state has it, remove it:\n\n\
         aws kms schedule-key-deletion --key-id {id} --pending-window-in-days 7"
    );
    Diagnostic::warning("A key was left behind", detail).at("alias")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_that_did_not_see_every_key_is_announced() {
        let said = |extent| searched_in_part(extent).map(|one| one.detail);
        assert_eq!(said(Extent::All), None);
        let part = said(Extent::Part).unwrap();
        assert!(
            part.starts_with("The region has more than 1000 keys"),
            "{part}"
        );
        let denied = said(Extent::Denied).unwrap();
        assert!(denied.contains("kms:ListKeys"), "{denied}");
        assert!(
            denied.contains("--tag-filters Key=auditlog:created"),
            "{denied}"
        );
    }
}
