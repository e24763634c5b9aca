//! The kinds of arguments.

use tf_provider::{Attribute, Field, Type};

use crate::account::check_account;

pub(super) fn text(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

pub(super) fn texts(description: &str) -> Attribute {
    Attribute::optional(Type::set(Type::String)).description(description)
}

pub(super) fn texts_in_order(description: &str) -> Attribute {
    Attribute::optional(Type::list(Type::String)).description(description)
}

pub(super) fn flag(description: &str) -> Attribute {
    Attribute::optional(Type::Bool).description(description)
}

pub(super) fn accounts(description: &str) -> Attribute {
    Attribute::optional(Type::list(Type::String))
        .description(description)
        .validate(|accounts: Vec<Field<String>>| {
            let mut known = accounts.iter().filter_map(Field::known);
            known.try_for_each(|account| check_account(account))
        })
}

pub(super) fn url(description: &str) -> Attribute {
    text(description).validate(|url: String| {
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(());
        }
        Err(format!("{url:?} is not an http:// or https:// URL."))
    })
}

pub(super) fn seconds(description: &str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .range("seconds", 1..=3600)
}
