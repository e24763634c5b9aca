//! What a configuration declares about versions.

use auditlog_chain::policy::{Compromised, LastGood};
use tf_provider::AttributePath;

use super::history::{Declared, parse_number};
use super::model::{CompromisedVersions, DeclaredCompromise, Lost};
use crate::trust::keys::Misfit;
use crate::trust::values::{parse_origin, parse_root, parse_time, placed};

/// What a configuration declares about versions.
///
/// # Errors
///
/// Names the first value that is not of the right form.
pub(crate) fn declared(
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
