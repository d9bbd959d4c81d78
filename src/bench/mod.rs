//! What a decision costs: the engine alone, on this machine, timed.
//!
//! The strategies are measured once a round each, in an order that changes from round to round, so that whatever else the machine
//! does falls on all of them alike. The first strategy is measured as two that know nothing of each other (A against A): by how much
//! those differ is what can be told here, and where it is more than the resolution asked for nothing is judged.
//!
//! A batch of thousands of decisions is timed as a whole, for a clock read costs as much as a decision. The loop around them is
//! timed in the same rounds and subtracted.

mod arm;
mod rounds;
mod spread;
mod workload;

use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::drive::timer_cost;
use crate::engine::ConfigError;
use crate::engine::limit::Algorithm;
use crate::engine::strategy::Strategy;
use crate::gate;
use crate::report::{Bench, FORMAT, PoolCost, Spread, StrategyCost, Verdict};

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// At least one; the others are compared with the first.
    pub strategies: Vec<Strategy>,
    /// Sizes of pools, each at least 1.
    pub providers: Vec<usize>,
    /// Numbers of threads, each at least 1.
    pub threads: Vec<usize>,
    /// How the limits of each provider on requests and tokens count; `None`: there are none.
    pub limits: Option<Algorithm>,
    /// Attempts of each thread in flight, at least 1.
    pub in_flight: usize,
    /// At least 1.
    pub rounds: usize,
    /// Figures are judged where A against A differ by no more than this part.
    pub resolution: f64,
    /// What they are judged by.
    pub at_most: Option<AtMost>,
}

/// The most that a pick and its settlement may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AtMost {
    /// ns.
    Nanos(f64),
    /// As a multiple of the first strategy.
    Ratio(f64),
}

impl Settings {
    /// Turns of all rounds together, as `progress` of [`run`] counts them.
    pub fn turns(&self) -> u64 {
        // Beside the strategies: the first once more, and the empty loop.
        (self.rounds * self.providers.len() * self.threads.len() * (self.strategies.len() + 2)) as u64
    }
}

/// Measures one pool after the other. `None` if `stop` was set before the first round was over; later, what is whole is kept.
///
/// # Errors
/// [`ConfigError`] for a pool that is too large.
pub fn run(settings: &Settings, progress: &AtomicU64, stop: &AtomicBool) -> Result<Option<Bench>, ConfigError> {
    let (timer_ns, lock_ns) = (timer_cost(), arm::lock_cost());
    let mut pools: Vec<PoolCost> = Vec::new();
    let mut interrupted = false;
    for (providers, threads) in rounds::sizes(settings) {
        let mut pool = rounds::Pool::new(settings, providers, threads)?;
        interrupted = !rounds::measure(&mut pool, settings.rounds, progress, stop);
        pools.extend((pool.rounds() > 0).then(|| judged(&pool, settings)));
        if interrupted {
            break;
        }
    }
    if pools.is_empty() {
        return Ok(None);
    }
    let verdicts = pools.iter().flat_map(|pool| {
        let noisy = pool.noisy.then_some(Verdict::Noisy);
        noisy.into_iter().chain(pool.strategies.iter().filter_map(|cost| cost.verdict))
    });
    Ok(Some(Bench {
        format: FORMAT,
        lbsim: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: gate::verdict(verdicts, interrupted),
        limits: settings.limits.map_or("none", Algorithm::word).to_owned(),
        in_flight: settings.in_flight,
        requests_per_s: workload::REQUESTS_PER_S,
        resolution: settings.resolution,
        at_most_ns: settings.at_most.and_then(|most| if let AtMost::Nanos(ns) = most { Some(ns) } else { None }),
        at_most_ratio: settings.at_most.and_then(|most| if let AtMost::Ratio(ratio) = most { Some(ratio) } else { None }),
        timer_ns,
        lock_ns,
        pools,
    }))
}

/// The figures of a pool, from its rounds.
fn judged(pool: &rounds::Pool, settings: &Settings) -> PoolCost {
    let loop_ns = spread::of(&pool.around.rounds).median;
    let figures: Vec<Vec<f64>> = pool.strategies.iter().map(|arm| net(&arm.rounds, loop_ns)).collect();
    let again = net(&pool.again.rounds, loop_ns);
    let spread = spread::from_one(&spread::of(&ratios(&again, &figures[0])));
    let noisy = spread > settings.resolution;
    let strategies = settings.strategies.iter().zip(&pool.strategies).zip(&figures).map(|((strategy, arm), figures_of_it)| {
        let (ns, ratio) = (spread::of(figures_of_it), spread::of(&ratios(figures_of_it, &figures[0])));
        let verdict = settings.at_most.map(|most| if noisy { Verdict::Noisy } else { against(most, &ns, &ratio) });
        let unsent = arm.callers().iter().map(|caller| caller.unsent as u64).sum();
        StrategyCost { strategy: strategy.name().to_owned(), ns, ratio, unsent, verdict }
    });
    let strategies = strategies.collect();
    let window_s = workload::window_s(pool.providers, settings.limits);
    let (providers, threads, rounds) = (pool.providers, pool.threads, pool.rounds());
    PoolCost { providers, threads, rounds, window_s, loop_ns, spread, noisy, strategies }
}

/// Without the loop. A decision takes more than nothing, whatever a clock says of one batch.
fn net(rounds: &[f64], loop_ns: f64) -> Vec<f64> {
    rounds.iter().map(|ns| (ns - loop_ns).max(0.1)).collect()
}

fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(of, to)| of / to).collect()
}

/// Below the most with the whole interval, above it with the whole interval, or neither.
fn against(most: AtMost, ns: &Spread, ratio: &Spread) -> Verdict {
    let (figure, most) = match most {
        AtMost::Nanos(most) => (ns, most),
        AtMost::Ratio(most) => (ratio, most),
    };
    if figure.high <= most {
        Verdict::Pass
    } else if figure.low > most {
        Verdict::Fail
    } else {
        Verdict::Noisy
    }
}

#[cfg(test)]
mod tests;
