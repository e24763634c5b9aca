//! The lists of principals that a configuration states, as far as a plan knows them.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::keys::KeySpec;
use tf_provider::{Context, Diagnostic, Field, Object, Result, ToValue as _, Value};

use super::policy::Access;
use crate::account::Account;
use crate::aws::Signing;

const LISTS: [&str; 3] = ["signers", "verifiers", "administrators"];

/// The lists of principals, as far as they are known.
pub(crate) struct Stated {
    lists: BTreeMap<&'static str, Field<BTreeSet<String>>>,
}

impl Stated {
    pub(crate) fn of(planned: &Object) -> Result<Self> {
        let mut lists = BTreeMap::new();
        for name in LISTS {
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

    /// The lists that were left out, whatever is not known of the others.
    fn left_out(&self) -> Vec<&'static str> {
        let left_out = |name: &&str| matches!(self.lists.get(name), Some(Field::Null));
        LISTS.into_iter().filter(left_out).collect()
    }

    /// Says what nothing enforces because a list was left out.
    pub(crate) fn warn(&self, cx: &Context<Account>) {
        if let Some(warning) = self.not_enforced() {
            cx.warn(warning);
        }
    }

    fn not_enforced(&self) -> Option<Diagnostic> {
        let left_out = self.left_out();
        let first = left_out.first()?;
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
        Some(Diagnostic::warning("IAM alone decides who may use the key", detail).at(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(lists: &[(&str, Value)]) -> Stated {
        let mut planned = Object::new();
        for (name, list) in lists {
            planned.set(*name, list);
        }
        Stated::of(&planned).unwrap()
    }

    fn role(name: &str) -> Value {
        let arns = BTreeSet::from([format!("arn:aws:iam::123456789012:role/{name}")]);
        arns.to_value()
    }

    #[test]
    fn list_that_was_left_out_is_named_whatever_is_not_known_of_the_others() {
        let said = |lists: &[(&str, Value)]| stated(lists).not_enforced().map(|one| one.detail);
        let text = said(&[("signers", Value::Unknown), ("verifiers", role("a"))]).unwrap();
        assert!(
            text.contains("who may change and delete it (administrators):"),
            "{text}"
        );
        let all = [
            ("signers", Value::Unknown),
            ("verifiers", role("a")),
            ("administrators", role("b")),
        ];
        assert_eq!(said(&all), None);
    }
}
