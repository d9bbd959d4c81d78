//! One run from plan to judged result.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::bound::{bound, efficiency};
use super::cause::likely_cause;
use super::{Expectation, Metric, evaluate, slices};
use crate::drive::{self, Balancer, DriveError, Plan, RealTime};
use crate::engine::{Config, ConfigError, Engine};
use crate::metrics::decision::decision_cost;
use crate::metrics::http::Exchanges;
use crate::metrics::latency::Samples;
use crate::metrics::observe::DecisionSink;
use crate::metrics::reasons::Reasons;
use crate::metrics::{ClassInfo, Objectives, ProviderInfo, Recorder, RecorderConfig};
use crate::report::{DecisionCost, Quantiles, RealRun, Run, TargetRun, Verdict};
use crate::time::Nanos;
use crate::world::arrivals::expected_requests;
use crate::world::spec::{End, Source};

/// Every so many picks one is timed: often enough for percentiles, seldom enough to cost a run under 5 %.
pub const TIMED_EVERY: u32 = 16;

/// In real time a request is late when the driver deals with it so long after its intended time.
const LATE: Nanos = Nanos::from_millis(1);

/// How far one or several runs are; read by another thread while they go on.
#[derive(Debug)]
pub struct Progress {
    /// Arrivals so far, warm-up included, of each run.
    done: Vec<AtomicU64>,
    /// Arrivals to come in all, where that is known.
    pub total: Option<u64>,
    /// What is counted, in the plural.
    pub of: &'static str,
}

impl Progress {
    /// Nothing done yet.
    pub fn of<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Progress {
        let expected: Vec<Option<u64>> = plans.into_iter().map(|plan| expected_requests(&plan.load)).collect();
        Progress { done: expected.iter().map(|_| AtomicU64::new(0)).collect(), total: expected.into_iter().sum(), of: "requests" }
    }

    /// One counter of things that are called this in the plural.
    pub fn counting(of: &'static str, total: Option<u64>) -> Progress {
        Progress { done: vec![AtomicU64::new(0)], total, of }
    }

    /// Arrivals so far in all runs together.
    pub fn done(&self) -> u64 {
        self.done.iter().map(|run| run.load(Relaxed)).sum()
    }

    /// The counter of one run, in the order of [`of`](Self::of).
    pub fn run(&self, index: usize) -> Option<&AtomicU64> {
        self.done.get(index)
    }
}

/// What the caller wants of a run besides its result.
#[derive(Default)]
pub struct Options<'a> {
    /// Arrivals so far, kept up to date while the run goes on.
    pub progress: Option<&'a AtomicU64>,
    /// Set from elsewhere to end the run early.
    pub stop: Option<&'a AtomicBool>,
    /// Receives every decision.
    pub decisions: Option<&'a mut dyn DecisionSink>,
    /// Count why providers were chosen or not. Then no pick is timed: recording its reasons takes longer than the pick.
    pub count_reasons: bool,
    /// Time every [`TIMED_EVERY`]-th pick with the wall clock.
    pub time_decisions: bool,
}

/// A run and what it took.
#[derive(Debug)]
pub struct Finished {
    /// The result, expectations judged.
    pub run: Run,
    /// Wall-clock time of the simulation itself.
    pub elapsed: Duration,
    /// Requests that arrived, warm-up included.
    pub requests_simulated: u64,
    /// Cost of a pick, if it was timed.
    pub decision_cost: Option<DecisionCost>,
    /// Stopped early.
    pub interrupted: bool,
}

/// Runs a plan and judges its expectations.
///
/// # Errors
/// [`DriveError`] for limits or a balancer configuration that contradict themselves.
pub fn run(plan: &Plan, expectations: &[Expectation], options: Options<'_>) -> Result<Finished, DriveError> {
    run_with(plan, expectations, options, &Engine::new)
}

