//! Which objects the storage of a bucket is for.

use std::collections::BTreeMap;

use super::access::deliveries;
use super::model::BucketModel;
use crate::aws::{Delivery, Reach};

/// Which objects a storage is for. What is declared for something else, such as an archive of trust policies, has a lock and a life of
/// its own, and a lifecycle rule cannot leave a prefix out.
pub(super) fn reach(model: &BucketModel) -> Reach {
    if model.declared_prefixes.iter().flatten().next().is_none() {
        return Reach::Everything;
    }
    let logs = model.logs.iter().flat_map(BTreeMap::values);
    let logs = logs.filter_map(|log| Some(format!("{}/", log.prefix.known()?)));
    let delivered = model.log_delivery.iter().flat_map(deliveries);
    let delivered = delivered.map(|delivery: Delivery| delivery.declared_prefix());
    Reach::Prefixes(logs.chain(delivered).collect())
}

#[cfg(test)]
mod tests {
    use tf_provider::{Object, Value};

    use super::*;

    fn bucket(declared: &[&str], logs: &[&str]) -> BucketModel {
        let log = |name: &&str| {
            let log = Object::new().with("prefix", format!("logs/{name}"));
            (
                name.to_string(),
                Value::Object(log.with("max_silence", "25h")),
            )
        };
        let logs: BTreeMap<String, Value> = logs.iter().map(log).collect();
        let declared: Vec<String> = declared.iter().map(ToString::to_string).collect();
        let balancers = Object::new().with("prefix", "alb");
        let model = Object::new()
            .with("declared_prefixes", declared)
            .with("logs", Value::Map(logs))
            .with(
                "log_delivery",
                Object::new().with("load_balancers", balancers),
            );
        model.decode().unwrap()
    }

    #[test]
    fn storage_leaves_out_what_is_declared_for_something_else() {
        let kept = |model: &BucketModel| match reach(model) {
            Reach::Everything => None,
            Reach::Prefixes(prefixes) => Some(prefixes.into_iter().collect::<Vec<_>>()),
        };
        assert_eq!(kept(&bucket(&[], &["payments"])), None);
        let with = bucket(&["trust-policies/"], &["payments", "logins"]);
        let rest = ["alb/AWSLogs/", "logs/logins/", "logs/payments/"];
        assert_eq!(kept(&with), Some(rest.map(str::to_owned).to_vec()));
    }
}
