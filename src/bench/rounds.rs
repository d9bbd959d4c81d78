//! Rounds: everything once, in a new order each time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::Settings;
use super::arm::Arm;
use super::workload::{Around, Caller, REQUESTS_PER_S, engine, window_s};
use crate::engine::ConfigError;
use crate::engine::limit::Algorithm;
use crate::engine::strategy::Strategy;
use crate::rng::{Draws, Stream};

/// Decisions before anything is timed; over sliding windows as many as fill them, and a few more.
const WARM_UP: usize = 5_000;
const FULL_AFTER: f64 = 1.02;

/// All that is measured of one pool size and number of threads.
pub struct Pool {
    pub providers: usize,
    pub threads: usize,
    /// In the order of the settings.
    pub strategies: Vec<Arm<Caller>>,
    /// The first of them, made a second time.
    pub again: Arm<Caller>,
    /// The empty loop.
    pub around: Arm<Around>,
}

/// The size of each pool and its number of threads, in the order in which they are measured.
pub fn sizes(settings: &Settings) -> impl Iterator<Item = (usize, usize)> {
    settings.threads.iter().flat_map(|threads| settings.providers.iter().map(move |providers| (*providers, *threads)))
}

impl Pool {
    /// Its engines, warmed up.
    ///
    /// # Errors
    /// A pool that is too large.
    pub fn new(settings: &Settings, providers: usize, threads: usize) -> Result<Pool, ConfigError> {
        let strategies = settings.strategies.iter().map(|strategy| arm(settings, *strategy, providers, threads));
        let around = (0..threads).map(|_| Around::new(threads, settings.in_flight)).collect();
        Ok(Pool {
            providers,
            threads,
            strategies: strategies.collect::<Result<_, _>>()?,
            again: arm(settings, settings.strategies[0], providers, threads)?,
            around: Arm::new(around, 1, WARM_UP),
        })
    }

    /// Whole rounds so far.
    pub fn rounds(&self) -> usize {
        let arms = self.strategies.iter().chain([&self.again]).map(|arm| arm.rounds.len());
        arms.fold(self.around.rounds.len(), usize::min)
    }

    /// Things to measure.
    fn len(&self) -> usize {
        self.strategies.len() + 2
    }

    fn round(&mut self, thing: usize) {
        match thing.checked_sub(self.strategies.len()) {
            None => self.strategies[thing].round(),
            Some(0) => self.again.round(),
            Some(_) => self.around.round(),
        }
    }

    /// Forgets what is of no whole round.
    fn cut(&mut self, rounds: usize) {
        self.strategies.iter_mut().chain([&mut self.again]).for_each(|arm| arm.rounds.truncate(rounds));
        self.around.rounds.truncate(rounds);
    }
}

fn arm(settings: &Settings, strategy: Strategy, providers: usize, threads: usize) -> Result<Arm<Caller>, ConfigError> {
    let engine = engine(strategy, providers, settings.limits)?;
    let caller = |index| Caller::new(&engine, index, threads, settings.in_flight);
    let sliding = settings.limits == Some(Algorithm::SlidingWindow);
    let warm_up =
        if sliding { (FULL_AFTER * window_s(providers, settings.limits) * REQUESTS_PER_S / threads as f64) as usize } else { WARM_UP };
    Ok(Arm::new((0..threads).map(caller).collect(), providers, warm_up.max(2 * settings.in_flight)))
}

/// Measures so many rounds of everything in a pool, in an order drawn anew each time. False if `stop` ended it; then only whole
/// rounds stay.
pub fn measure(pool: &mut Pool, rounds: usize, progress: &AtomicU64, stop: &AtomicBool) -> bool {
    for round in 0..rounds {
        for thing in order(pool.len(), round) {
            if stop.load(Relaxed) {
                pool.cut(round);
                return false;
            }
            pool.round(thing);
            progress.fetch_add(1, Relaxed);
        }
    }
    true
}

/// A permutation (Durstenfeld, Communications of the ACM 7(7), 1964), another one each round.
fn order(len: usize, round: usize) -> Vec<usize> {
    let mut draws = Draws::new(0, Stream::Bench, round as u64);
    let mut order: Vec<usize> = (0..len).collect();
    for last in (1..len).rev() {
        order.swap(last, draws.below(last as u64 + 1) as usize);
    }
    order
}
