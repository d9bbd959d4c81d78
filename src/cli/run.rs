//! `lbsim run`: one scenario, one strategy, one report.

use std::path::Path;
use std::thread::available_parallelism;

use super::args::Run as Options;
use super::decisions::DecisionLog;
use super::exit::{Exit, FailOn, Failure, judge, verdict};
use super::output::Output;
use super::terminal::Terminal;
use super::{destination, interrupt, progress};
use crate::gate::metric::Metric;
use crate::gate::run::{self as driver, Finished, Progress};
use crate::metrics::observe::DecisionSink;
use crate::render::number::{nanos, per_second, plural};
use crate::report::{DecisionCost, FORMAT, Quantiles, Report, ScenarioRef, Verdict, Wall};
use crate::scenario::{self, Overrides, Scenario, Severity};

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    check_fail_on(&options.fail_on)?;
    let scenario_path = Path::new(&options.scenario);
    let planned = destination::plan(scenario_path, &options.output, options.decisions.as_deref(), options.format.into())?;
    let overrides = Overrides { set: options.set.clone(), seed: options.seed, strategy: options.strategy.clone() };
    let loaded = match scenario::load(&options.scenario, &overrides) {
        Ok(loaded) => loaded,
        Err(wrong) => {
            terminal.complain(&wrong.render(terminal.color_stderr, terminal.view.width));
            return Ok(Exit::Usage);
        }
    };
    // A note, such as another name of a strategy, is nothing to fail on.
    let warnings = loaded.warnings.iter().filter(|found| found.severity == Severity::Warning).count();
    if !loaded.warnings.is_empty() {
        terminal.remark(&loaded.warnings.render(terminal.color_stderr, terminal.view.width));
    }
    let scenario = loaded.scenario;
    destination::spare_trace(scenario.trace.as_deref(), &planned, options.decisions.as_deref())?;
    // Before the first temporary file exists, so that none can be left behind.
    if let Err(problem) = interrupt::install() {
        terminal.remark(&format!("warning: Ctrl-C will end the program without a report: {problem}"));
    }
    let outputs = planned.into_iter().map(destination::Planned::open).collect::<Result<Vec<_>, _>>()?;
    let log = options.decisions.as_deref().map(Output::create).transpose()?;
    let log = log.map(|output| DecisionLog::new(names(&scenario), output, threads(options) > 1, interrupt::stop()));
    let finished = simulate(&scenario, options, log, terminal)?;
    let interrupted = finished.interrupted;
    if !options.stable {
        terminal.remark(&timing(&finished));
    }
    let report = report(&scenario, finished, options.stable);
    destination::write(&report, outputs, terminal)?;
    Ok(judge(&report.runs[0].expectations, warnings, interrupted, &options.fail_on))
}

/// `none` beside anything else contradicts itself.
fn check_fail_on(fail_on: &[FailOn]) -> Result<(), Failure> {
    if fail_on.contains(&FailOn::None) && fail_on.iter().any(|reason| *reason != FailOn::None) {
        return Err(Failure::usage("--fail-on none cannot be combined with anything else"));
    }
    Ok(())
}

/// Threads this run may use.
fn threads(options: &Options) -> usize {
    options.jobs.or_else(|| available_parallelism().ok()).map_or(1, usize::from)
}

/// The run itself, with everything that looks on.
fn simulate(scenario: &Scenario, options: &Options, mut log: Option<DecisionLog>, terminal: &Terminal) -> Result<Finished, Failure> {
    let progress = Progress::of(&scenario.plan);
    // An expectation about decision times needs them even where the report leaves them out.
    let needed = scenario.expectations.iter().any(|expectation| matches!(expectation.metric, Metric::Decision(_)));
    let finished = progress::watched(terminal, &progress, || {
        let watching = driver::Options {
            progress: Some(&progress),
            stop: Some(interrupt::stop()),
            decisions: log.as_mut().map(|log| log as &mut dyn DecisionSink),
            count_reasons: terminal.view.verbose,
            time_decisions: needed || !options.stable,
        };
        driver::run(&scenario.plan, &scenario.expectations, watching)
    });
    let finished = finished.map_err(|error| Failure::usage(format!("{}: {error}", scenario.path)))?;
    // A log that cannot be written is found during the run and ends it; the report of such a run would mislead.
    log.map_or(Ok(()), DecisionLog::finish)?;
    Ok(finished)
}

/// Provider names in file order.
fn names(scenario: &Scenario) -> Vec<String> {
    scenario.plan.providers.iter().map(|provider| provider.name.clone()).collect()
}

fn report(scenario: &Scenario, mut finished: Finished, stable: bool) -> Report {
    if finished.interrupted {
        // Half of a run neither holds nor breaks what was expected of the whole.
        finished.run.expectations.iter_mut().for_each(|expectation| expectation.verdict = Verdict::Incomplete);
    }
    let seconds = finished.elapsed.as_secs_f64();
    let nothing = DecisionCost { quantiles: Quantiles::default(), histogram: Vec::new(), timer_ns: 0 };
    let wall = Wall {
        elapsed_s: seconds,
        requests_per_s: if seconds > 0.0 { finished.requests_simulated as f64 / seconds } else { 0.0 },
        decision_ns: finished.decision_cost.unwrap_or(nothing),
    };
    Report {
        format: FORMAT,
        lbsim: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: ScenarioRef {
            name: scenario.name.clone(),
            digest: scenario.digest.clone(),
            path: scenario.path.clone(),
            description: scenario.description.clone(),
        },
        clock: "virtual".to_owned(),
        verdict: verdict(&finished.run.expectations, finished.interrupted),
        runs: vec![finished.run],
        wall: (!stable).then_some(wall),
    }
}

fn timing(finished: &Finished) -> String {
    let elapsed = finished.elapsed.as_secs_f64();
    let rate =
        if elapsed > 0.0 { format!(" ({})", per_second((finished.requests_simulated as f64 / elapsed).round())) } else { String::new() };
    format!("simulated {} in {}{rate}, warm-up included", plural(finished.requests_simulated, "request"), nanos(elapsed * 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on_none_stands_alone() {
        assert!(check_fail_on(&[FailOn::None]).is_ok());
        assert!(check_fail_on(&[FailOn::None, FailOn::Noisy]).is_err());
    }
}
