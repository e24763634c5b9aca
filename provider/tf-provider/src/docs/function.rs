//! The signature of a function in Markdown.

use super::schema::type_name;
use crate::{Parameter, Signature};

/// Signature and arguments.
pub(super) fn signature(name: &str, signature: &Signature) -> String {
    let line = line(name, signature);
    let arguments = arguments(signature);
    let list = if arguments.is_empty() {
        String::new()
    } else {
        format!("\n## Arguments\n\n{}\n", arguments.join("\n"))
    };
    format!("## Signature\n\n```text\n{line}\n```\n{list}")
}

/// One numbered line for each parameter.
fn arguments(signature: &Signature) -> Vec<String> {
    let fixed = signature.parameters.iter();
    let fixed = fixed.map(|parameter| argument(parameter, ""));
    let variadic = signature.variadic.iter();
    let variadic = variadic.map(|parameter| argument(parameter, ", any number"));
    (1..)
        .zip(fixed.chain(variadic))
        .map(|(at, line)| format!("{at}. {line}"))
        .collect()
}

/// The parameters without a description.
pub(super) fn undescribed(signature: &Signature) -> impl Iterator<Item = &str> {
    all(signature)
        .filter(|parameter| parameter.description.is_empty())
        .map(|parameter| parameter.name.as_str())
}

fn all(signature: &Signature) -> impl Iterator<Item = &Parameter> {
    signature.parameters.iter().chain(&signature.variadic)
}

fn line(name: &str, signature: &Signature) -> String {
    let parameters = signature.parameters.iter();
    let mut written: Vec<_> = parameters
        .map(|one| format!("{} {}", one.name, one.ty))
        .collect();
    written.extend(
        signature
            .variadic
            .iter()
            .map(|one| format!("{} {}...", one.name, one.ty)),
    );
    format!("{name}({}) {}", written.join(", "), signature.returns)
}

fn argument(parameter: &Parameter, more: &str) -> String {
    let nullable = if parameter.allows_null {
        ", may be null"
    } else {
        ""
    };
    let (name, ty) = (&parameter.name, type_name(&parameter.ty));
    format!("`{name}` ({ty}{nullable}{more}) {}", parameter.description)
}
