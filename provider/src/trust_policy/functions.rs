//! The functions of the provider: `retention_days` and `monthly_cost`.

use std::collections::BTreeMap;

use tf_provider::{Function, FunctionError, Parameter, Signature, Type, model};

use crate::aws::{Reach, Storage, Transition, check_storage};
use crate::trust::cost::{Bill, PRICED_ON, Usage, monthly_bill, prices};
use crate::trust::duration::parse_duration;
use crate::trust::preset::Preset;

/// `provider::auditlog::retention_days(preset)`.
#[derive(Debug, Clone, Copy)]
pub struct RetentionDays;

impl Function for RetentionDays {
    const NAME: &'static str = "retention_days";
    type Arguments = (String,);
    type Output = u32;

    fn signature(&self) -> Signature {
        Signature::returning(Type::Number)
            .summary("Least retention that a rule asks for, in days")
            .description(
                "Returns the minimum of a retention preset in days: `sec-17a-4` (2192), `finra-4511` (2192), `hipaa` (2192) or \
                 `pci-dss-10` (366). Years count with all the leap days that they can have. A minimum is not legal advice, and each \
                 rule asks for more than a retention: see the guide on retention presets.",
            )
            .parameter(
                Parameter::new("preset", Type::String).description("Name of the preset, such as `sec-17a-4`."),
            )
    }

    async fn call(&self, (preset,): (String,)) -> Result<u32, FunctionError> {
        Preset::parse(&preset).map_or_else(
            || {
                let names = Preset::names().map(|name| format!("{name:?}")).join(", ");
                let text = format!("{preset:?} is not one of the presets {names}");
                Err(FunctionError::new(text).at(0))
            },
            |preset| Ok(preset.days),
        )
    }
}

/// `provider::auditlog::monthly_cost(…)`.
#[derive(Debug, Clone, Copy)]
pub struct MonthlyCost;

model! {
    /// A move to a colder class.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TransitionModel {
        days: u32,
        storage_class: String,
    }

    /// What `monthly_cost` returns.
    #[derive(Debug, Clone, PartialEq)]
    pub struct BillModel {
        priced_on: String,
        gb_months: BTreeMap<String, f64>,
        put_requests: f64,
        transition_requests: BTreeMap<String, f64>,
        monitored_objects: f64,
        signatures: f64,
        cost: CostModel,
    }

    /// Dollars a month.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CostModel {
        storage: f64,
        requests: f64,
        transitions: f64,
        monitoring: f64,
        signatures: f64,
        keys: f64,
        total: f64,
    }
}

type CostArguments = (
    u32,
    u32,
    f64,
    String,
    u32,
    Vec<TransitionModel>,
    Option<BTreeMap<String, f64>>,
);

impl Function for MonthlyCost {
    const NAME: &'static str = "monthly_cost";
    type Arguments = CostArguments;
    type Output = BillModel;

    fn signature(&self) -> Signature {
        let number = |name: &str, text: &str| Parameter::new(name, Type::Number).description(text);
        Signature::returning(bill_type())
            .summary("Estimated cost of a trail in a month of thirty days")
            .description(COST_DESCRIPTION)
            .parameter(number("logs", "Number of logs, at least 1."))
            .parameter(number("keys", "Number of KMS keys, with the retired versions that are kept."))
            .parameter(number("gb_per_day", "GB (2^30 bytes) that all logs together store each day, compressed."))
            .parameter(
                Parameter::new("segment_interval", Type::String)
                    .description("Time between two segments of a log, such as `5m`."),
            )
            .parameter(number("kept_days", "Days until an object expires: the retention, and two days more."))
            .parameter(
                Parameter::new("transitions", transitions_type())
                    .description("Moves to colder classes in order, as in `storage` of an `auditlog_bucket`; `[]` for none."),
            )
            .parameter(
                Parameter::new("prices", Type::map(Type::Number))
                    .description("Prices in place of ours by name, such as `{ storage_STANDARD = 0.0245 }`; `null` for none.")
                    .allow_null(),
            )
    }

    async fn call(&self, arguments: CostArguments) -> Result<BillModel, FunctionError> {
        let own = arguments.6.clone().unwrap_or_default();
        let prices = prices(&own).map_err(|text| FunctionError::new(text).at(6))?;
        Ok(BillModel::from(&monthly_bill(&usage(arguments)?, &prices)))
    }
}

