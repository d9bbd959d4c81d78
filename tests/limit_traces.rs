//! The same stated limit under six algorithms, on an hour of real traffic.
//!
//! Needs the public Azure LLM inference traces of 2023 (github.com/Azure/AzurePublicDataset, `data/`, CC-BY 4.0; Patel et al.,
//! "Splitwise", ISCA 2024) in the folder that `LBSIM_TRACES` names, or in `../shared/traces`; without them the test
//! says so and passes.

use std::path::PathBuf;

use lbsim::engine::limit::{Algorithm, Cost, Ledger, Limits};
use lbsim::time::Nanos;

/// Name, period and algorithm of each column below.
const COLUMNS: [(&str, u64, Algorithm); 6] = [
    ("bucket, 1 min deep", 60, Algorithm::TokenBucket),
    ("fixed minute", 60, Algorithm::FixedWindow),
    ("sliding minute", 60, Algorithm::SlidingWindow),
    ("fixed 10 s", 10, Algorithm::FixedWindow),
    ("bucket, 1 s deep", 1, Algorithm::TokenBucket),
    ("fixed 1 s", 1, Algorithm::FixedWindow),
];

/// Percent refused, computed once by an independent program from the same files: arrivals only, each costs one request, a
/// refused one uses nothing, time starts at the first row.
const EXPECTED: [(&str, f64, [&str; 6]); 4] = [
    ("AzureLLMInferenceTrace_conv.csv", 498.0, ["0.000", "0.046", "0.201", "0.294", "1.064", "6.129"]),
    ("AzureLLMInferenceTrace_conv.csv", 664.0, ["0.000", "0.000", "0.000", "0.000", "0.000", "0.971"]),
    ("AzureLLMInferenceTrace_code.csv", 308.0, ["3.606", "13.505", "20.320", "34.777", "48.214", "52.455"]),
    ("AzureLLMInferenceTrace_code.csv", 616.0, ["0.000", "0.181", "1.837", "12.099", "20.830", "26.295"]),
];

#[test]
fn real_traffic_is_refused_as_computed_independently() {
    let folder =
        std::env::var_os("LBSIM_TRACES").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/traces"), PathBuf::from);
    for (file, rpm, row) in EXPECTED {
        let path = folder.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no {}", path.display());
            continue;
        };
        let arrivals = arrivals(&text);
        for ((name, period, algorithm), expected) in COLUMNS.into_iter().zip(row) {
            let limits = Limits { rpm: Some(rpm), period: Some(Nanos::from_secs(period)), algorithm, ..Limits::default() };
            let got = format!("{:.3}", 100.0 * refused(&limits, &arrivals) as f64 / arrivals.len() as f64);
            assert_eq!(got, expected, "{file} at {rpm} rpm, {name}");
        }
    }
}

fn refused(limits: &Limits, arrivals: &[Nanos]) -> usize {
    let mut ledger = Ledger::new(limits).expect("sensible limits");
    let mut refused = 0;
    for &now in arrivals {
        match ledger.try_reserve(now, Cost::default()) {
            Ok(reservation) => ledger.settle(now, reservation, None),
            Err(_) => refused += 1,
        }
    }
    refused
}

/// The first column, `2023-11-16 18:17:03.9799600`, as the time since the first row; both traces lie within one day.
fn arrivals(csv: &str) -> Vec<Nanos> {
    let mut arrivals: Vec<u64> = csv.lines().skip(1).filter_map(|line| line.split(',').next()).map(time_of_day).collect();
    let start = arrivals[0];
    arrivals.iter_mut().for_each(|at| *at -= start);
    arrivals.into_iter().map(Nanos::new).collect()
}

fn time_of_day(stamp: &str) -> u64 {
    let clock = stamp.split(' ').nth(1).expect("date and time");
    let field = |range: std::ops::Range<usize>| clock[range].parse::<u64>().expect("digits");
    let seconds = field(0..2) * 3_600 + field(3..5) * 60 + field(6..8);
    // Seven digits: steps of 100 ns.
    seconds * 1_000_000_000 + field(9..16) * 100
}
