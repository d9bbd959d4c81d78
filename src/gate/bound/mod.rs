//! How good any balancer could have been: an upper bound on the goodput of a run, and what sets it.
//!
//! For every policy, the good requests that provider i serves keep to what its limits and slots can give over the time in
//! which a measured request may be admitted, whoever decides. With prices y ≥ 0 on these resources, linear programming
//! duality gives for *every* y
//!
//! > goodput ≤ Σ_c y_c · capacity_c + Σ_r max(0, max_i (1 − Σ_c y_c · cost_c(r, i)))
//!
//! over the realised requests r and the providers i that serve their model. The prices come from the dual program at mean
//! sizes ([`program`]); the sum over requests is made with their true sizes and service times ([`requests`]), which are drawn
//! again by their address, so that the bound holds on every sample path and needs no memory per request. A bad price only
//! makes it looser.
//!
//! **Capacities** ([`capacity`](crate::metrics::capacity)): a bucket gives its depth and what flows in, a fixed window its limit for each window
//! touched, a sliding window L(1 + ⌊H/W⌋), slots and concurrency their number times the time until the last good
//! answer ends (Little's law on a path). The time is from the end of the warm-up to the last arrival, longest wait in the queue
//! and retry chain, without what a provider is down for ([`uptime`]).
//!
//! **What it ignores**, all of which only makes it loose: quota and slots that requests of the warm-up, failed attempts and
//! the traffic of others take; room that an estimate needs at admission; random errors; ramps; that the smallest requests are
//! not known in advance (it may serve those alone: [`Bound::mix`] is the bound for a balancer that serves all kinds alike).
//!
//! Source: Kelly and Yudovina, Stochastic Networks (2014), ch. 3 and 7, for the program; weak duality is Chvátal, Linear
//! Programming (1983), ch. 5.

pub mod program;
pub mod queue;
pub mod requests;
pub mod resource;
pub mod uptime;

use program::Program;
use requests::Requests;
use resource::{Horizon, Resources};

use crate::drive::Plan;
use crate::report::{Efficiency, Run};
use crate::time::Nanos;

/// What no balancer can exceed.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// Measured requests that can be good.
    pub good: f64,
    /// The resource that costs most of the rest: `tpm of beta`; `None` where all that is offered can be good.
    pub binding: Option<String>,
    /// Requests that can be good where each class is served in proportion to what it offers, at mean sizes.
    pub mix: f64,
    /// Mean latency in milliseconds behind one queue for all slots; `None` where there is no such queue to compare with, or
    /// a request had no answer.
    pub latency_ms: Option<f64>,
}

/// The bound for a finished run of `plan`, of which `simulated` requests arrived in all, the last of them measured.
pub fn bound(plan: &Plan, run: &Run, simulated: u64) -> Bound {
    let requests = Requests::of(plan, simulated - run.requests.offered..simulated);
    // Of those that had no answer there is no latency, and the mean over the others is of an easier load.
    let all_answered = run.requests.offered > 0 && run.requests.succeeded == run.requests.offered;
    let latency_ms = all_answered.then(|| queue::shortest_mean_latency_ms(plan, &requests, simulated)).flatten();
    let resources = Resources::of(plan, horizon(plan, run));
    let program = (run.requests.offered > 0 && !resources.is_empty()).then(|| Program::new(&resources, &requests));
    let prices = program.as_ref().and_then(Program::prices).filter(|prices| prices.iter().any(|price| *price > 0.0));
    match (program, prices) {
        (Some(program), Some(prices)) => {
            let good = requests.dual(&resources, &prices);
            Bound { good, binding: resources.dearest(&prices), mix: program.mix().min(good), latency_ms }
        }
        _ => {
            let good = requests.possible(&resources);
            Bound { good, binding: None, mix: good, latency_ms }
        }
    }
}

/// The same as a part of the report.
pub fn efficiency(bound: &Bound, run: &Run) -> Efficiency {
    let goodput_per_s = run.efficiency.goodput_per_s;
    let per_s = |good: f64| (run.measured_s > 0.0).then(|| good / run.measured_s);
    let of = |most: Option<f64>| Some(goodput_per_s? / most.filter(|most| *most > 0.0)?);
    let (bound_per_s, mix_bound_per_s) = (per_s(bound.good), per_s(bound.mix));
    Efficiency {
        goodput_per_s,
        bound_per_s,
        ratio: of(bound_per_s),
        binding: bound.binding.clone(),
        mix_bound_per_s,
        mix_ratio: of(mix_bound_per_s),
        latency_bound_ms: bound.latency_ms,
        latency_ratio: bound.latency_ms.and_then(|least| Some(least / run.latency_ms.mean.filter(|mean| *mean > 0.0)?)),
    }
}

/// When measured requests may be admitted, and when their answers must have ended.
fn horizon(plan: &Plan, run: &Run) -> Horizon {
    let from = plan.load.warmup;
    let last_arrival = from + Nanos::from_secs_f64(run.measured_s);
    let retry = &plan.engine.retry;
    let hint = plan.engine.outlier_detection.unwrap_or_default().max_ejection_time;
    let pause = retry.max_backoff + retry.max_backoff + if retry.honor_retry_after { hint } else { Nanos::ZERO };
    let timeout = plan.load.classes.iter().filter_map(|class| class.timeout).fold(plan.timeout, Nanos::max);
    let chain = (pause + timeout).as_nanos().saturating_mul(u64::from(retry.max_retries));
    let hedge = plan.hedge.map_or(Nanos::ZERO, |hedge| hedge.after);
    // An instant is a stretch of time, too: of one nanosecond.
    let admitted_until = last_arrival + plan.queue.max_wait + Nanos::new(chain) + hedge + Nanos::new(1);
    let by_objective = plan.slo.latency.map_or(Nanos::MAX, |latency| last_arrival + latency);
    Horizon { from, admitted_until, answered_until: (admitted_until + timeout).min(by_objective).max(from + Nanos::new(1)) }
}
