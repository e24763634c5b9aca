//! What a configuration declares about versions.

use std::collections::BTreeSet;

use auditlog_chain::policy::{Compromised, LastGood};
use tf_provider::{AttributePath, Diagnostic, Field, Object, Result, Step};

use super::history::{Declared, History, parse_number};
use super::model::{CompromisedVersions, DeclaredCompromise, Lost, SigningKey};
use crate::trust::keys::Misfit;
use crate::trust::values::{parse_origin, parse_root, parse_time, placed};

/// What a configuration declares about versions.
///
/// # Errors
///
/// Names the first value that is not of the right form.
fn declared(
    lost: Option<&Lost>,
    compromised: Option<&CompromisedVersions>,
) -> Result<Declared, Misfit> {
    let mut declared = Declared::default();
    for (key, said) in lost.into_iter().flatten() {
        let path = AttributePath::from("lost").key(key);
        let number = parse_number(key, &path)?;
        let at = placed(parse_time(&said.at), path.attribute("at"))?;
        declared.lost.insert(number, at);
    }
    for (key, said) in compromised.into_iter().flatten() {
        let path = AttributePath::from("compromised").key(key);
        let number = parse_number(key, &path)?;
        declared.compromised.insert(number, said.parse(&path)?);
    }
    Ok(declared)
}

/// The same of a configuration, as far as it is known.
///
/// # Errors
/// A value that is not of the right form, at its argument.
pub(crate) fn declarations(planned: &Object) -> Result<Field<Declared>> {
    let names = ["lost", "compromised"];
    if !names
        .iter()
        .all(|name| planned.value(name).is_wholly_known())
    {
        return Ok(Field::Unknown);
    }
    let lost = planned.get::<Option<Lost>>("lost")?;
    let compromised = planned.get::<Option<CompromisedVersions>>("compromised")?;
    let declared = declared(lost.as_ref(), compromised.as_ref());
    declared
        .map(Field::Known)
        .map_err(|misfit| invalid(&misfit).into())
}

/// The same before the first write, with the checks of the plan: it may not have known the values.
///
/// # Errors
/// As [`declarations`] and [`check`].
pub(crate) fn checked(planned: &SigningKey, history: &History) -> Result<Declared> {
    let declared = declared(planned.lost.as_ref(), planned.compromised.as_ref());
    let declared = declared.map_err(|misfit| invalid(&misfit))?;
    check(&declared, history)?;
    Ok(declared)
}

/// Checks that everything is declared of a version, and that nothing is taken back.
///
/// # Errors
/// The first entry of a version that does not exist, or the first one that is missing.
pub(crate) fn check(declared: &Declared, history: &History) -> Result {
    check_numbers(declared, history)?;
    check_kept(declared, history)
}

fn invalid(misfit: &Misfit) -> Diagnostic {
    let summary = format!("Invalid value for {}", misfit.path);
    Diagnostic::error(summary, misfit.detail.clone()).at(argument(&misfit.path))
}

/// The argument that a path begins with: Terraform finds its line.
fn argument(path: &AttributePath) -> AttributePath {
    match path.steps().first() {
        Some(Step::Attribute(name)) => AttributePath::from(name.as_str()),
        _ => AttributePath::root(),
    }
}

fn check_numbers(declared: &Declared, history: &History) -> Result {
    let known: BTreeSet<u32> = history.versions().map(|(number, _)| number).collect();
    let lost = declared.lost.keys().map(|number| ("lost", *number));
    let compromised = declared
        .compromised
        .keys()
        .map(|number| ("compromised", *number));
    let Some((argument, number)) = lost
        .chain(compromised)
        .find(|(_, number)| !known.contains(number))
    else {
        return Ok(());
    };
    let detail = match known.last() {
        Some(newest) => format!("Version {number} does not exist: the newest is {newest}."),
        None => format!("Version {number} does not exist: the key is not made yet."),
    };
    let path = AttributePath::from(argument).key(number.to_string());
    Err(
        Diagnostic::error(format!("Invalid value for {path}"), detail)
            .at(argument)
            .into(),
    )
}

/// What was declared stays declared: verifiers with the old trust policy rest on it.
fn check_kept(declared: &Declared, history: &History) -> Result {
    for (number, version) in history.versions() {
        if let Some(at) = version.declared.lost_at
            && !declared.lost.contains_key(&number)
        {
            let entry = format!("{{ at = \"{}\" }}", at.to_rfc3339());
            return Err(removed("lost", number, &entry).into());
        }
        if let Some(compromised) = &version.declared.compromised
            && !declared.compromised.contains_key(&number)
        {
            let entry = format!(
                "{{ at = \"{}\", last_good = … }}",
                compromised.at.to_rfc3339()
            );
            return Err(removed("compromised", number, &entry).into());
        }
    }
    Ok(())
}

fn removed(argument: &'static str, number: u32, entry: &str) -> Diagnostic {
    let detail = format!(
        "Version {number} was declared {argument}, and such an entry cannot be removed: signatures would count again that do \
         not. Put it back:\n\n{argument} = {{ \"{number}\" = {entry} }}"
    );
    Diagnostic::error(format!("An entry of {argument} was removed"), detail).at(argument)
}

impl DeclaredCompromise {
    fn parse(&self, path: &AttributePath) -> Result<Compromised, Misfit> {
        let good = self.last_good.iter().flatten().map(|(origin, good)| {
            let path = path.clone().attribute("last_good").key(origin);
            Ok(LastGood {
                origin: placed(parse_origin(origin), path.clone())?,
                segment: good.segment,
                size: good.size,
                root: placed(parse_root(&good.root), path.attribute("root"))?,
            })
        });
        Ok(Compromised {
            at: placed(parse_time(&self.at), path.clone().attribute("at"))?,
            last_good: good.collect::<Result<_, _>>()?,
        })
    }
}
