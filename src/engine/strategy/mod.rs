//! How a provider is chosen among the eligible ones.
//!
//! One file per strategy; this one holds the catalogue that the scenario file, `lbsim strategies` and the README read.

mod choices;
mod consistent_hash;
mod failover;
mod least_connections;
mod lowest_cost;
mod lowest_latency;
mod peak_ewma;
mod power_of_two;
mod random;
mod rate_limit_aware;
mod round_robin;
mod view;
mod weighted_random;
mod weighted_round_robin;

use std::fmt;

use super::bits::Candidates;
use super::config::Config;
use super::pool::Member;
pub(crate) use choices::Shelf;
pub(crate) use view::{View, key};

/// The strategies, in catalogue order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Each in turn.
    RoundRobin,
    /// Each in turn, as often as its weight says, spread evenly.
    WeightedRoundRobin,
    /// Any, with equal probability.
    Random,
    /// Any, with probability proportional to its weight.
    WeightedRandom,
    /// The one with the fewest attempts in flight per weight.
    LeastConnections,
    /// The less loaded of a few random ones.
    PowerOfTwo,
    /// The one of a few random ones with the lowest peak-sensitive latency × load.
    PeakEwma,
    /// The lowest expected latency of all.
    LowestLatency,
    /// The most headroom relative to its limits.
    RateLimitAware,
    /// The same session to the same provider, within a load bound.
    ConsistentHash,
    /// The first in file order.
    Failover,
    /// The cheapest for this request.
    LowestCost,
}

/// What the catalogue says of a strategy.
#[derive(Clone, Copy, Debug)]
pub struct StrategyInfo {
    /// Which one.
    pub strategy: Strategy,
    /// Canonical name.
    pub name: &'static str,
    /// Names that are accepted too.
    pub aliases: &'static [&'static str],
    /// The rule in one sentence.
    pub rule: &'static str,
    /// When to choose it.
    pub when: &'static str,
    /// Cost of a pick over n eligible providers.
    pub cost: &'static str,
    /// Whether weights have an effect.
    pub weighted: bool,
    /// Where the algorithm comes from.
    pub source: &'static str,
}

