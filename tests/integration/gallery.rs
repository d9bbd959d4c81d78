//! The gallery of real failures: each file names commands that do what the field does, and under those it must fail. That it
//! passes as shipped, whatever the seed, is shown with all other scenarios.

use std::fs;

use lbsim::gate::run::{Options, run};
use lbsim::gate::verdict;
use lbsim::report::Verdict;
use lbsim::scenario::{Overrides, load};

use crate::scenarios::{files, root};

/// How a line of a file begins that names a failing command.
const MARK: &str = "# fails with: lbsim run ";

/// Files that show what the balancer does about a failure; each has at least one such line.
const GALLERY: [&str; 15] = [
    "all_full_wait_or_fail",
    "brownout",
    "cooldown_flap",
    "dead_or_blackhole",
    "failover_stampede",
    "grey_slow_provider",
    "in_flight_drift_and_ties",
    "n_replicas_shared_quota",
    "outage",
    "poison_request_and_impatient_caller",
    "rate_limits",
    "rpm_window_mismatch",
    "shared_upstream_429",
    "tpm_burst_overshoot",
    "weights_edge_cases",
];

/// Every command that a file names is a run of that file, and some expectation fails in it for the shipped seed and another.
#[test]
fn each_fails_under_what_the_field_does() {
    for file in files() {
        let commands = commands(&file);
        assert!(!commands.is_empty() || !GALLERY.contains(&file.as_str()), "{file} names no command that fails");
        for command in commands {
            for seed in [None, Some(7)] {
                let overrides = Overrides { seed, ..overrides(&file, &command) };
                assert_eq!(judge(&file, &overrides), Verdict::Fail, "{file}: {command}, seed {seed:?}");
            }
        }
    }
}

/// A bounded wait: the whole gallery is a matter of seconds, which is what makes it a gate.
#[test]
fn each_simulates_less_than_a_hundred_thousand_requests() {
    for file in GALLERY {
        let loaded = load(&path(file), &Overrides::default()).unwrap_or_else(|found| panic!("{}", found.render(false, 92)));
        let finished = run(&loaded.scenario.plan, &loaded.scenario.expectations, Options::default()).expect("a valid plan");
        assert!(finished.requests_simulated < 100_000, "{file}: {}", finished.requests_simulated);
        assert_eq!(verdict(verdicts(&finished), false), Verdict::Pass, "{file}");
    }
}

fn judge(file: &str, overrides: &Overrides) -> Verdict {
    let loaded = load(&path(file), overrides).unwrap_or_else(|found| panic!("{}", found.render(false, 92)));
    let finished = run(&loaded.scenario.plan, &loaded.scenario.expectations, Options::default()).expect("a valid plan");
    verdict(verdicts(&finished), finished.interrupted)
}

/// What stands behind [`MARK`] in a file, line by line.
fn commands(file: &str) -> Vec<String> {
    let text = fs::read_to_string(path(file)).expect("a scenario");
    text.lines().filter_map(|line| Some(line.strip_prefix(MARK)?.to_owned())).collect()
}

/// `FILE.toml --set KEY=VALUE --strategy NAME …`
fn overrides(file: &str, command: &str) -> Overrides {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some(format!("{file}.toml").as_str()), "{command} is not about its own file");
    let mut overrides = Overrides::default();
    while let Some(flag) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{command}: {flag} needs a value")).to_owned();
        match flag {
            "--set" => overrides.set.push(value),
            "--strategy" => overrides.strategy = Some(value),
            _ => panic!("{command}: this test does not know {flag}"),
        }
    }
    overrides
}

fn path(file: &str) -> String {
    format!("{}/scenarios/{file}.toml", root().display())
}

fn verdicts(finished: &lbsim::gate::run::Finished) -> impl Iterator<Item = Verdict> + Clone {
    finished.run.expectations.iter().map(|expectation| expectation.verdict)
}
