//! The key that has the alias which another one wants.

/// Whose key it is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBy {
    /// Of somebody else, or of nobody whom the provider knows.
    Somebody,
    /// A create may have left it behind: a key with this id.
    Left(String),
    /// Another resource of this configuration.
    Sibling,
}

impl TakenBy {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        let disarm = match self {
            Self::Sibling => return SIBLING.to_owned(),
            Self::Left(key) => format!(
                " If an interrupted apply left it behind and no state has it, deny signing with it, which frees the alias: add this to the \
                 resource and apply again. The plan refuses a key that another resource of the same configuration has.\n\n    \
                 disarm = [{key:?}]"
            ),
            Self::Somebody => String::new(),
        };
        format!(
            "Choose another alias, or delete that one first (`aws kms delete-alias`). The provider does not move an alias away from a key \
             that it does not manage, because programs that sign with the alias would change their key.{disarm}\n\nTo manage that key \
             from here, if it is one of this provider and no other state has it, import it:\n\nimport {{\n  to = \
             auditlog_signing_key.NAME\n  id = \"alias/…\"\n}}"
        )
    }
}

const SIBLING: &str = "Another resource of this configuration has that key. If it gives the alias up in the same apply, apply again. \
                       Otherwise give each signing key an alias of its own.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_offered_for_disarm_where_a_create_may_have_left_it() {
        let left = TakenBy::Left("k".to_owned()).hint();
        assert!(left.contains("    disarm = [\"k\"]"), "{left}");
        for other in [TakenBy::Somebody, TakenBy::Sibling] {
            let hint = other.hint();
            assert!(!hint.contains("disarm"), "{hint}");
        }
        assert!(!TakenBy::Sibling.hint().contains("import"));
    }

    #[test]
    fn no_hint_names_the_trigger_which_moves_no_alias() {
        let all = [
            TakenBy::Somebody,
            TakenBy::Left("k".to_owned()),
            TakenBy::Sibling,
        ];
        for one in all {
            assert!(!one.hint().contains("rotation.trigger"));
        }
    }
}
