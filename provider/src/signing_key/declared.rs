//! What a configuration declares about versions.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::{Compromised, KeyPolicy, LastGood};
use auditlog_chain::timestamp::Timestamp;
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
pub(crate) fn checked(planned: &SigningKey, history: &History, now: Timestamp) -> Result<Declared> {
    let declared = declared(planned.lost.as_ref(), planned.compromised.as_ref());
    let declared = declared.map_err(|misfit| invalid(&misfit))?;
    check(&declared, history, now)?;
    Ok(declared)
}

/// Checks that everything is declared of a version, that nothing is taken back, and that no time is in the future.
///
/// # Errors
/// The first entry of a version that does not exist, the first one that is missing, or the first time that is still to come.
pub(crate) fn check(declared: &Declared, history: &History, now: Timestamp) -> Result {
    check_numbers(declared, history)?;
    check_kept(declared, history)?;
    check_past(declared, history, now)
}

/// Until a time in the future, signatures would count although somebody knows better. What was accepted before stays as it is.
fn check_past(declared: &Declared, history: &History, now: Timestamp) -> Result {
    let known: BTreeMap<u32, &KeyPolicy> = history
        .versions()
        .map(|(number, version)| (number, &version.declared))
        .collect();
    let lost = declared.lost.iter().map(|(number, at)| {
        let before = known.get(number).and_then(|key| key.lost_at);
        ("lost", number, *at, before)
    });
    let compromised = declared.compromised.iter().map(|(number, said)| {
        let before = known.get(number).and_then(|key| key.compromised.as_ref());
        (
            "compromised",
            number,
            said.at,
            before.map(|before| before.at),
        )
    });
    let later = |(_, _, at, before): &(&str, &u32, Timestamp, Option<Timestamp>)| {
        *at > now && *before != Some(*at)
    };
    let Some((argument, number, at, _)) = lost.chain(compromised).find(later) else {
        return Ok(());
    };
    let path = AttributePath::from(argument)
        .key(number.to_string())
        .attribute("at");
    let detail = format!(
        "{} is in the future. Set the time at which it happened: signatures of version {number} would count until then.",
        at.to_rfc3339()
    );
    Err(
        Diagnostic::error(format!("Invalid value for {path}"), detail)
            .at(argument)
            .into(),
    )
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

/// Says which entries were changed so that more signatures count than before. That may be a correction, so it is not refused.
pub(crate) fn softened(declared: &Declared, history: &History) -> Option<Diagnostic> {
    let lines: Vec<String> = history
        .versions()
        .flat_map(|(number, version)| softer(declared, number, &version.declared))
        .collect();
    (!lines.is_empty()).then(|| {
        let detail = format!(
            "Signatures count again that did not before:\n{}\n\nVerifiers with an earlier trust policy report them. Go on only if the \
             earlier declaration was wrong.",
            lines.join("\n")
        );
        let argument = if lines.iter().any(|line| line.starts_with("- compromised")) {
            "compromised"
        } else {
            "lost"
        };
        Diagnostic::warning("A declaration about a version becomes weaker", detail).at(argument)
    })
}

fn softer(declared: &Declared, number: u32, before: &KeyPolicy) -> Vec<String> {
    let later = |argument: &str, was: Timestamp, becomes: Timestamp| {
        let path = AttributePath::from(argument).key(number.to_string());
        let path = path.attribute("at");
        (becomes > was)
            .then(|| format!("- {path}: {} -> {}", was.to_rfc3339(), becomes.to_rfc3339()))
    };
    let lost = before.lost_at.zip(declared.lost.get(&number).copied());
    let lost = lost.and_then(|(was, becomes)| later("lost", was, becomes));
    let said = before
        .compromised
        .as_ref()
        .zip(declared.compromised.get(&number));
    let at = said.and_then(|(was, becomes)| later("compromised", was.at, becomes.at));
    let good = said.map(|(was, becomes)| more_good(number, was, becomes));
    let times = lost.into_iter().chain(at);
    times.chain(good.into_iter().flatten()).collect()
}

/// Logs of which more segments count as good, or others.
fn more_good(number: u32, was: &Compromised, becomes: &Compromised) -> Vec<String> {
    let known: BTreeMap<&str, &LastGood> = was
        .last_good
        .iter()
        .map(|good| (good.origin.as_str(), good))
        .collect();
    let more = becomes.last_good.iter().filter_map(|good| {
        let origin = good.origin.as_str();
        let path = AttributePath::from("compromised").key(number.to_string());
        let path = path.attribute("last_good").key(origin);
        match known.get(origin) {
            None => Some(format!("- {path}: segments up to {} count", good.segment)),
            Some(was) if good.segment > was.segment => Some(format!(
                "- {path}: segment {} -> {}",
                was.segment, good.segment
            )),
            Some(was) if good.segment == was.segment && *was != good => Some(format!(
                "- {path}: another size or root of segment {}",
                good.segment
            )),
            Some(_) => None,
        }
    });
    more.collect()
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

#[cfg(test)]
mod tests {
    use auditlog_chain::keys::PublicKey;

    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn day(day: u32) -> Timestamp {
        Timestamp::EPOCH.saturating_add_days(day)
    }

    fn history() -> History {
        let spki = PublicKey::from_pem(PEM).unwrap();
        let key = KeyPolicy {
            spec: spki.spec(),
            spki,
            arn: None,
            valid_from: day(0),
            retired_at: None,
            lost_at: None,
            compromised: None,
        };
        History::of_one("a", key)
    }

    fn lost(at: Timestamp) -> Declared {
        Declared {
            lost: [(1, at)].into(),
            ..Declared::default()
        }
    }

    fn compromised(at: Timestamp) -> Declared {
        let said = Compromised {
            at,
            last_good: Vec::new(),
        };
        Declared {
            compromised: [(1, said)].into(),
            ..Declared::default()
        }
    }

    #[test]
    fn time_in_the_future_is_refused_with_its_path() {
        for (declared, path) in [
            (lost(day(11)), "lost[\"1\"].at"),
            (compromised(day(11)), "compromised[\"1\"].at"),
        ] {
            let found = check(&declared, &history(), day(10)).unwrap_err();
            let one = found.iter().next().unwrap();
            assert_eq!(one.summary, format!("Invalid value for {path}"));
            assert!(
                one.detail
                    .starts_with("1970-01-12T00:00:00Z is in the future. Set the time"),
                "{}",
                one.detail
            );
            assert!(check(&declared, &history(), day(11)).is_ok());
        }
    }

    #[test]
    fn time_that_was_accepted_before_stays_and_another_one_is_judged() {
        for (before, after) in [
            (lost(day(20)), lost(day(21))),
            (compromised(day(20)), compromised(day(21))),
        ] {
            let mut history = history();
            history.declare(&before);
            assert!(check(&before, &history, day(10)).is_ok());
            assert!(check(&after, &history, day(10)).is_err());
        }
    }

    fn good(origin: &str, segment: u64) -> LastGood {
        LastGood {
            origin: parse_origin(origin).unwrap(),
            segment,
            size: segment,
            root: parse_root("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap(),
        }
    }

    fn with_good(at: Timestamp, last_good: Vec<LastGood>) -> Declared {
        let said = Compromised { at, last_good };
        Declared {
            compromised: [(1, said)].into(),
            ..Declared::default()
        }
    }

    #[test]
    fn declaration_that_lets_more_signatures_count_is_announced() {
        let said = |before: &Declared, after: &Declared| {
            let mut history = history();
            history.declare(before);
            let lines = softened(after, &history).map(|one| one.detail);
            let lines = lines.unwrap_or_default();
            let lines = lines.lines().filter(|line| line.starts_with("- "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            said(&lost(day(1)), &lost(day(2))),
            ["- lost[\"1\"].at: 1970-01-02T00:00:00Z -> 1970-01-03T00:00:00Z"]
        );
        let before = with_good(day(5), vec![good("example/a", 3), good("example/c", 3)]);
        let other = LastGood {
            size: 7,
            ..good("example/c", 3)
        };
        let after = with_good(
            day(6),
            vec![good("example/a", 4), good("example/b", 1), other],
        );
        assert_eq!(
            said(&before, &after),
            [
                "- compromised[\"1\"].at: 1970-01-06T00:00:00Z -> 1970-01-07T00:00:00Z",
                "- compromised[\"1\"].last_good[\"example/a\"]: segment 3 -> 4",
                "- compromised[\"1\"].last_good[\"example/b\"]: segments up to 1 count",
                "- compromised[\"1\"].last_good[\"example/c\"]: another size or root of segment 3",
            ]
        );
        // the way back is stricter, and so is the same
        let back = with_good(day(4), vec![good("example/a", 2)]);
        assert_eq!(said(&before, &back), [""; 0]);
        assert_eq!(said(&before, &before), [""; 0]);
    }
}
