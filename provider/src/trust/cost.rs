//! What a trail costs in a month: an estimate from its volume, by a dated table of prices.
//!
//! It counts what a sealer and a lifecycle do once the trail is as old as it is kept: storage, one PUT for each segment, transitions,
//! the monitoring of `INTELLIGENT_TIERING`, one signature for each segment, and keys. It does not count what readers do (GET, retrieval, traffic), requests for encryption
//! with KMS, or taxes.

use std::collections::BTreeMap;

/// When the prices below were looked up.
pub const PRICED_ON: &str = "2026-11-26";

/// Prices in US dollars for US East (N. Virginia), by the pages "Amazon S3 pricing" and "AWS Key Management Service pricing":
/// storage per GB-month of the first 50 TB (of `INTELLIGENT_TIERING` in its frequent tier), requests per 1,000, monitored objects per
/// 1,000 a month, signatures per 10,000 (all specs but `RSA_2048`), a key per month. The documentation says which of them are confirmed.
pub const PRICES: [(&str, f64); 17] = [
    ("key", 1.0),
    ("monitoring", 0.002_5),
    ("put", 0.005),
    ("sign", 0.15),
    ("storage_DEEP_ARCHIVE", 0.000_99),
    ("storage_GLACIER", 0.003_6),
    ("storage_GLACIER_IR", 0.004),
    ("storage_INTELLIGENT_TIERING", 0.023),
    ("storage_ONEZONE_IA", 0.01),
    ("storage_STANDARD", 0.023),
    ("storage_STANDARD_IA", 0.012_5),
    ("transition_DEEP_ARCHIVE", 0.05),
    ("transition_GLACIER", 0.03),
    ("transition_GLACIER_IR", 0.02),
    ("transition_INTELLIGENT_TIERING", 0.01),
    ("transition_ONEZONE_IA", 0.01),
    ("transition_STANDARD_IA", 0.01),
];

const MONITORED: &str = "INTELLIGENT_TIERING";
const STANDARD: &str = "STANDARD";

/// Days of a month, as AWS's own examples count them.
const MONTH_DAYS: f64 = 30.0;

const DAY_SECONDS: f64 = 86_400.0;

const GB: f64 = 1_073_741_824.0;

/// S3 moves no smaller objects: it would cost more than it saves.
const LEAST_MOVED_BYTES: f64 = 131_072.0;

/// What S3 adds to each archived object: an index at the price of the class, and a name at that of STANDARD.
const ARCHIVED_INDEX_BYTES: f64 = 32_768.0;
const ARCHIVED_NAME_BYTES: f64 = 8_192.0;

/// A trail, as far as its cost depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Number of logs.
    pub logs: u32,
    /// Number of KMS keys, retired versions included.
    pub keys: u32,
    /// GB (2^30 bytes) that are stored each day by all logs together.
    pub gb_per_day: f64,
    /// Seconds between two segments of a log.
    pub segment_seconds: u32,
    /// Days until an object expires.
    pub kept_days: u32,
    /// When objects are moved, in days, and to which class, in order.
    pub transitions: Vec<(u32, String)>,
}

/// What it comes to in a month of thirty days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// GB-months by storage class.
    pub gb_months: BTreeMap<String, f64>,
    /// Segments that are stored: PUT requests.
    pub puts: f64,
    /// Objects that are moved, by the class that they are moved to.
    pub transitions: BTreeMap<String, f64>,
    /// Objects in `INTELLIGENT_TIERING`, each of which S3 monitors.
    pub monitored: f64,
    /// Signatures.
    pub signatures: f64,
    /// Dollars by what they are for.
    pub cost: Cost,
}

/// Dollars a month.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Of GB-months.
    pub storage: f64,
    /// Of PUT requests.
    pub requests: f64,
    /// Of transitions.
    pub transitions: f64,
    /// Of the monitoring of `INTELLIGENT_TIERING`.
    pub monitoring: f64,
    /// Of signatures.
    pub signatures: f64,
    /// Of keys.
    pub keys: f64,
}

impl Cost {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.storage
            + self.requests
            + self.transitions
            + self.monitoring
            + self.signatures
            + self.keys
    }
}