/// [`run`] with balancers of another make.
///
/// # Errors
/// As [`run`].
pub fn run_with<B: Balancer>(
    plan: &Plan,
    expectations: &[Expectation],
    options: Options<'_>,
    make: &dyn Fn(Config) -> Result<B, ConfigError>,
) -> Result<Finished, DriveError> {
    let timer_ns = if options.time_decisions { drive::timer_cost() } else { 0 };
    let mut recorder = Recorder::new(recorder_config(plan, expectations, timer_ns));
    let names = plan.providers.iter().map(|provider| provider.name.clone());
    let (mut reasons, decisions) = match options.count_reasons {
        true => (Some(Reasons::new(names, options.decisions)), None),
        false => (None, options.decisions),
    };
    let sink: Option<&mut dyn DecisionSink> = match &mut reasons {
        Some(reasons) => Some(reasons),
        None => decisions.map(|sink| sink as &mut dyn DecisionSink),
    };
    let driving = drive::Options {
        stop: options.stop,
        progress: options.progress,
        decisions: sink,
        time_every: options.time_decisions.then_some(TIMED_EVERY),
        follow_shed: expectations.iter().any(|expectation| matches!(expectation.metric, Metric::RetryAfterError(_))),
    };
    let direct = match &plan.real {
        Some(real) if is_through(plan) => drive::real::direct(plan, real.time_scale)?,
        _ => Samples::default(),
    };
    let start = Instant::now();
    let finished = drive::simulate_with(plan, &mut recorder, driving, make)?;
    let elapsed = start.elapsed();
    let (mut run, mut stats) = recorder.into_run(plan.seed);
    run.efficiency = efficiency(&bound(plan, &run, finished.requests), &run);
    stats.efficiency = run.efficiency.clone();
    run.expectations = evaluate(expectations, &stats);
    explain(expectations, &mut run, plan);
    run.decisions = reasons.map(Reasons::into_counts);
    run.real = plan.real.as_ref().map(|real| real_run(real, &stats.exchanges, finished.unlabelled, direct.quantiles_ms()));
    Ok(Finished {
        run,
        elapsed,
        requests_simulated: finished.requests,
        decision_cost: (options.time_decisions && !is_through(plan)).then(|| decision_cost(&stats.decisions, timer_ns)),
        interrupted: finished.interrupted,
    })
}

/// Whether someone else's gateway balances, so that no decision is ours.
fn is_through(plan: &Plan) -> bool {
    plan.real.as_ref().is_some_and(|real| real.target.is_some())
}

/// What is to be said of a run in real time.
fn real_run(real: &RealTime, exchanges: &Exchanges, unlabelled: u64, direct_ms: Quantiles) -> RealRun {
    RealRun {
        time_scale: real.time_scale,
        late: exchanges.late,
        lag_ms: exchanges.lag.quantiles_ms(),
        overhead_ms: exchanges.overhead.quantiles_ms(),
        answers: exchanges.answers.iter().map(|(answer, times)| (answer.to_string(), *times)).collect(),
        target: real.target.as_ref().map(|target| TargetRun {
            url: target.url.clone(),
            name: target.name.clone(),
            port: real.port,
            model: target.model.clone(),
            direct_ms,
            unlabelled,
        }),
    }
}

/// Says of each expectation that does not hold why that probably is.
fn explain(expectations: &[Expectation], run: &mut Run, plan: &Plan) {
    let mut results = std::mem::take(&mut run.expectations);
    for (expectation, result) in expectations.iter().zip(&mut results) {
        if result.verdict != Verdict::Pass && result.cause.is_none() {
            result.cause = likely_cause(expectation, result, run, plan);
        }
    }
    run.expectations = results;
}

/// Whether an expectation is about the cost of decisions, which must be timed for it.
pub fn needs_timing(expectations: &[Expectation]) -> bool {
    expectations.iter().any(|expectation| matches!(expectation.metric, Metric::Decision(_)))
}

/// What has to be recorded of this plan for these expectations.
pub fn recorder_config(plan: &Plan, expectations: &[Expectation], timer_ns: u64) -> RecorderConfig {
    let providers = plan.providers.iter().zip(&plan.engine.providers);
    let providers = providers.map(|(truth, belief)| ProviderInfo {
        name: truth.name.clone(),
        weight: belief.weight,
        priority: belief.priority,
        models: belief.models.clone(),
        drained: belief.drained,
        slots: truth.slots,
        limits: truth.limits.clone(),
        quota_group: truth.quota_group.clone(),
        cost: truth.cost,
    });
    let classes = plan.load.classes.iter().map(|class| ClassInfo {
        name: class.name.clone().unwrap_or_else(|| "default".to_owned()),
        model: class.model.clone(),
        share: class.share,
    });
    RecorderConfig {
        providers: providers.collect(),
        classes: classes.collect(),
        strategy: plan.engine.strategy,
        warmup: plan.load.warmup,
        ends: if let End::Duration(duration) = plan.load.end { plan.load.warmup + duration } else { Nanos::MAX },
        slo: Objectives { ttft: plan.slo.ttft, latency: plan.slo.latency },
        slices: slices(expectations),
        closed: matches!(plan.load.source, Source::Closed { .. }),
        health: plan.engine.outlier_detection.is_some(),
        timer_ns,
        late_after: plan.real.as_ref().map_or(Nanos::MAX, |real| Nanos::from_f64(LATE.as_f64() * real.time_scale)),
    }
}
