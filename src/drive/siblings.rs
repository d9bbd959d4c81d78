//! Several gateways before the same providers: who gets which request, and what they tell each other.

use super::balancer::Balancer;
use super::kind;
use super::plan::SharedQuota;
use super::queue::Class;
use super::simulate::{DriveError, Simulation, replica_config};
use crate::engine::Config;
use crate::engine::limit::Cost;
use crate::metrics::observe::Observer;
use crate::rng::{Draws, Stream};
use crate::time::Nanos;

/// What one engine admitted at each provider, less what was given back, and has not told the others so far.
#[derive(Clone, Default)]
pub(super) struct Untold {
    providers: Vec<Used>,
}

/// Below zero where more was given back than used since the last message.
#[derive(Clone, Copy, Default)]
struct Used {
    requests: i64,
    input: i64,
    output: i64,
}

impl Untold {
    pub fn new(providers: usize) -> Untold {
        Untold { providers: vec![Used::default(); providers] }
    }

    /// An attempt was sent.
    pub fn sent(&mut self, provider: usize, cost: Cost) {
        self.add(provider, cost, 1);
    }

    /// An attempt that was counted was refused, and has used nothing.
    pub fn refused(&mut self, provider: usize, cost: Cost) {
        self.add(provider, cost, -1);
    }

    /// An answer was longer or shorter than was counted for it.
    pub fn used(&mut self, provider: usize, counted: u64, output: u64) {
        self.providers[provider].output += output as i64 - counted as i64;
    }

    fn add(&mut self, provider: usize, tokens: Cost, sign: i64) {
        let used = &mut self.providers[provider];
        used.requests += sign;
        used.input += sign * tokens.input as i64;
        used.output += sign * tokens.output as i64;
    }

    /// What there is to tell of a provider; what was given back too often is kept for the next time.
    fn tell(&mut self, provider: usize) -> (u64, Cost) {
        let take = |count: &mut i64| {
            let told = (*count).max(0);
            *count -= told;
            told as u64
        };
        let used = &mut self.providers[provider];
        (take(&mut used.requests), Cost { input: take(&mut used.input), output: take(&mut used.output) })
    }
}

/// How many requests came to each engine lately: of those ten seconds ago half count.
#[derive(Clone)]
pub(super) struct Demand {
    arrived: Vec<f64>,
    known: Vec<f64>,
}

const HALF_LIFE: Nanos = Nanos::from_secs(10);

/// This much of a quota is divided equally, whatever the demand: what an engine needs first when its load grows.
const EQUAL_PART: f64 = 0.1;

impl Demand {
    pub fn new(replicas: usize) -> Demand {
        Demand { arrived: vec![0.0; replicas], known: vec![0.0; replicas] }
    }

    /// A request came.
    pub fn arrived(&mut self, replica: usize) {
        self.arrived[replica] += 1.0;
    }

    /// An interval is over.
    fn fade(&mut self, interval: Nanos) {
        let keep = libm::exp2(-interval.as_f64() / HALF_LIFE.as_f64());
        for (known, arrived) in self.known.iter_mut().zip(&mut self.arrived) {
            *known = *known * keep + std::mem::take(arrived);
        }
    }

    /// What an engine gets of a quota; all parts sum to one.
    fn part(&self, replica: usize) -> f64 {
        let (equal, all) = (1.0 / self.known.len() as f64, self.known.iter().sum::<f64>());
        if all == 0.0 {
            return equal;
        }
        EQUAL_PART * equal + (1.0 - EQUAL_PART) * self.known[replica] / all
    }
}