/// The prices by name, with those of the caller in place of ours.
///
/// # Errors
///
/// A sentence for the user, where there is no price of that name, or a price is negative.
pub fn prices(own: &BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>, String> {
    let mut prices: BTreeMap<String, f64> = PRICES
        .into_iter()
        .map(|(name, price)| (name.to_owned(), price))
        .collect();
    for (name, price) in own {
        let Some(known) = prices.get_mut(name) else {
            let names = PRICES.map(|(name, _)| name).join(", ");
            return Err(format!("{name:?} is not one of the prices: {names}."));
        };
        if *price < 0.0 {
            return Err(format!("The price {name:?} is negative."));
        }
        *known = *price;
    }
    Ok(prices)
}

/// Estimates a month.
pub fn monthly_bill(usage: &Usage, prices: &BTreeMap<String, f64>) -> Bill {
    let per_day = f64::from(usage.logs) * DAY_SECONDS / f64::from(usage.segment_seconds);
    let bytes = usage.gb_per_day * GB / per_day;
    let puts = per_day * MONTH_DAYS;
    let mut bill = Bill {
        puts,
        signatures: puts,
        ..Bill::default()
    };
    let is_moved = |bytes: f64| bytes >= LEAST_MOVED_BYTES;
    let moves: &[_] = if is_moved(bytes) {
        &usage.transitions
    } else {
        &[]
    };
    for (class, days) in stays(moves, usage.kept_days) {
        add(&mut bill.gb_months, class, usage.gb_per_day * days);
        if class == MONITORED {
            bill.monitored += per_day * days;
        }
        if matches!(class, "GLACIER" | "DEEP_ARCHIVE") {
            let objects = per_day * days;
            add(
                &mut bill.gb_months,
                class,
                objects * ARCHIVED_INDEX_BYTES / GB,
            );
            add(
                &mut bill.gb_months,
                STANDARD,
                objects * ARCHIVED_NAME_BYTES / GB,
            );
        }
    }
    for (days, class) in moves {
        if *days < usage.kept_days {
            add(&mut bill.transitions, class, puts);
        }
    }
    bill.cost = cost(usage, &bill, prices);
    bill
}

/// How many days an object is in each class.
fn stays(moves: &[(u32, String)], kept_days: u32) -> Vec<(&str, f64)> {
    let mut found = Vec::new();
    let (mut class, mut since) = (STANDARD, 0);
    for (days, next) in moves {
        let until = (*days).min(kept_days);
        found.push((class, f64::from(until.saturating_sub(since))));
        (class, since) = (next.as_str(), until);
    }
    found.push((class, f64::from(kept_days.saturating_sub(since))));
    found.retain(|(_, days)| *days > 0.0);
    found
}

fn add(sums: &mut BTreeMap<String, f64>, name: &str, more: f64) {
    *sums.entry(name.to_owned()).or_default() += more;
}

fn cost(usage: &Usage, bill: &Bill, prices: &BTreeMap<String, f64>) -> Cost {
    let price = |name: &str| prices.get(name).copied().unwrap_or_default();
    let sum = |amounts: &BTreeMap<String, f64>, kind: &str| {
        let one = |(class, amount): (&String, &f64)| amount * price(&format!("{kind}_{class}"));
        amounts.iter().map(one).sum::<f64>()
    };
    Cost {
        storage: sum(&bill.gb_months, "storage"),
        requests: bill.puts / 1_000.0 * price("put"),
        transitions: sum(&bill.transitions, "transition") / 1_000.0,
        monitoring: bill.monitored / 1_000.0 * price("monitoring"),
        signatures: bill.signatures / 10_000.0 * price("sign"),
        keys: f64::from(usage.keys) * price("key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::storage_classes;

    fn usage() -> Usage {
        Usage {
            logs: 2,
            keys: 1,
            gb_per_day: 10.0,
            segment_seconds: 300,
            kept_days: 365,
            transitions: vec![(90, "GLACIER_IR".to_owned())],
        }
    }

    fn bill(usage: &Usage) -> Bill {
        monthly_bill(usage, &prices(&BTreeMap::new()).unwrap())
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    /// The worked example of the documentation.
    #[test]
    fn ten_gb_a_day_for_a_year_cost_what_the_documentation_works_out() {
        let bill = bill(&usage());
        assert!(near(bill.gb_months["STANDARD"], 900.0));
        assert!(near(bill.gb_months["GLACIER_IR"], 2_750.0));
        // 2 logs, 288 segments a day, 30 days
        assert!(near(bill.puts, 17_280.0) && near(bill.signatures, 17_280.0));
        assert!(near(bill.transitions["GLACIER_IR"], 17_280.0));
        let Cost {
            storage,
            requests,
            transitions,
            monitoring,
            signatures,
            keys,
        } = bill.cost;
        assert!(near(monitoring, 0.0), "{monitoring}");
        assert!(near(storage, 900.0 * 0.023 + 2_750.0 * 0.004), "{storage}");
        assert!(near(requests, 0.0864), "{requests}");
        assert!(near(transitions, 0.3456), "{transitions}");
        assert!(near(signatures, 0.2592), "{signatures}");
        assert!(near(keys, 1.0));
        assert!(near(bill.cost.total(), 33.391_2), "{}", bill.cost.total());
    }

    #[test]
    fn documentation_has_the_prices_and_their_date() {
        let page = include_str!("../../../templates/functions/monthly_cost.md.tmpl");
        assert!(page.contains(&format!("looked up on {PRICED_ON}")));
        for (name, price) in PRICES {
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}`")));
            let row = row.unwrap_or_default();
            let confirmed = row.contains("| confirmed |") || row.contains("| not confirmed |");
            assert!(row.ends_with(&format!("| {price} |")), "{name}: {row:?}");
            assert!(confirmed && row.contains(" pricing |"), "{name}: {row:?}");
        }
    }

    #[test]
    fn small_objects_are_not_moved() {
        let small = Usage {
            gb_per_day: 0.05,
            ..usage()
        };
        let bill = bill(&small);
        assert_eq!(bill.gb_months.len(), 1);
        assert!(near(bill.gb_months["STANDARD"], 0.05 * 365.0));
        assert!(bill.transitions.is_empty());
    }

    #[test]
    fn archived_objects_cost_an_index_and_a_name_each() {
        let archived = Usage {
            transitions: vec![
                (30, "STANDARD_IA".to_owned()),
                (60, "DEEP_ARCHIVE".to_owned()),
            ],
            ..usage()
        };
        let bill = bill(&archived);
        let objects = 576.0 * 305.0;
        assert!(near(
            bill.gb_months["DEEP_ARCHIVE"],
            3_050.0 + objects * 32.0 / 1_048_576.0
        ));
        assert!(near(
            bill.gb_months["STANDARD"],
            300.0 + objects * 8.0 / 1_048_576.0
        ));
        assert!(near(bill.gb_months["STANDARD_IA"], 300.0));
        assert_eq!(bill.transitions.len(), 2);
    }

    #[test]
    fn intelligent_tiering_monitors_each_object_and_takes_no_small_ones() {
        let tiered = Usage {
            transitions: vec![(5, MONITORED.to_owned())],
            ..usage()
        };
        let bill = bill(&tiered);
        // 576 segments a day, 360 days each
        assert!(near(bill.monitored, 207_360.0), "{}", bill.monitored);
        assert!(near(bill.gb_months[MONITORED], 3_600.0));
        assert!(near(bill.transitions[MONITORED], 17_280.0));
        assert!(near(bill.cost.monitoring, 0.518_4));
        assert!(near(bill.cost.transitions, 0.172_8));
        assert!(near(bill.cost.storage, 3_650.0 * 0.023));
        let all = bill.cost.storage + 0.0864 + 0.172_8 + 0.518_4 + 0.2592 + 1.0;
        assert!(near(bill.cost.total(), all));
        let small = Usage {
            gb_per_day: 0.05,
            ..tiered
        };
        let bill = monthly_bill(&small, &prices(&BTreeMap::new()).unwrap());
        assert!(near(bill.monitored, 0.0) && near(bill.cost.monitoring, 0.0));
    }

    #[test]
    fn object_that_expires_first_is_not_moved() {
        let short = Usage {
            kept_days: 60,
            ..usage()
        };
        let bill = bill(&short);
        assert!(near(bill.gb_months["STANDARD"], 600.0));
        assert_eq!((bill.gb_months.len(), bill.transitions.len()), (1, 0));
    }

    #[test]
    fn prices_can_be_replaced_by_name() {
        let own = BTreeMap::from([("storage_STANDARD".to_owned(), 0.0)]);
        assert!(near(prices(&own).unwrap()["storage_STANDARD"], 0.0));
        let unknown = BTreeMap::from([("storage".to_owned(), 1.0)]);
        assert!(
            prices(&unknown)
                .unwrap_err()
                .starts_with("\"storage\" is not one of the prices")
        );
        let negative = BTreeMap::from([("key".to_owned(), -1.0)]);
        assert!(prices(&negative).is_err());
        assert!(PRICES.is_sorted_by_key(|(name, _)| *name));
        for class in storage_classes() {
            let has = |kind: &str| {
                PRICES
                    .iter()
                    .any(|(name, _)| *name == format!("{kind}_{class}"))
            };
            assert!(has("storage") && has("transition"), "{class}");
        }
    }
}