const COST_DESCRIPTION: &str = "Estimates what a trail costs once it is as old as it is kept: storage, one PUT request and one \
signature for each segment, transitions, the monitoring of `INTELLIGENT_TIERING`, and keys. Requests of readers, retrieval, traffic, requests for encryption with KMS and \
taxes are not included. Objects below 128 KB are not moved, as S3 does it, and transitions that \
a plan of an `auditlog_bucket` refuses are refused. `INTELLIGENT_TIERING` is counted in its frequent tier, where a verifier that reads everything \
keeps objects. The prices are in US dollars for US East (N. Virginia); \
`priced_on` in the result says when they were looked up. Pass your own in `prices`.";

fn transitions_type() -> Type {
    Type::list(Type::object([
        ("days".to_owned(), Type::Number),
        ("storage_class".to_owned(), Type::String),
    ]))
}

fn bill_type() -> Type {
    let numbers = || Type::map(Type::Number);
    let kinds = [
        "storage",
        "requests",
        "transitions",
        "monitoring",
        "signatures",
        "keys",
        "total",
    ];
    let cost = kinds.map(|name| (name.to_owned(), Type::Number));
    Type::object([
        ("priced_on".to_owned(), Type::String),
        ("gb_months".to_owned(), numbers()),
        ("put_requests".to_owned(), Type::Number),
        ("transition_requests".to_owned(), numbers()),
        ("monitored_objects".to_owned(), Type::Number),
        ("signatures".to_owned(), Type::Number),
        ("cost".to_owned(), Type::object(cost)),
    ])
}

/// The arguments, each in its range.
fn usage(arguments: CostArguments) -> Result<Usage, FunctionError> {
    let (logs, keys, gb_per_day, interval, kept_days, transitions, _) = arguments;
    let wrong = |text: &str, at| Err(FunctionError::new(text).at(at));
    if logs == 0 {
        return wrong("A trail has at least one log.", 0);
    }
    if !gb_per_day.is_finite() || gb_per_day < 0.0 {
        return wrong("The volume must not be negative.", 2);
    }
    let seconds = parse_duration(&interval).map_err(|text| FunctionError::new(text).at(3))?;
    let Some(segment_seconds) = u32::try_from(seconds).ok().filter(|seconds| *seconds > 0) else {
        return wrong(
            "The interval must be at least one second, and below 2^32.",
            3,
        );
    };
    if kept_days == 0 {
        return wrong("Objects are kept for at least one day.", 4);
    }
    Ok(Usage {
        logs,
        keys,
        gb_per_day,
        segment_seconds,
        kept_days,
        transitions: moves(transitions, kept_days)
            .map_err(|text| FunctionError::new(text).at(5))?,
    })
}

/// Moves in their order. What a lifecycle of that kind would be refused for is refused here: it costs more, or S3 does not do it.
fn moves(transitions: Vec<TransitionModel>, kept_days: u32) -> Result<Vec<(u32, String)>, String> {
    if transitions.is_empty() {
        return Ok(Vec::new());
    }
    let mut transitions: Vec<Transition> = transitions.into_iter().map(Transition::from).collect();
    transitions.sort();
    let storage = Storage {
        transitions,
        expiration_days: Some(kept_days),
        reach: Reach::Everything,
    };
    check_storage(&storage, 0, None).map_err(|refusal| refusal.to_string())?;
    let moves = storage.transitions.into_iter();
    Ok(moves.map(|to| (to.days, to.storage_class)).collect())
}

impl From<TransitionModel> for Transition {
    fn from(model: TransitionModel) -> Self {
        Self {
            days: model.days,
            storage_class: model.storage_class,
        }
    }
}

impl From<&Bill> for BillModel {
    fn from(bill: &Bill) -> Self {
        let round = |amounts: &BTreeMap<String, f64>| {
            let rounded = amounts
                .iter()
                .map(|(class, amount)| (class.clone(), cents(*amount)));
            rounded.collect()
        };
        Self {
            priced_on: PRICED_ON.to_owned(),
            gb_months: round(&bill.gb_months),
            put_requests: bill.puts.ceil(),
            transition_requests: bill
                .transitions
                .iter()
                .map(|(class, count)| (class.clone(), count.ceil()))
                .collect(),
            monitored_objects: bill.monitored.ceil(),
            signatures: bill.signatures.ceil(),
            cost: CostModel {
                storage: cents(bill.cost.storage),
                requests: cents(bill.cost.requests),
                transitions: cents(bill.cost.transitions),
                monitoring: cents(bill.cost.monitoring),
                signatures: cents(bill.cost.signatures),
                keys: cents(bill.cost.keys),
                total: cents(bill.cost.total()),
            },
        }
    }
}