/// Which engine a request comes to.
pub(super) fn replica_of(shares: &[f64], replicas: u32, seed: u64, id: u64) -> usize {
    if shares.is_empty() {
        return (id % u64::from(replicas)) as usize;
    }
    let unit = Draws::new(seed, Stream::Replica, id).unit();
    let mut below = 0.0;
    let found = shares.iter().position(|share| {
        below += share;
        unit < below
    });
    // The shares sum to one but for rounding.
    found.unwrap_or(shares.len() - 1)
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Plans the first message. A quota that is to be divided is so from the start, in equal parts.
    pub fn start_sync(&mut self) -> Result<(), DriveError> {
        let Some(sync) = self.plan.sync.filter(|_| self.engines.len() > 1) else { return Ok(()) };
        self.at(sync.interval, Class::Timer, kind::SYNC, 0);
        self.reconfigure()
    }

    /// The configuration that is in force now, for every engine.
    pub fn reconfigure(&mut self) -> Result<(), DriveError> {
        for (replica, engine) in self.engines.iter().enumerate() {
            engine.reconfigure(self.now, self.config_of(replica))?;
        }
        Ok(())
    }

    fn config_of(&self, replica: usize) -> Config {
        let mut config = replica_config(&self.config, self.plan.seed, replica);
        if self.plan.sync.is_some_and(|sync| sync.quota == SharedQuota::Divided) {
            let part = self.demand.part(replica);
            config.providers.iter_mut().for_each(|provider| provider.limits = provider.limits.part(part));
        }
        config
    }

    /// It is time for the engines to talk.
    pub fn sync(&mut self) -> Result<(), DriveError> {
        let Some(sync) = self.plan.sync else { return Ok(()) };
        match sync.quota {
            SharedQuota::Common => self.tell_use(),
            SharedQuota::Divided => {
                self.demand.fade(sync.interval);
                self.reconfigure()?;
            }
        }
        (0..self.engines.len()).for_each(|replica| self.drain(replica));
        self.at(self.now + sync.interval, Class::Timer, kind::SYNC, 0);
        Ok(())
    }

    /// Every engine tells every other what it used since the last time.
    fn tell_use(&mut self) {
        for teller in 0..self.engines.len() {
            for provider in 0..self.plan.providers.len() {
                let (requests, tokens) = self.untold[teller].tell(provider);
                if requests == 0 && tokens.total() == 0 {
                    continue;
                }
                let others = self.engines.iter().enumerate().filter(|(other, _)| *other != teller);
                others.for_each(|(_, engine)| engine.note_foreign_use(self.now, provider, requests, tokens));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of 100,000 requests within five standard deviations; without shares each in turn.
    #[test]
    fn requests_come_by_the_shares() {
        let shares = [0.55, 0.25, 0.1, 0.1];
        let mut counts = [0_u32; 4];
        (0..100_000).for_each(|id| counts[replica_of(&shares, 4, 3, id)] += 1);
        for (count, share) in counts.into_iter().zip(shares) {
            let (mean, deviation) = (1e5 * share, (1e5 * share * (1.0 - share)).sqrt());
            assert!((f64::from(count) - mean).abs() < 5.0 * deviation, "{counts:?}");
        }
        assert_eq!([0, 1, 2, 3, 4].map(|id| replica_of(&[], 4, 3, id)), [0, 1, 2, 3, 0]);
    }

    /// 6 and 2 requests, then 1 and 3: 4 and 4 count, then nothing more for ten intervals does not change the parts.
    #[test]
    fn a_quota_follows_the_demand() {
        let mut demand = Demand::new(2);
        assert_eq!((demand.part(0), demand.part(1)), (0.5, 0.5), "nothing is known");
        let arrive = |demand: &mut Demand, counts: [u32; 2]| {
            (0..2).for_each(|replica| (0..counts[replica]).for_each(|_| demand.arrived(replica)));
            demand.fade(HALF_LIFE);
        };
        arrive(&mut demand, [6, 2]);
        assert!((demand.part(0) - (0.05 + 0.9 * 0.75)).abs() < 1e-12 && (demand.part(0) + demand.part(1) - 1.0).abs() < 1e-12);
        arrive(&mut demand, [1, 3]);
        assert_eq!((demand.part(0), demand.part(1)), (0.5, 0.5));
        (0..10).for_each(|_| arrive(&mut demand, [0, 0]));
        assert_eq!(demand.part(0), 0.5);
    }

    /// Two sent, one refused: one is told. A refusal after that is set off against the next message, and so is an answer that was
    /// shorter than counted; one that was longer adds to it.
    #[test]
    fn what_was_refused_is_not_told() {
        let cost = Cost { input: 10, output: 5 };
        let mut untold = Untold::new(2);
        (0..2).for_each(|_| untold.sent(1, cost));
        untold.refused(1, cost);
        assert_eq!((untold.tell(0), untold.tell(1)), ((0, Cost::default()), (1, cost)));
        untold.refused(1, cost);
        assert_eq!(untold.tell(1).0, 0);
        (0..2).for_each(|_| untold.sent(1, cost));
        assert_eq!(untold.tell(1), (1, cost));
        untold.used(1, 5, 2);
        untold.used(1, 5, 12);
        assert_eq!(untold.tell(1), (0, Cost { input: 0, output: 4 }));
    }
}
