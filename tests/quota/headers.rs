//! Limits that only response headers tell.

use crate::pool::{Case, ESTIMATED, Limited, Marks, REQUESTS, STRATEGIES, TOKENS, UNKNOWN_SIZES, hold};

const VISIBILITY: &str = "headers";

/// After the first minute at most 0.5 % refusals, and at least 95 % of what is possible.
fn told(pools: &[(&str, &[Limited<'static>])], sizes: &'static str) {
    hold(pools, Marks { refused_max: 0.005, served_min: 0.95, used_min: 0.95 }, |case| Case { sizes, visibility: VISIBILITY, ..case });
}

#[test]
fn requests_alone() {
    told(&REQUESTS, "");
}

#[test]
fn tokens_of_known_size() {
    told(&TOKENS, "max_tokens = 180");
}

/// Sizes that nobody knows in advance.
#[test]
fn tokens_of_unknown_size() {
    told(&TOKENS, UNKNOWN_SIZES);
}

/// The provider reserves `max_tokens` and gives back what was not used.
#[test]
fn estimates_charged() {
    told(&ESTIMATED, UNKNOWN_SIZES);
}

/// Limits that hold few: windows of a second, and shallow buckets, slow and fast.
#[test]
fn few_at_a_time() {
    let mut missed = String::new();
    for (limits, per_minute) in [
        ("rpm = 120, period = '1s', algorithm = 'fixed-window'", 120.0),
        ("rpm = 300, period = '1s', algorithm = 'fixed-window'", 300.0),
        ("rpm = 120, period = '1s', algorithm = 'sliding-window'", 120.0),
        ("rpm = 300, period = '1s', algorithm = 'sliding-window'", 300.0),
        ("rpm = 120, period = '1s'", 120.0),
        ("rpm = 60, burst = 5", 60.0),
        ("rpm = 60, period = '10s'", 60.0),
        ("rpm = 300, burst = 1", 300.0),
        ("rpm = 600, burst = 1", 600.0),
        ("rpm = 1_500, burst = 10", 1_500.0),
    ] {
        for (load, seed) in [0.9, 1.0, 1.2].into_iter().flat_map(|load| (1..=SEEDS_OF_FEW).map(move |seed| (load, seed))) {
            let pool = [Limited { limits, per_minute }];
            let outcome = Case { visibility: VISIBILITY, seed, ..Case::new(&pool, "rate-limit-aware", load) }.run();
            let what = format!("{limits}, load {load}, seed {seed}: {}\n", outcome.figures());
            print!("{what}");
            let used = load < 1.1 || outcome.used() >= 0.95;
            if outcome.refused() > 0.005 || outcome.served() < 0.95 || !used {
                missed += &what;
            }
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

/// Enough for each of them to begin at several places in a window.
const SEEDS_OF_FEW: u64 = 4;

/// Others use 30 % of the quota, we offer 60 %: at most 1 % refusals, and at least 98 % served. Limits that hold
/// hundreds: a Poisson load of 90 % exceeds a sliding sixty often, and who takes its last place shows in no header.
#[test]
fn beside_others() {
    for name in ["token-bucket", "fixed-window", "sliding-window"] {
        let text = format!("rpm = 300, algorithm = '{name}'");
        let pool = [Limited { limits: &text, per_minute: 300.0 }; 2];
        for strategy in STRATEGIES {
            let outcome = Case { visibility: VISIBILITY, others: 0.3, ..Case::new(&pool, strategy, 0.6) }.run();
            let what = format!("{name}, {strategy}: {}", outcome.figures());
            println!("{what}");
            assert!(outcome.refused() <= 0.01 && outcome.served() >= 0.98, "{what}");
        }
    }
}

/// The same of sliding windows of a hundred or so, over ten seeds together: in any one of them a Poisson load of 90 % is above the
/// limit for minutes, or never.
#[test]
fn beside_others_in_small_windows() {
    for (text, per_minute) in [("rpm = 90, algorithm = 'sliding-window'", 90.0), ("rpm = 120, algorithm = 'sliding-window'", 120.0)] {
        let pool = [Limited { limits: text, per_minute }; 2];
        for strategy in STRATEGIES {
            let outcomes = (1..=10).map(|seed| Case { visibility: VISIBILITY, others: 0.3, seed, ..Case::new(&pool, strategy, 0.6) }.run());
            let (refused, served) = outcomes.fold((0.0, 0.0), |(refused, served), one| (refused + one.refused(), served + one.served()));
            println!("{text}, {strategy}: refused {:.2} %, served {:.2} %", refused * 10.0, served * 10.0);
            assert!(refused / 10.0 <= 0.01 && served / 10.0 >= 0.98, "{text}, {strategy}: {refused} {served}");
        }
    }
}