/// Rounded to two decimals.
fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> CostArguments {
        let transitions = vec![TransitionModel {
            days: 90,
            storage_class: "GLACIER_IR".to_owned(),
        }];
        (2, 1, 10.0, "5m".to_owned(), 365, transitions, None)
    }

    async fn refused(arguments: CostArguments) -> String {
        MonthlyCost.call(arguments).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn presets_have_their_days_and_other_names_are_refused() {
        let days = async |name: &str| RetentionDays.call((name.to_owned(),)).await;
        assert_eq!(days("sec-17a-4").await, Ok(2_192));
        let refused = days("sox").await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "\"sox\" is not one of the presets \"finra-4511\", \"hipaa\", \"pci-dss-10\", \"sec-17a-4\""
        );
    }

    #[tokio::test]
    async fn bill_is_rounded_to_cents() {
        let bill = MonthlyCost.call(arguments()).await.unwrap();
        assert_eq!(
            bill.gb_months,
            BTreeMap::from([
                ("STANDARD".to_owned(), 900.0),
                ("GLACIER_IR".to_owned(), 2_750.0)
            ])
        );
        let CostModel {
            storage,
            requests,
            transitions,
            monitoring,
            signatures,
            keys,
            total,
        } = bill.cost;
        let dollars = [
            storage,
            requests,
            transitions,
            monitoring,
            signatures,
            keys,
            total,
        ];
        let shown = dollars.map(|one| one.to_string()).join(" ");
        assert_eq!(shown, "31.7 0.09 0.35 0 0.26 1 33.39");
        let half = BTreeMap::from([("storage_STANDARD".to_owned(), 0.0115)]);
        let bill = MonthlyCost
            .call((1, 0, 10.0, "1h".to_owned(), 30, vec![], Some(half)))
            .await
            .unwrap();
        assert!((bill.cost.storage - 3.45).abs() < 1e-9);
    }

    #[tokio::test]
    async fn arguments_out_of_range_are_refused_with_the_reason() {
        let with = |change: fn(&mut CostArguments)| {
            let mut arguments = arguments();
            change(&mut arguments);
            refused(arguments)
        };
        assert!(with(|all| all.0 = 0).await.contains("at least one log"));
        assert!(with(|all| all.2 = -1.0).await.contains("negative"));
        assert!(
            with(|all| all.3 = "often".to_owned())
                .await
                .contains("is not a duration")
        );
        assert!(
            with(|all| all.3 = "0s".to_owned())
                .await
                .contains("at least one second")
        );
        assert!(with(|all| all.4 = 0).await.contains("at least one day"));
        assert!(
            with(|all| all.5[0].storage_class = "STANDARD".to_owned())
                .await
                .contains("is not a storage class that a lifecycle rule can move objects to")
        );
        assert!(
            with(|all| all.5.push(all.5[0].clone()))
                .await
                .contains("S3 refuses rules in which the second does not come later")
        );
        assert!(with(|all| all.4 = 100).await.contains("AWS charges for 90"));
        assert!(
            with(|all| all.5[0] = TransitionModel {
                days: 1,
                storage_class: "STANDARD_IA".to_owned()
            })
            .await
            .contains("after 30 days at the earliest")
        );
        let unsupported = |all: &mut CostArguments| {
            all.5[0].storage_class = "ONEZONE_IA".to_owned();
            all.5.push(TransitionModel {
                days: 200,
                storage_class: "GLACIER_IR".to_owned(),
            });
        };
        assert!(
            with(unsupported)
                .await
                .contains("S3 does not move objects from ONEZONE_IA to GLACIER_IR")
        );
        assert!(
            with(|all| all.6 = Some(BTreeMap::from([("x".to_owned(), 1.0)])))
                .await
                .contains("\"x\" is not one of the prices")
        );
    }
}
