//! From finished runs to the report of a command.

use std::time::Duration;

use crate::gate::run::Finished;
use crate::gate::verdict;
use crate::report::{Collection, DecisionCost, FORMAT, Quantiles, Report, Run, ScenarioRef, Verdict, Wall};
use crate::scenario::Scenario;

/// The report of one run; without its wall-clock part if `stable`.
pub fn single(scenario: &Scenario, finished: Finished, stable: bool) -> Report {
    let wall = (!stable).then(|| wall(&finished));
    let interrupted = finished.interrupted;
    several(scenario, vec![finished.run], interrupted, wall)
}

/// The report of runs of one scenario, in the given order.
pub fn several(scenario: &Scenario, mut runs: Vec<Run>, interrupted: bool, wall: Option<Wall>) -> Report {
    if interrupted {
        // Half of a run neither holds nor breaks what was expected of the whole.
        let expectations = runs.iter_mut().flat_map(|run| &mut run.expectations);
        expectations.for_each(|expectation| expectation.verdict = Verdict::Incomplete);
    }
    Report {
        format: FORMAT,
        lbsim: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: reference(scenario),
        clock: scenario.plan.clock().to_owned(),
        verdict: verdict(verdicts(&runs), interrupted),
        runs,
        wall,
        replicated: Vec::new(),
        comparison: None,
    }
}

/// Over all expectations of these runs.
fn verdicts(runs: &[Run]) -> impl Iterator<Item = Verdict> + Clone {
    runs.iter().flat_map(|run| &run.expectations).map(|expectation| expectation.verdict)
}

/// How a result names its scenario.
pub fn reference(scenario: &Scenario) -> ScenarioRef {
    ScenarioRef {
        name: scenario.name.clone(),
        digest: scenario.digest.clone(),
        path: scenario.path.clone(),
        description: scenario.description.clone(),
        arguments: scenario.arguments.clone(),
    }
}

fn wall(finished: &Finished) -> Wall {
    let nothing = DecisionCost { quantiles: Quantiles::default(), histogram: Vec::new(), timer_ns: 0 };
    Wall {
        elapsed_s: finished.elapsed.as_secs_f64(),
        requests_per_s: requests_per_s(finished.requests_simulated, finished.elapsed),
        decision_ns: finished.decision_cost.clone().unwrap_or(nothing),
        variants: Vec::new(),
    }
}

/// 0 where no time passed.
pub fn requests_per_s(requests: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { requests as f64 / seconds } else { 0.0 }
}

/// The reports of several scenarios, with the worst of their verdicts; `invalid` are the files that have none.
pub fn collection(reports: Vec<Report>, invalid: Vec<String>) -> Collection {
    let judged = reports.iter().map(|report| report.verdict).filter(|verdict| *verdict != Verdict::None);
    let interrupted = reports.iter().any(|report| report.verdict == Verdict::Incomplete);
    let verdict = verdict(judged, interrupted);
    Collection {
        format: FORMAT,
        lbsim: env!("CARGO_PKG_VERSION").to_owned(),
        verdict,
        reports,
        invalid,
        wall: None,
        comparison: None,
        sweep: None,
    }
}
