//! The lists of principals that a configuration states, as far as a plan knows them.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::keys::KeySpec;
use tf_provider::{Context, Diagnostic, Field, Object, Result, ToValue as _, Value};

use super::history::Signing;
use super::policy::Access;
use crate::account::Account;

/// The lists of principals, as far as they are known.
pub(crate) struct Stated {
    lists: BTreeMap<&'static str, Field<BTreeSet<String>>>,
}

impl Stated {
    pub(crate) fn of(planned: &Object) -> Result<Self> {
        let mut lists = BTreeMap::new();
        for name in ["signers", "verifiers", "administrators"] {
            let value = planned.value(name);
            let list = if value.is_wholly_known() {
                planned.get::<Field<BTreeSet<String>>>(name)?
            } else {
                Field::Unknown
            };
            lists.insert(name, list);
        }
        Ok(Self { lists })
    }

    fn list(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.lists.get(name).and_then(Field::known)
    }

    pub(crate) fn access(&self) -> Access<'_> {
        Access {
            signers: self.list("signers"),
            verifiers: self.list("verifiers"),
            administrators: self.list("administrators"),
        }
    }

    pub(crate) fn render(&self, place: (&str, &str), spec: KeySpec) -> Result<Value> {
        if self.lists.values().any(Field::is_unknown) {
            return Ok(Value::Unknown);
        }
        let policy = self.access().render(place, spec, Signing::Allowed)?;
        Ok(policy.to_value())
    }

    /// Says what nothing enforces because a list was left out.
    pub(crate) fn warn(&self, cx: &Context<Account>) {
        if self.lists.values().any(Field::is_unknown) {
            return;
        }
        let left_out = self.access().left_out();
        let Some(first) = left_out.first() else {
            return;
        };
        let what = left_out.iter().map(|name| match *name {
            "signers" => "sign with the key (signers)",
            "verifiers" => "verify with it and read its public key (verifiers)",
            _ => "change and delete it (administrators)",
        });
        let detail = format!(
            "The key policy leaves it to IAM who may {}: every principal of the account whom IAM allows it may. State the \
             principals by their ARNs to enforce it here.",
            what.collect::<Vec<_>>().join(", ")
        );
        cx.warn(Diagnostic::warning("IAM alone decides who may use the key", detail).at(*first));
    }
}