impl Strategy {
    /// Its row of the catalogue.
    pub fn info(self) -> &'static StrategyInfo {
        &CATALOGUE[self as usize]
    }

    /// Canonical name.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// By canonical name or alias; `None` for anything else.
    pub fn parse(name: &str) -> Option<Strategy> {
        CATALOGUE.iter().find(|info| info.name == name || info.aliases.contains(&name)).map(|info| info.strategy)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A strategy with what it remembers between picks, for one tier of one model.
pub(crate) enum Chooser {
    RoundRobin(round_robin::RoundRobin),
    WeightedRoundRobin(weighted_round_robin::WeightedRoundRobin),
    Random,
    WeightedRandom(weighted_random::WeightedRandom),
    LeastConnections,
    PowerOfTwo(usize),
    PeakEwma(usize),
    LowestLatency,
    RateLimitAware,
    ConsistentHash(consistent_hash::ConsistentHash),
    Failover,
    LowestCost(lowest_cost::LowestCost),
}

/// A chosen position, and what the strategy needs to take the choice back.
pub(crate) struct Choice {
    pub position: usize,
    pub memory: usize,
}

impl Choice {
    /// Of a strategy that remembers nothing.
    fn plain(position: usize) -> Choice {
        Choice { position, memory: 0 }
    }
}

impl Chooser {
    /// The configured strategy over the members of a tier, from a fresh state. `shelf`: of all tiers of a generation.
    pub fn new(config: &Config, members: &[Member], shelf: &mut Shelf) -> Chooser {
        match config.strategy {
            Strategy::RoundRobin => Chooser::RoundRobin(Default::default()),
            Strategy::WeightedRoundRobin => Chooser::WeightedRoundRobin(weighted_round_robin::WeightedRoundRobin::new(members)),
            Strategy::Random => Chooser::Random,
            Strategy::WeightedRandom => Chooser::WeightedRandom(weighted_random::WeightedRandom::new(members)),
            Strategy::LeastConnections => Chooser::LeastConnections,
            Strategy::PowerOfTwo => Chooser::PowerOfTwo(config.choices),
            Strategy::PeakEwma => Chooser::PeakEwma(config.choices),
            Strategy::LowestLatency => Chooser::LowestLatency,
            Strategy::RateLimitAware => Chooser::RateLimitAware,
            Strategy::ConsistentHash => Chooser::ConsistentHash(consistent_hash::ConsistentHash::new(shelf.of(members))),
            Strategy::Failover => Chooser::Failover,
            Strategy::LowestCost => Chooser::LowestCost(lowest_cost::LowestCost::new(members)),
        }
    }

    /// This fresh chooser with the memory of `old`, whose position i is now `position(i)`.
    pub fn successor(self, old: &Chooser, position: &dyn Fn(usize) -> Option<usize>, old_len: usize) -> Chooser {
        match (&self, old) {
            (Chooser::RoundRobin(new), Chooser::RoundRobin(old)) => new.inherit(old, position, old_len),
            (Chooser::WeightedRoundRobin(new), Chooser::WeightedRoundRobin(old)) => new.inherit(old, position),
            _ => {}
        }
        self
    }

    /// Chooses among `candidates`, which are not empty.
    #[inline]
    pub fn choose(&self, view: &View<'_>, candidates: &impl Candidates) -> Choice {
        match self {
            Chooser::RoundRobin(state) => state.choose(candidates),
            Chooser::WeightedRoundRobin(state) => Choice::plain(state.choose(candidates)),
            Chooser::Random => Choice::plain(random::choose(view, candidates)),
            Chooser::WeightedRandom(state) => Choice::plain(state.choose(view, candidates)),
            Chooser::LeastConnections => Choice::plain(least_connections::choose(view, candidates)),
            Chooser::PowerOfTwo(choices) => Choice::plain(power_of_two::choose(view, candidates, *choices)),
            Chooser::PeakEwma(choices) => Choice::plain(peak_ewma::choose(view, candidates, *choices)),
            Chooser::LowestLatency => Choice::plain(lowest_latency::choose(view, candidates)),
            Chooser::RateLimitAware => Choice::plain(rate_limit_aware::choose(view, candidates)),
            Chooser::ConsistentHash(state) => Choice::plain(state.choose(view, candidates)),
            Chooser::Failover => Choice::plain(failover::choose(candidates)),
            Chooser::LowestCost(state) => Choice::plain(state.choose(view, candidates)),
        }
    }

    /// Takes a choice back, because its provider refused under the lock. `candidates` are those it was made from.
    #[cold]
    pub fn undo(&self, choice: &Choice, candidates: &impl Candidates) {
        match self {
            Chooser::RoundRobin(state) => state.undo(choice),
            Chooser::WeightedRoundRobin(state) => state.undo(choice.position, candidates),
            _ => {}
        }
    }

    /// What the strategy compares of the provider at `position` (lower is better), if it compares anything.
    pub fn score(&self, view: &View<'_>, position: usize) -> Option<f64> {
        match self {
            Chooser::LeastConnections | Chooser::PowerOfTwo(_) => Some(least_connections::score(view, position)),
            Chooser::PeakEwma(_) => Some(peak_ewma::score(view, position)),
            Chooser::LowestLatency => Some(lowest_latency::score(view, position)),
            Chooser::RateLimitAware => Some(rate_limit_aware::score(view, position)),
            Chooser::LowestCost(_) => Some(lowest_cost::score(view, position)),
            Chooser::WeightedRoundRobin(state) => Some(state.score(position)),
            Chooser::RoundRobin(_) | Chooser::Random | Chooser::WeightedRandom(_) | Chooser::ConsistentHash(_) | Chooser::Failover => None,
        }
    }
}

/// All strategies, in the order of [`Strategy`].
pub const CATALOGUE: [StrategyInfo; 12] = [
    StrategyInfo {
        strategy: Strategy::RoundRobin,
        name: "round-robin",
        aliases: &[],
        rule: "the first eligible provider at or after a cursor, which then stands just behind it",
        when: "equal providers, requests of similar size",
        cost: "O(1)",
        weighted: false,
        source: "classic",
    },
    StrategyInfo {
        strategy: Strategy::WeightedRoundRobin,
        name: "weighted-round-robin",
        aliases: &[],
        rule: "exactly by weight, heavy weights spread out (smooth)",
        when: "known, unequal capacities or a contract on shares",
        cost: "O(n)",
        weighted: true,
        source: "nginx, ngx_http_upstream_round_robin (smooth weighted round robin, 2012)",
    },
    StrategyInfo {
        strategy: Strategy::Random,
        name: "random",
        aliases: &[],
        rule: "any eligible provider with equal probability",
        when: "many replicas without shared state; the baseline of every comparison",
        cost: "O(1)",
        weighted: false,
        source: "classic",
    },
    StrategyInfo {
        strategy: Strategy::WeightedRandom,
        name: "weighted-random",
        aliases: &["simple-shuffle"],
        rule: "any eligible provider with probability proportional to its weight",
        when: "shares by weight over many replicas",
        cost: "O(1)",
        weighted: true,
        source: "classic; LiteLLM's default (simple-shuffle)",
    },
    StrategyInfo {
        strategy: Strategy::LeastConnections,
        name: "least-connections",
        aliases: &["least_conn", "leastconn", "least-busy", "least-request"],
        rule: "fewest attempts in flight per weight, ties at random",
        when: "one gateway, providers of different speed, long answers",
        cost: "O(n)",
        weighted: true,
        source: "classic (join the shortest queue); ties at random after Winston, J. Appl. Prob. 14 (1977)",
    },
    StrategyInfo {
        strategy: Strategy::PowerOfTwo,
        name: "power-of-two",
        aliases: &["p2c"],
        rule: "the least loaded of `choices` distinct random providers",
        when: "many providers or several gateways: nearly least-connections, without its herds",
        cost: "O(choices)",
        weighted: true,
        source: "Mitzenmacher, IEEE TPDS 12(10), 2001; Vvedenskaya, Dobrushin, Karpelevich, 1996",
    },
    StrategyInfo {
        strategy: Strategy::PeakEwma,
        name: "peak-ewma",
        aliases: &["ewma"],
        rule: "of `choices` random providers the lowest latency estimate × (in flight + 1); the estimate jumps up at once and decays slowly",
        when: "latencies that change suddenly, several gateways",
        cost: "O(choices)",
        weighted: true,
        source: "Finagle PeakEwma (Twitter, 2015); linkerd2-proxy, tower",
    },
    StrategyInfo {
        strategy: Strategy::LowestLatency,
        name: "lowest-latency",
        aliases: &["latency-based-routing"],
        rule: "of all providers the lowest expected latency, scaled by the load it already has",
        when: "one gateway, few providers that differ in speed",
        cost: "O(n)",
        weighted: true,
        source: "shortest expected delay: Whitt, Oper. Res. 34 (1986)",
    },
    StrategyInfo {
        strategy: Strategy::RateLimitAware,
        name: "rate-limit-aware",
        aliases: &["usage-based-routing", "usage-based-routing-v2"],
        rule: "largest remaining fraction of its tightest limit, weighted, ties at random",
        when: "quotas are the bottleneck",
        cost: "O(n)",
        weighted: true,
        source: "LiteLLM usage-based-routing, corrected: reserved before the answer, not counted after it",
    },
    StrategyInfo {
        strategy: Strategy::ConsistentHash,
        name: "consistent-hash",
        aliases: &[],
        rule: "the same session to the same provider; to its next choice when that one has over 1.25 × its fair load",
        when: "prompt caches worth keeping warm",
        cost: "O(n)",
        weighted: true,
        source: "Thaler, Ravishankar, IEEE/ACM ToN 6(1), 1998 (rendezvous); Mirrokni, Thorup, Zadimoghaddam, SODA 2018 (bounded loads)",
    },
    StrategyInfo {
        strategy: Strategy::Failover,
        name: "failover",
        aliases: &["fallback", "priority"],
        rule: "the first eligible provider in file order within the best tier",
        when: "a primary with spares",
        cost: "O(1)",
        weighted: false,
        source: "classic",
    },
    StrategyInfo {
        strategy: Strategy::LowestCost,
        name: "lowest-cost",
        aliases: &["cost-based-routing"],
        rule: "the lowest price for this request's tokens, ties by fewest in flight per weight",
        when: "price first, latency second",
        cost: "O(n)",
        weighted: true,
        source: "LiteLLM cost-based-routing",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_the_order_of_the_enum_and_names_are_unique() {
        let mut names = Vec::new();
        for (position, info) in CATALOGUE.iter().enumerate() {
            assert_eq!(info.strategy as usize, position, "{}", info.name);
            names.push(info.name);
            names.extend(info.aliases);
        }
        for name in &names {
            assert_eq!(names.iter().filter(|other| other == &name).count(), 1, "{name} names one strategy");
            assert!(Strategy::parse(name).is_some());
        }
        assert_eq!(Strategy::parse("robin"), None);
    }
}
